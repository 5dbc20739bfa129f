// The parts of a level's table of kernels. Each file of this folder fills one, so that they compile in parallel.
#pragma once

#include "../kernels.hpp"

#define SIMDNN_JOIN_(a, b) a##_##b
#define SIMDNN_JOIN(a, b) SIMDNN_JOIN_(a, b)
#define SIMDNN_OF_LEVEL(name) SIMDNN_JOIN(name, SIMDNN_LEVEL)

namespace simdnn {
void SIMDNN_OF_LEVEL(element_kernels)(Kernels&);
void SIMDNN_OF_LEVEL(row_kernels)(Kernels&);
void SIMDNN_OF_LEVEL(network_kernels)(Kernels&);
void SIMDNN_OF_LEVEL(layer_kernels)(Kernels&);
void SIMDNN_OF_LEVEL(update_kernels)(Kernels&);
void SIMDNN_OF_LEVEL(lane_kernels)(Kernels&);
void SIMDNN_OF_LEVEL(bf16_kernels)(Kernels&);
}  // namespace simdnn
