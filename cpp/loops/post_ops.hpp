// Post-ops of a matrix product: an activation or its derivative, applied to a tile while it is in the cache.
//
// The columns of a tile are whole lanes.
#pragma once

#include "../math/flush.hpp"
#include "map.hpp"

SIMDNN_LEVEL_BEGIN

/// Copy of an activation's parameters, which stays in registers during a tile.
template <class Op, class T>
struct Fixed {
  T value[kMaxParameters] = {};
  SIMDNN_INLINE explicit Fixed(const T* parameters) {
    for (int k = 0; k < Op::info.parameter_count(); ++k) value[k] = parameters[k];
  }
};

/// Post-op of inference: c = f(c).
template <class Op, class T>
void infer_tile(T* c, T*, Index stride, Index rows, Index columns, const T* parameters) {
  const Fixed<Op, T> fixed(parameters);
  for (Index i = 0; i < rows; ++i, c += stride) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) c[j] = value_of<Op>(c[j], fixed.value);
  }
}

/// Post-op of a forward pass in training: c = f(c), aux = f'(c) unless f' follows from the output.
template <class Op, class T>
void train_tile(T* c, T* aux, Index stride, Index rows, Index columns, const T* parameters) {
  if constexpr (Op::info.reads == Reads::output) {
    infer_tile<Op>(c, aux, stride, rows, columns, parameters);
  } else {
    const Fixed<Op, T> fixed(parameters);
    for (Index i = 0; i < rows; ++i, c += stride, aux += stride) {
      SIMDNN_VECTORIZE
      for (Index j = 0; j < columns; ++j) {
        const T x = c[j];
        c[j] = value_of<Op>(x, fixed.value);
        aux[j] = kept_derivative_of<Op>(x, fixed.value);
      }
    }
  }
}

/// Post-op of a backward pass: c *= f', from aux. A tiny f' is 0 before the product, because a subnormal one is slow.
template <class Op, class T>
void backward_tile(T* c, T* aux, Index stride, Index rows, Index columns, const T* parameters) {
  [[maybe_unused]] const Fixed<Op, T> fixed(parameters);
  for (Index i = 0; i < rows; ++i, c += stride, aux += stride) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) {
      if constexpr (Op::info.reads == Reads::output) {
        c[j] = flush_tiny(c[j] * derivative_from_output_of<Op>(aux[j], fixed.value));
      } else {
        c[j] = flush_tiny(c[j] * flush_tiny(aux[j]));
      }
    }
  }
}

SIMDNN_LEVEL_END
