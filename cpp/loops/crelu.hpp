// Concatenated relu [relu(x), relu(-x)]: a NumPy inner loop, and passes over rows.
#pragma once

#include "map.hpp"

SIMDNN_LEVEL_BEGIN

/// rising = relu(x), falling = relu(-x); rising may be x.
template <class T>
SIMDNN_INLINE void rectify(const T* x, Index n, T* rising, T* falling) {
  SIMDNN_VECTORIZE
  for (Index j = 0; j < n; ++j) {
    falling[j] = Relu::value(-x[j]);
    rising[j] = Relu::value(x[j]);
  }
}

/// NumPy inner loop () -> (2): dims are (n, 2); steps are those of x, of y, and from relu(x) to relu(-x).
template <class S>
void crelu_value(char* const* args, const Index* dims, const Index* steps) {
  using T = typename Compute<S>::type;
  if constexpr (sizeof(S) == sizeof(T)) {
    if (steps[0] == Index(sizeof(T)) && steps[1] == Index(sizeof(T))) {
      return rectify(reinterpret_cast<const T*>(args[0]), dims[0], reinterpret_cast<T*>(args[1]),
                     reinterpret_cast<T*>(args[1] + steps[2]));
    }
  }
  constexpr Index block = 8 * kLanes;
  alignas(64) T rising[block] = {}, falling[block];
  for (Index i = 0; i < dims[0]; i += block) {
    const Index count = dims[0] - i < block ? dims[0] - i : block;
    gather<S>(args[0] + i * steps[0], steps[0], count, rising);
    rectify(rising, block, rising, falling);
    scatter<S>(rising, count, args[1] + i * steps[1], steps[1]);
    scatter<S>(falling, count, args[1] + i * steps[1] + steps[2], steps[1]);
  }
}

/// y = [relu(x), relu(-x)].
template <class T>
void crelu(const T* x, Index x_stride, Index rows, Index columns, T* y, Index y_stride) {
  for (Index i = 0; i < rows; ++i, x += x_stride, y += y_stride) {
    rectify(x, columns, y, y + columns);
  }
}

/// dx = dy[first half] where x > 0, -dy[second half] where x < 0, else 0.
template <class T>
void crelu_backward(const T* dy, Index dy_stride, const T* x, Index x_stride, Index rows, Index columns, T* dx,
                    Index dx_stride) {
  for (Index i = 0; i < rows; ++i, dy += dy_stride, x += x_stride, dx += dx_stride) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) {
      const T beyond = x[j] == x[j] ? T(0) : x[j];
      const T rising = x[j] > 0 ? dy[j] : beyond, falling = x[j] < 0 ? dy[columns + j] : T(0);
      dx[j] = rising - falling;
    }
  }
}

SIMDNN_LEVEL_END
