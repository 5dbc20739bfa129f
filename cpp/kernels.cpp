// Fills the table of kernels of one instruction-set level from its parts; compiled once per level.
#include "kernels.hpp"

#include "kernels/part.hpp"

#define SIMDNN_TEXT_(x) #x
#define SIMDNN_TEXT(x) SIMDNN_TEXT_(x)

namespace simdnn {

const Kernels& SIMDNN_OF_LEVEL(kernels)() {
  static const Kernels table = [] {
    Kernels kernels{};
    kernels.level = SIMDNN_TEXT(SIMDNN_LEVEL);
    SIMDNN_OF_LEVEL(element_kernels)(kernels);
    SIMDNN_OF_LEVEL(row_kernels)(kernels);
    SIMDNN_OF_LEVEL(network_kernels)(kernels);
    SIMDNN_OF_LEVEL(layer_kernels)(kernels);
    SIMDNN_OF_LEVEL(update_kernels)(kernels);
    SIMDNN_OF_LEVEL(lane_kernels)(kernels);
    SIMDNN_OF_LEVEL(bf16_kernels)(kernels);
    return kernels;
  }();
  return table;
}

}  // namespace simdnn
