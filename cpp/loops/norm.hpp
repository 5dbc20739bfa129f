// Kernels of gradient clipping and max-norm: a test for finite numbers, sums of squares and scaling of columns.
#pragma once

#include "../base/views.hpp"
#include "../simd/level.hpp"

SIMDNN_LEVEL_BEGIN

/// True if no number is infinite or NaN.
template <class T>
bool all_finite(const T* x, Index n) {
  using Word = typename Bits<T>::type;
  const Word exponent = to_bits(T(__builtin_inf()));
  Word bad = 0;
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) bad |= (to_bits(x[i]) & exponent) == exponent ? Word(1) : Word(0);
  return bad == 0;
}

/// sums[j] += sum_i x[i, j]^2, each column in the order of its rows.
template <class T>
void add_column_squares(const T* x, Index rows, Index columns, double* sums) {
  for (Index i = 0; i < rows; ++i, x += columns) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) sums[j] = fma(double(x[j]), double(x[j]), sums[j]);
  }
}

/// x[i, j] *= factors[j].
template <class T>
void scale_columns(T* x, Index rows, Index columns, const T* factors) {
  for (Index i = 0; i < rows; ++i, x += columns) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) x[j] *= factors[j];
  }
}

SIMDNN_LEVEL_END
