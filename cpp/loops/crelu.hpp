// Concatenated relu over rows.
#pragma once

#include "../math/level.hpp"
#include "../ops/piecewise.hpp"
#include "../ops/spans.hpp"

SIMDNN_LEVEL_BEGIN

/// y = [relu(x), relu(-x)].
template <class T>
void crelu(const T* x, Index x_stride, Index rows, Index columns, T* y, Index y_stride) {
  for (Index i = 0; i < rows; ++i, x += x_stride, y += y_stride) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) {
      y[j] = Relu::value(x[j]);
      y[columns + j] = Relu::value(-x[j]);
    }
  }
}

/// dx = dy of the first half where x > 0, less that of the second where x < 0.
template <class T>
void crelu_backward(const T* dy, Index dy_stride, const T* x, Index x_stride, Index rows, Index columns, T* dx,
                    Index dx_stride) {
  for (Index i = 0; i < rows; ++i, dy += dy_stride, x += x_stride, dx += dx_stride) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) {
      dx[j] = dy[j] * Relu::derivative(x[j]) - dy[columns + j] * Relu::derivative(-x[j]);
    }
  }
}

SIMDNN_LEVEL_END
