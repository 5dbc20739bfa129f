// Checks of numbers against the domain of a loss's targets.
#pragma once

#include "../base/descriptions.hpp"
#include "../simd/lanes.hpp"

SIMDNN_LEVEL_BEGIN

/// True if outside(x) is false for all numbers of a contiguous array; the pass has no branches.
template <class T, class Outside>
SIMDNN_INLINE bool none_of(const T* x, Index n, const Outside& outside) {
  typename Bits<T>::type found = 0;
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) found |= typename Bits<T>::type(outside(x[i]));
  return found == 0;
}

template <class T>
bool in_domain(const T* x, Index n, Domain domain) {
  constexpr T most = T(1 + 1e-5);
  switch (domain) {
    case Domain::sign:
      return none_of(x, n, [](T y) SIMDNN_LAMBDA_INLINE { return (y != T(-1)) & (y != T(1)) & (y == y); });
    case Domain::probability:
      return none_of(x, n, [](T y) SIMDNN_LAMBDA_INLINE { return (y < T(0)) | (y > most); });
    case Domain::unit:
      return none_of(x, n, [](T y) SIMDNN_LAMBDA_INLINE { return (y < T(0)) | (y > T(1)); });
    case Domain::nonnegative:
      return none_of(x, n, [](T y) SIMDNN_LAMBDA_INLINE { return y < T(0); });
    case Domain::any:
      break;
  }
  return true;
}

SIMDNN_LEVEL_END
