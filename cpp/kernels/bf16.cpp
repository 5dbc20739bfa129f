// Fills the table's kernels of bfloat16 numbers.
#include "../loops/bf16.hpp"
#include "../loops/bf16_product.hpp"
#include "../loops/bf16_rows.hpp"
#include "part.hpp"

SIMDNN_LEVEL_BEGIN

/// Chooses by the number of rows whether the right factor is packed.
inline void product_of_any_rows(const Bf16Product& p) {
  p.c.rows <= kFewRows&& p.b.column_stride == 1 ? bf16_rows(p) : bf16_product(p);
}

SIMDNN_LEVEL_END

void simdnn::SIMDNN_OF_LEVEL(bf16_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  kernels.bf16 = {round_to_bf16, widen_bf16, product_of_any_rows};
}
