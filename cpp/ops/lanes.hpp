// Blocks of sixteen virtual lanes, whatever the vector width, and the fixed shape of every sum over them.
#pragma once

#include "../math/vector.hpp"
#include "spans.hpp"

SIMDNN_LEVEL_BEGIN

/// The fixed tree that joins sixteen lanes.
SIMDNN_INLINE double sum_lanes(const double* lane) {
  double a[8], b[4];
  for (int i = 0; i < 8; ++i) a[i] = lane[i] + lane[i + 8];
  for (int i = 0; i < 4; ++i) b[i] = a[i] + a[i + 4];
  return (b[0] + b[2]) + (b[1] + b[3]);
}

/// Sixteen elements, a register at a time.
template <class T>
SIMDNN_INLINE void copy_block(const T* from, T* to) {
  for (int l = 0; l < kLanes; l += kWidth<T>) {
    const Vector<T> x = load_vector(from + l);
    __builtin_memcpy(to + l, &x, sizeof x);
  }
}

/// The first `count` elements as a whole block, filled up with `rest`: written so that it becomes a masked load.
template <class T>
SIMDNN_INLINE void load_block(const T* from, Index count, T rest, T* block) {
  if (count == kLanes) {
    copy_block(from, block);
    return;
  }
  SIMDNN_VECTORIZE
  for (int l = 0; l < kLanes; ++l) block[l] = l < count ? from[l] : rest;
}

template <class T>
SIMDNN_INLINE void store_block(T* to, Index count, const T* block) {
  if (count == kLanes) {
    copy_block(block, to);
    return;
  }
  SIMDNN_VECTORIZE
  for (int l = 0; l < kLanes; ++l) {
    if (l < count) to[l] = block[l];
  }
}

/// Calls step(offset, count) for each block of sixteen; only the last may be shorter, so that the others need no mask.
template <class Step>
SIMDNN_INLINE void for_blocks(Index n, const Step& step) {
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) step(i, Index(kLanes));
  if (i < n) step(i, n - i);
}

/// Sixteen numbers that a loop carries in registers.
template <class T>
struct Lanes {
  static constexpr int kParts = kLanes / kWidth<T>;
  Vector<T> part[kParts];

  SIMDNN_INLINE Lanes() : Lanes(T(0)) {}
  SIMDNN_INLINE explicit Lanes(T value) {
    for (int k = 0; k < kParts; ++k) part[k] = broadcast<T>(value);
  }
  SIMDNN_INLINE explicit Lanes(const T* block) {
    for (int k = 0; k < kParts; ++k) part[k] = load_vector(block + k * kWidth<T>);
  }

  SIMDNN_INLINE void operator+=(const Lanes& other) {
    for (int k = 0; k < kParts; ++k) part[k] += other.part[k];
  }

  /// Takes what is larger; a NaN never is.
  SIMDNN_INLINE void take_larger(const T* block) {
    for (int k = 0; k < kParts; ++k) {
      const Vector<T> other = load_vector(block + k * kWidth<T>);
      part[k] = other > part[k] ? other : part[k];
    }
  }

  SIMDNN_INLINE void store(T* to) const { __builtin_memcpy(to, part, sizeof part); }
};

template <class T>
SIMDNN_INLINE Lanes<double> wide(const T* block) {
  Lanes<double> x;
  for (int k = 0; k < Lanes<double>::kParts; ++k) x.part[k] = widen(block + k * kWidth<double>);
  return x;
}

/// Rounded to T.
template <class T>
SIMDNN_INLINE void store_narrow(const Lanes<double>& x, T* block) {
  for (int k = 0; k < Lanes<double>::kParts; ++k) narrow(x.part[k], block + k * kWidth<double>);
}

template <class T>
SIMDNN_INLINE Lanes<T> fma(const Lanes<T>& a, const Lanes<T>& b, Lanes<T> c) {
  for (int k = 0; k < Lanes<T>::kParts; ++k) c.part[k] = fma(a.part[k], b.part[k], c.part[k]);
  return c;
}

/// a b where a is not 0, else 0 whatever b is.
template <class T>
SIMDNN_INLINE Lanes<T> times_unless_zero(const Lanes<T>& a, Lanes<T> b) {
  for (int k = 0; k < Lanes<T>::kParts; ++k) b.part[k] = a.part[k] == 0 ? a.part[k] : a.part[k] * b.part[k];
  return b;
}

SIMDNN_INLINE double sum_lanes(const Lanes<double>& x) {
  double lane[kLanes];
  x.store(lane);
  return sum_lanes(lane);
}

SIMDNN_LEVEL_END
