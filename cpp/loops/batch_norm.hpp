// Batch normalization: statistics of columns, summed in double in the order of the rows; forward and backward passes.
#pragma once

#include "../math/flush.hpp"

SIMDNN_LEVEL_BEGIN

/// Stores the first `count` lanes.
SIMDNN_INLINE void store_first(const Lanes<double>& x, Index count, double* to) {
  double block[kLanes];
  x.store(block);
  store_block(to, count, block);
}

/// Loads up to sixteen numbers as doubles and fills up with zeros.
template <class T>
SIMDNN_INLINE Lanes<double> load_wide(const T* from, Index count) {
  T block[kLanes];
  load_block(from, count, T(0), block);
  return wide(Lanes<T>(block));
}

/// Mean and biased variance of each column. Distances from the first row are summed, whose squares are at most `rows`
/// variances, so that nothing cancels.
template <class T>
void column_moments(const T* x, Index stride, Index rows, Index columns, double* mean, double* variance) {
  for_blocks(columns, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
    const Lanes<double> origin = load_wide(x + first, count);
    Lanes<double> sum, squares;
    for (Index i = 0; i < rows; ++i) {
      const Lanes<double> distance = load_wide(x + i * stride + first, count) - origin;
      sum += distance;
      squares = fma(distance, distance, squares);
    }
    double at[kLanes], total[kLanes], square[kLanes];
    origin.store(at), sum.store(total), squares.store(square);
    for (Index l = 0; l < count; ++l) {
      const double shift = total[l] / double(rows), spread = fma(-shift, total[l], square[l]);
      mean[first + l] = at[l] + shift;
      variance[first + l] = (spread < 0 ? 0.0 : spread) / double(rows);
    }
  });
}

/// sums[j] += sum_i dy[i, j], products[j] += sum_i dy[i, j] (x[i, j] - mean[j]); a mean of nullptr stands for zeros.
template <class T>
void add_column_products(const T* dy, Index dy_stride, const T* x, Index x_stride, Index rows, Index columns,
                         const double* mean, double* sums, double* products) {
  for_blocks(columns, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
    double start[3][kLanes] = {};
    for (Index l = 0; l < count; ++l) {
      start[0][l] = mean ? mean[first + l] : 0.0;
      start[1][l] = sums[first + l];
      start[2][l] = products[first + l];
    }
    const Lanes<double> center(start[0]);
    Lanes<double> sum(start[1]), product(start[2]);
    for (Index i = 0; i < rows; ++i) {
      const Lanes<double> g = load_wide(dy + i * dy_stride + first, count);
      sum += g;
      product = fma(g, load_wide(x + i * x_stride + first, count) - center, product);
    }
    store_first(sum, count, sums + first);
    store_first(product, count, products + first);
  });
}

/// y = (x - center) scale + offset for rows of x.
template <class T>
void scale_columns_to(const T* x, Index x_stride, Index rows, Index columns, const T* center, const T* scale,
                      const T* offset, T* y, Index y_stride) {
  for (Index i = 0; i < rows; ++i, x += x_stride, y += y_stride) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) y[j] = fma(x[j] - center[j], scale[j], offset[j]);
  }
}

/// dx = dy scale + (x - center) x_scale + offset; g holds dy, overwritten by dx.
template <class T>
void batch_norm_backward(T* g, Index g_stride, const T* x, Index x_stride, Index rows, Index columns, const T* scale,
                         const T* center, const T* x_scale, const T* offset) {
  for (Index i = 0; i < rows; ++i, g += g_stride, x += x_stride) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) g[j] = fma(g[j], scale[j], fma(x[j] - center[j], x_scale[j], offset[j]));
  }
}

/// Coefficients of scale_columns_to(), and 1 / sqrt(variance + eps). The center is the mean rounded to T; the offset
/// includes its rounding error, so that no digit of x - mean is lost.
template <class T>
void norm_factors(const NormColumns<T>& n, Index begin, Index end) {
  SIMDNN_VECTORIZE
  for (Index j = begin; j < end; ++j) {
    const double inverse = 1 / sqrt(n.variance[j] + n.eps);
    const double scale = n.weight ? double(n.weight[j]) * inverse : inverse;
    const T center = T(n.mean[j]);
    n.inverse[j] = inverse;
    n.center[j] = center;
    n.scale[j] = T(scale);
    n.offset[j] = T(fma(double(center) - n.mean[j], scale, n.bias ? double(n.bias[j]) : 0.0));
  }
}

/// Coefficients of the backward pass through mean and variance: Ioffe & Szegedy 2015, section 3.
template <class T>
void batch_norm_backward_coefficients(const NormColumns<T>& n, Index begin, Index end, double rows) {
  SIMDNN_VECTORIZE
  for (Index j = begin; j < end; ++j) {
    const double inverse = n.inverse[j], scale = n.weight ? double(n.weight[j]) * inverse : inverse;
    const double x_scale = -scale * inverse * inverse * n.products[j] / rows;
    n.x_scale[j] = narrow_coefficient<T>(x_scale);
    n.dx_offset[j] = narrow_coefficient<T>(fma(x_scale, double(n.center[j]) - n.mean[j], -scale * n.sums[j] / rows));
  }
}

SIMDNN_LEVEL_END
