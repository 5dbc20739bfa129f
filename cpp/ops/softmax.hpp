// Softmax and its pieces over one contiguous row, by sixteen virtual lanes whatever the vector width.
#pragma once

#include "../math/exp.hpp"
#include "../math/level.hpp"
#include "../math/log.hpp"
#include "spans.hpp"

SIMDNN_LEVEL_BEGIN

/// The fixed tree that joins sixteen lanes.
SIMDNN_INLINE double sum_lanes(const double* lane) {
  double a[8], b[4];
  for (int i = 0; i < 8; ++i) a[i] = lane[i] + lane[i + 8];
  for (int i = 0; i < 4; ++i) b[i] = a[i] + a[i + 4];
  return (b[0] + b[2]) + (b[1] + b[3]);
}

/// The first `count` elements as a whole block, filled up with `rest`: written so that it becomes a masked load.
template <class T>
SIMDNN_INLINE void load_block(const T* from, Index count, T rest, T* block) {
  SIMDNN_VECTORIZE
  for (int l = 0; l < kLanes; ++l) block[l] = l < count ? from[l] : rest;
}

template <class T>
SIMDNN_INLINE void store_block(T* to, Index count, const T* block) {
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

/// The largest element; a NaN is passed over here and spoils the row in the sum.
template <class T>
T row_max(const T* x, Index n) {
  constexpr T lowest = -__builtin_inf();
  T lane[kLanes];
  for (int l = 0; l < kLanes; ++l) lane[l] = lowest;
  for_blocks(n, [&](Index i, Index count) SIMDNN_LAMBDA_INLINE {
    T block[kLanes];
    load_block(x + i, count, lowest, block);
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) lane[l] = block[l] > lane[l] ? block[l] : lane[l];
  });
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int l = 0; l < width; ++l) lane[l] = lane[l + width] > lane[l] ? lane[l + width] : lane[l];
  }
  return lane[0];
}

/// exp(x - largest), the rounding error of the difference included (Knuth's TwoSum).
template <class T>
SIMDNN_INLINE T shifted_exp(T x, T largest) {
  const T difference = x - largest;
  const T back = difference - x;
  const T error = (x - (difference - back)) - (largest + back);
  return exp(difference, difference > T(-1000) ? error : T(0));
}

/// The terms exp(x - largest) of one block; 0 beyond the row, by way of exp(0): an underflow would be slow.
template <class T>
SIMDNN_INLINE void exp_block(const T* x, Index count, T largest, T* block) {
  load_block(x, count, largest, block);
  SIMDNN_VECTORIZE
  for (int l = 0; l < kLanes; ++l) block[l] = l < count ? shifted_exp(block[l], largest) : T(0);
}

/// The sum of exp(x - largest), in double; keep(offset, count, block) sees each block of the terms.
template <class T, class Keep>
SIMDNN_INLINE double sum_exp(const T* x, T largest, Index n, const Keep& keep) {
  double lane[kLanes] = {};
  for_blocks(n, [&](Index i, Index count) SIMDNN_LAMBDA_INLINE {
    T block[kLanes];
    exp_block(x + i, count, largest, block);
    keep(i, count, block);
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) lane[l] += double(block[l]);
  });
  return sum_lanes(lane);
}

/// y = exp(x - largest); returns the sum. y may be x.
template <class T>
double row_exp(const T* x, T largest, T* y, Index n) {
  return sum_exp(x, largest, n,
                 [&](Index i, Index count, const T* block) SIMDNN_LAMBDA_INLINE { store_block(y + i, count, block); });
}

template <class T>
double row_exp_sum(const T* x, T largest, Index n) {
  return sum_exp(x, largest, n, [](Index, Index, const T*) SIMDNN_LAMBDA_INLINE {});
}

/// In double, so that only the result is rounded.
template <class T>
void row_scale(T* y, double factor, Index n) {
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) y[i] = T(double(y[i]) * factor);
}

/// Whether some element before `end` reaches `value`.
template <class T>
bool reaches(const T* x, Index end, T value) {
  for (Index i = 0; i < end; ++i) {
    if (x[i] >= value) return true;
  }
  return false;
}

/// exp(x) / sum exp(x); y may be x.
template <class T>
void softmax(const T* x, T* y, Index n) {
  const double sum = row_exp(x, row_max(x, n), y, n);
  row_scale(y, 1 / sum, n);
}

/// x - log sum exp(x); y may be x.
template <class T>
void log_softmax(const T* x, T* y, Index n) {
  const T largest = row_max(x, n);
  const T shift = T(log(row_exp_sum(x, largest, n)));
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) y[i] = (x[i] - largest) - shift;
}

SIMDNN_LEVEL_END
