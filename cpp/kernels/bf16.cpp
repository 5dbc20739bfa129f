// Fills the table's kernels of bfloat16 numbers.
#include "../loops/bf16.hpp"
#include "../loops/bf16_product.hpp"
#include "part.hpp"

void simdnn::SIMDNN_OF_LEVEL(bf16_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  kernels.bf16 = {round_to_bf16, widen_bf16, bf16_product};
}
