// Sums in double whose shape depends on the number of elements alone.
#pragma once

#include "../ops/lanes.hpp"

SIMDNN_LEVEL_BEGIN

/// The sum of a contiguous row, by sixteen virtual lanes.
template <class T>
double row_sum(const T* x, Index n) {
  double lane[kLanes] = {};
  for_blocks(n, [&](Index i, Index count) SIMDNN_LAMBDA_INLINE {
    T block[kLanes];
    load_block(x + i, count, T(0), block);
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) lane[l] += double(block[l]);
  });
  return sum_lanes(lane);
}

/// sums[i] += x[i].
template <class T>
void add_row(const T* x, Index n, double* sums) {
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) sums[i] += double(x[i]);
}

SIMDNN_LEVEL_END
