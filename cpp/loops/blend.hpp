// Elementwise combinations of two matrices, and passes over gradients.
#pragma once

#include "../base/views.hpp"
#include "../math/flush.hpp"

SIMDNN_LEVEL_BEGIN

/// out = a + b; out may be a or b.
template <class T>
void add(const T* a, Index a_row, const T* b, Index b_row, T* out, Index out_row, Index rows, Index columns) {
  for (Index i = 0; i < rows; ++i, a += a_row, b += b_row, out += out_row) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) out[j] = a[j] + b[j];
  }
}

/// The post-op of a backward pass without a derivative: tiny gradients become 0.
template <class T>
void flush_tile(T* c, T*, Index stride, Index rows, Index columns, const T*) {
  for (Index i = 0; i < rows; ++i, c += stride) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) c[j] = flush_tiny(c[j]);
  }
}

/// The post-op c *= aux of a backward pass, where aux may be a mask: it selects, so that 0 times infinity is 0.
template <class T>
void multiply_tile(T* c, T* aux, Index stride, Index rows, Index columns, const T*) {
  for (Index i = 0; i < rows; ++i, c += stride, aux += stride) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) {
      const T slope = flush_tiny(aux[j]), product = c[j] * slope;
      c[j] = slope == 0 ? T(0) : flush_tiny(product);
    }
  }
}

/// to = factor * from, gradients that were summed in double; a factor of nullptr stands for ones.
template <class T>
void narrow_gradients(const double* from, const double* factor, Index n, T* to) {
  if (factor) {
    SIMDNN_VECTORIZE
    for (Index i = 0; i < n; ++i) to[i] = narrow_gradient<T>(factor[i] * from[i]);
  } else {
    SIMDNN_VECTORIZE
    for (Index i = 0; i < n; ++i) to[i] = narrow_gradient<T>(from[i]);
  }
}

/// out = (a - b) factor, but 0 where that is tiny; out may be a or b.
template <class T>
void difference(const T* a, const T* b, T factor, T* out, Index n) {
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) out[i] = flush_tiny(flush_tiny(a[i] - b[i]) * factor);
}

/// to += share (from - to); `from` may be `to`.
template <class T>
void move_towards(const T* from, T share, T* to, Index n) {
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) to[i] += (from[i] - to[i]) * share;
}

SIMDNN_LEVEL_END
