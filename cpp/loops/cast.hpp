// Casts of input numbers to a network's precision.
#pragma once

#include "../base/views.hpp"
#include "../simd/level.hpp"

SIMDNN_LEVEL_BEGIN

template <class S, class T>
SIMDNN_INLINE void cast_as(const void* from, Index n, T scale, T* to) {
  const S* const x = static_cast<const S*>(from);
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) to[i] = T(x[i]) * scale;
}

/// to = scale * from; a scale of 1 is exact.
template <class T>
void cast(const void* from, DType dtype, Index n, T scale, T* to) {
  if (dtype == DType::f32) return cast_as<float>(from, n, scale, to);
  if (dtype == DType::f64) return cast_as<double>(from, n, scale, to);
  cast_as<std::uint8_t>(from, n, scale, to);
}

/// True if a cast to float makes none of the numbers infinite; NaN stays NaN.
inline bool all_within_float(const double* x, Index n) {
  constexpr double limit = 0x1.ffffffp127;  // rounds to 2^128
  std::int64_t beyond = 0;
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) beyond |= __builtin_fabs(x[i]) >= limit ? 1 : 0;
  return beyond == 0;
}

SIMDNN_LEVEL_END
