// Large-margin logits: the target's logit is lowered, so that training has to make its angle smaller.
//
// With c = z / (|x| |w|), a logit is r q P(c), P(c) = c + [target] e(c), e(c) = (p(c) - c) / (1 + lambda). Its
// derivatives are
//   w.r.t. z    r q / (|x| |w|) P'(c),
//   w.r.t. |x|    r q (P(c) - c P'(c)) / |x|  where r = |x|,    -r q c P'(c) / |x|  where r is a constant,
// and w.r.t. |w| as w.r.t. |x|. If r and q are both norms, the other logits are z itself and have no such part.
#pragma once

#include "../math/flush.hpp"

SIMDNN_LEVEL_BEGIN

/// A function of c and its derivative.
struct MarginPoint {
  double value, slope;
};

/// (-1)^k cos(m a) - 2k for the angle a in [k pi / m, (k + 1) pi / m], m from 1 to 4.
/// Liu, Wen, Yu & Yang 2016, arXiv:1612.02295, equation 6; cos(m a) and its derivative by Chebyshev polynomials.
SIMDNN_INLINE MarginPoint angular_margin(double c, int m) {
  constexpr double knots[5][3] = {{-2, -2, -2},
                                  {-2, -2, -2},
                                  {0, -2, -2},
                                  {0.5, -0.5, -2},
                                  {0x1.6a09e667f3bcdp-1, 0, -0x1.6a09e667f3bcdp-1}};  // cos(j pi / m)
  double first = 1, first_next = c, second = 0, second_next = 1;
  for (int n = 1; n < m; ++n) {
    const double t = fma(2 * c, first_next, -first), u = fma(2 * c, second_next, -second);
    first = first_next, first_next = t;
    second = second_next, second_next = u;
  }
  int k = 0;
  for (int j = 0; j < 3; ++j) k += c < knots[m][j];
  const double sign = k % 2 == 0 ? 1 : -1;
  return {sign * first_next - 2 * k, sign * m * second_next};
}

/// cos(a + margin) where that decreases with the angle a, and cos(a) - margin sin(margin) beyond.
/// Deng, Guo, Xue & Zafeiriou 2019, arXiv:1801.07698, equation 3; the continuation is that of the authors' code.
SIMDNN_INLINE MarginPoint angle_margin(double c, const MarginShape& shape) {
  if (c <= -shape.cosine) return {c - shape.margin * shape.sine, 1};
  constexpr double least = 0x1p-20;  // the slope has a pole where features and weight are parallel
  const double sine = sqrt(fma(-c, c, 1.0));
  return {fma(c, shape.cosine, -(sine * shape.sine)), fma(c / (sine > least ? sine : least), shape.sine, shape.cosine)};
}

/// e(c), which the margin adds to the cosine of the target, and its derivative.
SIMDNN_INLINE MarginPoint margin_excess(double c, const MarginShape& shape) {
  MarginPoint p{c - shape.margin, 1};  // Wang, Cheng, Liu & Liu 2018, arXiv:1801.05599, section 3
  if (shape.law == MarginLaw::angular) p = angular_margin(c, int(shape.margin));
  if (shape.law == MarginLaw::angle) p = angle_margin(c, shape);
  return {shape.strength * (p.value - c), shape.strength * (p.slope - 1)};
}

SIMDNN_INLINE double inverse_norm(double norm) { return norm > 0 ? 1 / norm : 0.0; }

/// Factors of a row's logits, in the notation of the head of this file.
struct MarginRow {
  const MarginShape& shape;
  double inverse_x, r;

  MarginRow(const MarginShape& of, double norm)
      : shape(of), inverse_x(inverse_norm(norm)), r(of.feature_norm ? norm : of.scale) {}

  SIMDNN_INLINE double q(double weight_norm) const { return shape.weight_norm ? weight_norm : 1.0; }

  /// The factor r q / (|x| |w|) of z.
  SIMDNN_INLINE double z_factor(double weight_norm) const {
    const double row = shape.feature_norm ? 1.0 : shape.scale * inverse_x;
    return shape.weight_norm ? row : row * inverse_norm(weight_norm);
  }

  SIMDNN_INLINE double cosine(double z, double weight_norm) const {
    const double c = z * inverse_x * inverse_norm(weight_norm);
    return c > 1 ? 1.0 : (c < -1 ? -1.0 : c);
  }
};

template <class T>
void margin_logits(const MarginRows<T>& batch) {
  for (Index i = 0; i < batch.z.rows; ++i) {
    const MarginRow row(batch.shape, batch.feature_norm[i]);
    const T* const z = batch.z.row(i);
    T* const out = batch.out.row(i);
    SIMDNN_VECTORIZE
    for (Index j = 0; j < batch.z.columns; ++j) out[j] = T(row.z_factor(batch.weight_norm[j]) * double(z[j]));
    const Index target = Index(batch.classes[i]);
    if (target < 0) continue;
    const double norm = batch.weight_norm[target];
    const double excess = margin_excess(row.cosine(double(z[target]), norm), batch.shape).value;
    out[target] = T(fma(row.r * row.q(norm), excess, row.z_factor(norm) * double(z[target])));
  }
}

