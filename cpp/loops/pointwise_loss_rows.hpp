// Loop of pointwise losses over rows, with sums in double in sixteen virtual lanes.
#pragma once

#include "../ops/pointwise_losses.hpp"
#include "softmax_terms.hpp"

SIMDNN_LEVEL_BEGIN

/// Conversion of derivatives to gradients: a product with the factor of a row.
template <class T>
struct SlopeScale {
  GradientFactor<Lanes<T>> factor;
  Lanes<double> exact;

  explicit SlopeScale(const Lanes<double>& scale) : factor(gradient_factor_of<T>(scale)), exact(scale) {}
  SIMDNN_INLINE Lanes<T> operator*(const Lanes<float>& slope) const { return factor * slope; }
  SIMDNN_INLINE Lanes<T> operator*(const Lanes<double>& slope) const {
    return narrow_gradient<T>(exact * flush_wide<T>(slope));
  }
};

template <class Loss, int kMode, class V>
SIMDNN_INLINE auto evaluate(const V& x, const V& y, const double* parameters, const Wide<V>& scale) {
  if constexpr (requires { Loss::kModes; }) {
    return Loss::template at<kMode>(x, y, parameters, scale);
  } else {
    return Loss::at(x, y, parameters, scale);
  }
}

/// A row of outputs and targets, and places for the results.
template <class Loss, int kMode, class T>
struct PointwiseRow {
  const T *x, *y;
  const double *parameters, *class_scale;
  T *gradient, *each;
  SlopeScale<T> slope_scale;
  Lanes<double> sums;

  /// Computes `count` elements from `first`, which are kBlocks whole blocks or part of one.
  template <int kBlocks>
  SIMDNN_INLINE void run(Index first, int count) {
    using V = Lanes<T, kBlocks>;
    Wide<V> scale = 1.0;
    if (class_scale) scale = Wide<V>(class_scale + first, count, 1.0);
    const auto f = evaluate<Loss, kMode>(V(x + first, count, T(0)), V(y + first, count, T(0)), parameters, scale);
    unroll<kBlocks>([&](int b) SIMDNN_LAMBDA_INLINE {
      const Index place = first + b * kLanes;
      const int present = count - b * kLanes;
      if (each) narrow<T>(f.value.block(b)).store(each + place, present);
      if (gradient) (slope_scale * f.slope.block(b)).store(gradient + place, present);
      Lanes<double> value = wide(f.value.block(b));
      sums += present >= kLanes ? value : value.first(present);
    });
  }
};

/// Blocks that are computed side by side, because the operations of one depend on each other.
constexpr int kSideBySide = kVectorBytes == 64 ? 2 : 1;

template <class Loss, int kMode, class T>
void pointwise_row(const LossRows<T>& batch, Index i) {
  const double weight = (batch.row_weight ? double(batch.row_weight[i]) : 1.0) * batch.factor;
  PointwiseRow<Loss, kMode, T> row{batch.output.row(i),
                                   batch.values.row(i),
                                   batch.parameters,
                                   batch.class_scale,
                                   batch.gradient.data ? batch.gradient.row(i) : nullptr,
                                   batch.each ? batch.each + i * batch.output.columns : nullptr,
                                   SlopeScale<T>(Lanes<double>(batch.scale * weight)),
                                   {}};
  constexpr int step = kSideBySide * kLanes;
  const Index n = batch.output.columns;
  Index first = 0;
  for (; first + step <= n; first += step) row.template run<kSideBySide>(first, step);
  for (; first < n; first += kLanes) row.template run<1>(first, n - first < kLanes ? int(n - first) : kLanes);
  batch.row_loss[i] = weight * sum_lanes(row.sums);
  if (batch.row_correct) batch.row_correct[i] = 0;
}

/// Runs the loop in the mode that the parameters choose, which is kMode or a later one.
template <class Loss, class T, int kMode = 0>
void pointwise_rows(const LossRows<T>& batch) {
  if constexpr (requires { Loss::kModes; }) {
    if constexpr (kMode + 1 < Loss::kModes) {
      if (Loss::mode(batch.parameters) != kMode) return pointwise_rows<Loss, T, kMode + 1>(batch);
    }
  }
  for (Index i = 0; i < batch.output.rows; ++i) pointwise_row<Loss, kMode>(batch, i);
}

SIMDNN_LEVEL_END
