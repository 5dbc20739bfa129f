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

SIMDNN_LEVEL_END
