// The choice of the instruction-set level, made once at import.
#pragma once

#include <string>
#include <vector>

#include "kernels.hpp"

namespace simdnn {

/// Chooses the widest level of this CPU, or the one that SIMDNN_ISA names.
/// Throws std::runtime_error, which names the allowed levels, if that level is unknown or the CPU lacks it.
void choose_level();

/// The chosen table of kernels.
const Kernels& kernels();

/// True if products of bfloat16 factors run on the processor's matrix unit.
bool has_matrix_unit();

template <class T>
const TypedKernels<T>& typed_kernels() {
  return kernels().typed<T>();
}

/// Levels that both this build and this CPU have, narrowest first.
std::vector<std::string> available_levels();

}  // namespace simdnn
