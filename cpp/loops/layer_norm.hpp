// Layer normalization of rows by their own mean and variance, which are computed in double.
#pragma once

#include "../math/flush.hpp"
#include "reduce.hpp"

SIMDNN_LEVEL_BEGIN

/// y = normal w + b, normal = (x - mean) / sqrt(variance + eps), for each row.
template <class T>
void layer_norm(const NormRows<T>& n) {
  for (Index i = 0; i < n.x.rows; ++i) {
    const T* const x = n.x.row(i);
    T* const y = n.y.row(i);
    T* const normal = n.normal.data ? n.normal.row(i) : y;
    const double mean = row_sum(x, n.x.columns) / double(n.x.columns);
    Lanes<double> squares;
    for_blocks(n.x.columns, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      T block[kLanes];
      double distance[kLanes];
      load_block(x + first, count, T(0), block);
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) distance[l] = l < count ? double(block[l]) - mean : 0.0;
      const Lanes<double> d(distance);
      squares = fma(d, d, squares);
    });
    const double inverse = 1 / sqrt(sum_lanes(squares) / double(n.x.columns) + n.eps);
    n.inverse[i] = inverse;
    const T center = T(mean), scale = T(inverse), offset = T((double(center) - mean) * inverse);
    SIMDNN_VECTORIZE
    for (Index j = 0; j < n.x.columns; ++j) normal[j] = fma(x[j] - center, scale, offset);
    if (n.weight) {
      SIMDNN_VECTORIZE
      for (Index j = 0; j < n.x.columns; ++j) y[j] = fma(normal[j], n.weight[j], n.bias[j]);
    } else if (normal != y) {
      SIMDNN_VECTORIZE
      for (Index j = 0; j < n.x.columns; ++j) y[j] = normal[j];
    }
  }
}

/// Overwrites y, which holds dy, by dx: Ba, Kiros & Hinton 2016, Layer Normalization, arXiv:1607.06450.
template <class T>
void layer_norm_backward(const NormRows<T>& n) {
  const double per_column = 1 / double(n.y.columns);
  for (Index i = 0; i < n.y.rows; ++i) {
    T* const g = n.y.row(i);
    const T* const normal = n.normal.row(i);
    Lanes<double> sum, product;
    for_blocks(n.y.columns, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      T dy[kLanes], weight[kLanes], block[kLanes];  // dy is multiplied by the weight
      load_block(g + first, count, T(0), dy);
      load_block(normal + first, count, T(0), block);
      if (n.weight) {
        load_block(n.weight + first, count, T(0), weight);
        SIMDNN_VECTORIZE
        for (int l = 0; l < kLanes; ++l) dy[l] = flush_tiny(dy[l] * weight[l]);
        store_block(g + first, count, dy);
      }
      const Lanes<double> d = wide(Lanes<T>(dy));
      sum += d;
      product = fma(d, wide(Lanes<T>(block)), product);
    });
    const double inverse = n.inverse[i];
    const T scale = T(inverse), x_scale = narrow_coefficient<T>(-inverse * sum_lanes(product) * per_column);
    const T offset = narrow_coefficient<T>(-inverse * sum_lanes(sum) * per_column);
    SIMDNN_VECTORIZE
    for (Index j = 0; j < n.y.columns; ++j) g[j] = fma(g[j], scale, fma(normal[j], x_scale, offset));
  }
}

SIMDNN_LEVEL_END
