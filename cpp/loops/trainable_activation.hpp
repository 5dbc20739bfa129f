// Passes of activations with a trainable parameter p [columns].
#pragma once

#include "../math/flush.hpp"
#include "map.hpp"

SIMDNN_LEVEL_BEGIN

/// y = f(x, p[j]).
template <class Op, class T>
void trainable_value(const T* x, Index x_stride, Index rows, Index columns, const T* p, T* y, Index y_stride) {
  for (Index i = 0; i < rows; ++i, x += x_stride, y += y_stride) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) y[j] = Op::value(x[j], p[j]);
  }
}

/// sums[j] += sum_i g[i, j] df/dp in the order of the rows; then g *= df/dx.
template <class Op, class T>
void trainable_backward(const T* x, Index x_stride, Index rows, Index columns, const T* p, T* g, Index g_stride,
                        double* sums) {
  for (Index i = 0; i < rows; ++i, x += x_stride, g += g_stride) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) {
      sums[j] = fma(double(g[j]), double(flush_tiny(Op::parameter_derivative(x[j], p[j]))), sums[j]);
      g[j] = flush_tiny(g[j] * flush_tiny(Op::derivative(x[j], p[j])));
    }
  }
}

SIMDNN_LEVEL_END