/// Gradient w.r.t. each column of z, and w.r.t. the norms where logits are normalized; returns that w.r.t. |x|.
template <class T>
SIMDNN_INLINE double margin_columns(const MarginRows<T>& batch, const MarginRow& row, const T* z, T* out) {
  double lane[kLanes] = {};
  for_blocks(batch.z.columns, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
    T zs[kLanes], gs[kLanes];
    double norm[kLanes], norm_gradient[kLanes];
    load_block(z + first, count, T(0), zs);
    load_block(out + first, count, T(0), gs);
    load_block(batch.weight_norm + first, count, 0.0, norm);
    load_block(batch.weight_norm_gradient + first, count, 0.0, norm_gradient);
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      const double radial = double(gs[l]) * row.r * row.q(norm[l]) * row.cosine(double(zs[l]), norm[l]);
      lane[l] -= row.shape.feature_norm ? 0.0 : radial * row.inverse_x;
      norm_gradient[l] -= row.shape.weight_norm ? 0.0 : radial * inverse_norm(norm[l]);
      gs[l] = narrow_gradient<T>(double(gs[l]) * row.z_factor(norm[l]));
    }
    store_block(out + first, count, gs);
    store_block(batch.weight_norm_gradient + first, count, norm_gradient);
  });
  return sum_lanes(lane);
}

/// Overwrites the gradient w.r.t. the logits by that w.r.t. z. Sums over rows are in the order of rows.
template <class T>
void margin_backward(const MarginRows<T>& batch) {
  const MarginShape& shape = batch.shape;
  for (Index i = 0; i < batch.z.rows; ++i) {
    const MarginRow row(shape, batch.feature_norm[i]);
    const T* const z = batch.z.row(i);
    T* const out = batch.out.row(i);
    const Index target = Index(batch.classes[i]);
    const double g = target < 0 ? 0.0 : double(out[target]);
    batch.feature_norm_gradient[i] = 0;
    if (!shape.feature_norm || !shape.weight_norm) batch.feature_norm_gradient[i] = margin_columns(batch, row, z, out);
    if (target < 0) continue;
    const double norm = batch.weight_norm[target], c = row.cosine(double(z[target]), norm);
    const MarginPoint e = margin_excess(c, shape);
    const double strength = g * row.r * row.q(norm), radial = -c * e.slope;
    out[target] = narrow_gradient<T>(g * row.z_factor(norm) * (1 + e.slope));
    batch.feature_norm_gradient[i] += strength * (shape.feature_norm ? e.value + radial : radial) * row.inverse_x;
    batch.weight_norm_gradient[target] +=
        strength * (shape.weight_norm ? e.value + radial : radial) * inverse_norm(norm);
  }
}

template <class T>
void row_norms(const T* x, Index stride, Index rows, Index columns, double* norms) {
  for (Index i = 0; i < rows; ++i) {
    double lane[kLanes] = {};
    for_blocks(columns, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      T block[kLanes];
      load_block(x + i * stride + first, count, T(0), block);
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) lane[l] = fma(double(block[l]), double(block[l]), lane[l]);
    });
    norms[i] = sqrt(sum_lanes(lane));
  }
}

template <class T>
void column_norms(const T* w, Index rows, Index columns, double* norms) {
  for (Index j = 0; j < columns; ++j) norms[j] = 0;
  for (Index i = 0; i < rows; ++i, w += columns) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) norms[j] = fma(double(w[j]), double(w[j]), norms[j]);
  }
  SIMDNN_VECTORIZE
  for (Index j = 0; j < columns; ++j) norms[j] = sqrt(norms[j]);
}

template <class T>
void norm_gradient_rows(const T* x, Index stride, Index rows, Index columns, const double* norm_gradient,
                        const double* norms, T* out, Index out_stride) {
  for (Index i = 0; i < rows; ++i) {
    const double inverse = inverse_norm(norms[i]);
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j)
      out[i * out_stride + j] = narrow_gradient<T>(norm_gradient[i] * (inverse * double(x[i * stride + j])));
  }
}

template <class T>
void add_norm_gradient_columns(const T* w, Index rows, Index columns, const double* norm_gradient, const double* norms,
                               T* gradient) {
  for (Index i = 0; i < rows; ++i, w += columns, gradient += columns) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) {
      gradient[j] =
          narrow_gradient<T>(fma(norm_gradient[j], inverse_norm(norms[j]) * double(w[j]), double(gradient[j])));
    }
  }
}

SIMDNN_LEVEL_END
