// Sums in double, in an order that depends on the number of elements only.
#pragma once

#include "../math/flush.hpp"

SIMDNN_LEVEL_BEGIN

/// Calls add(sums, block) for each block of a contiguous row, filled up with zeros; returns the sum of the lanes.
template <class T, class Add>
SIMDNN_INLINE double fold_row(const T* x, Index n, const Add& add) {
  Lanes<double> sums;
  for_blocks(n, [&](Index i, Index count) SIMDNN_LAMBDA_INLINE {
    T block[kLanes];
    load_block(x + i, count, T(0), block);
    add(sums, wide(Lanes<T>(block)));
  });
  return sum_lanes(sums);
}

template <class T>
double row_sum(const T* x, Index n) {
  return fold_row(x, n, [](Lanes<double>& sums, const Lanes<double>& x) SIMDNN_LAMBDA_INLINE { sums += x; });
}

template <class T>
double square_sum(const T* x, Index n) {
  return fold_row(x, n, [](Lanes<double>& sums, const Lanes<double>& x) SIMDNN_LAMBDA_INLINE {
    const Lanes<double> counted = flush_wide<T>(x);
    sums = fma(counted, counted, sums);
  });
}

template <class T>
double abs_sum(const T* x, Index n) {
  return fold_row(x, n, [](Lanes<double>& sums, Lanes<double> x) SIMDNN_LAMBDA_INLINE {
    for (Vector<double>& part : x.part) part = part < 0 ? -part : part;
    sums += x;
  });
}

/// sums[i] += x[i].
template <class T>
void add_row(const T* x, Index n, double* sums) {
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) sums[i] += double(x[i]);
}

SIMDNN_LEVEL_END
