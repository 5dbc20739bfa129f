// Loop of pointwise losses over rows, in double, with sums in sixteen virtual lanes.
#pragma once

#include "../math/flush.hpp"
#include "../ops/pointwise_losses.hpp"
#include "../simd/lanes.hpp"

SIMDNN_LEVEL_BEGIN

template <class Loss, int kMode>
SIMDNN_INLINE ValueAndSlope evaluate(double x, double y, const double* parameters, double scale) {
  if constexpr (requires { Loss::kModes; }) {
    return Loss::template at<kMode>(x, y, parameters, scale);
  } else {
    return Loss::at(x, y, parameters, scale);
  }
}

/// Number of elements that are evaluated before their values are summed: a few blocks of lanes.
constexpr Index kStretch = 256;

/// value[j] = the loss of x[j], to[j] = slope times its derivative; to may be x.
template <class Loss, int kMode, class T>
void evaluate_stretch(const T* x, const T* y, Index count, const double* parameters, const double* scale, double slope,
                      double* value, T* to) {
  SIMDNN_VECTORIZE
  for (Index j = 0; j < count; ++j) {
    const ValueAndSlope f = evaluate<Loss, kMode>(double(x[j]), double(y[j]), parameters, scale[j]);
    value[j] = f.value;
    to[j] = narrow_gradient<T>(slope * flush_wide<T>(f.slope));
  }
}

template <class Loss, int kMode, class T>
void pointwise_row(const LossRows<T>& batch, Index i) {
  const T* const x = batch.output.row(i);
  const T* const y = batch.values.row(i);
  T* const gradient = batch.gradient.data ? batch.gradient.row(i) : nullptr;
  T* const each = batch.each ? batch.each + i * batch.output.columns : nullptr;
  const double weight = (batch.row_weight ? double(batch.row_weight[i]) : 1.0) * batch.factor;
  double parameters[kMaxLossParameters], value[kStretch], ones[kStretch];
  T unread[kStretch];
  for (int p = 0; p < kMaxLossParameters; ++p) parameters[p] = batch.parameters[p];
  for (Index j = 0; j < kStretch && j < batch.output.columns; ++j) ones[j] = 1;
  Lanes<double> sums;
  for (Index first = 0; first < batch.output.columns; first += kStretch) {
    const Index count = first + kStretch < batch.output.columns ? kStretch : batch.output.columns - first;
    evaluate_stretch<Loss, kMode>(x + first, y + first, count, parameters,
                                  batch.class_scale ? batch.class_scale + first : ones, batch.scale * weight, value,
                                  gradient ? gradient + first : unread);
    for (Index j = 0; each && j < count; ++j) each[first + j] = T(value[j]);
    for_blocks(count, [&](Index offset, Index present) SIMDNN_LAMBDA_INLINE {
      double block[kLanes];
      load_block(value + offset, present, 0.0, block);
      sums += Lanes<double>(block);
    });
  }
  batch.row_loss[i] = weight * sum_lanes(sums);
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
