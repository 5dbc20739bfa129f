// Fills the table's kernels of bfloat16 numbers.
#include "../loops/bf16.hpp"
#include "../loops/bf16_product.hpp"
#include "../loops/bf16_rows.hpp"
#include "part.hpp"

SIMDNN_LEVEL_BEGIN

/// Computes a product in the order that suits its shape: one or two long rows have an order of their own.
void product(const Bf16Product& p) {
  const bool few = p.c.rows <= kFewRows && p.c.columns >= kPairColumns && p.b.column_stride == 1;
  return few ? bf16_rows(p) : bf16_product(p);
}

SIMDNN_LEVEL_END

void simdnn::SIMDNN_OF_LEVEL(bf16_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  kernels.bf16 = {round_to_bf16, widen_bf16, product};
}
