// Conversion of rows between float and bfloat16.
#pragma once

#include "../base/views.hpp"
#include "../math/bf16.hpp"

SIMDNN_LEVEL_BEGIN

inline void round_to_bf16(const float* from, Index n, Bf16* to) {
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) to[i] = to_bf16(from[i]);
}

inline void widen_bf16(const Bf16* from, Index n, float* to) {
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) to[i] = from_bf16(from[i]);
}

SIMDNN_LEVEL_END
