// Elementwise combinations of two matrices.
#pragma once

#include "../base/views.hpp"
#include "../simd/level.hpp"

SIMDNN_LEVEL_BEGIN

/// out = a + b; out may be a or b.
template <class T>
void add(const T* a, Index a_row, const T* b, Index b_row, T* out, Index out_row, Index rows, Index columns) {
  for (Index i = 0; i < rows; ++i, a += a_row, b += b_row, out += out_row) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) out[j] = a[j] + b[j];
  }
}

/// The post-op c *= aux.
template <class T>
void multiply_tile(T* c, T* aux, Index stride, Index rows, Index columns, const T*) {
  for (Index i = 0; i < rows; ++i, c += stride, aux += stride) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) c[j] *= aux[j];
  }
}

/// out = (a - b) factor; out may be a or b.
template <class T>
void difference(const T* a, const T* b, T factor, T* out, Index n) {
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) out[i] = (a[i] - b[i]) * factor;
}

SIMDNN_LEVEL_END
