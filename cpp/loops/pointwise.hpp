// The walk of pointwise losses over rows: by sixteen virtual lanes, in double.
#pragma once

#include "../ops/lanes.hpp"
#include "../ops/pointwise_losses.hpp"

SIMDNN_LEVEL_BEGIN

template <class Loss, int kMode>
SIMDNN_INLINE ValueAndSlope evaluate(double x, double y, const double* parameters, double scale) {
  if constexpr (requires { Loss::kModes; }) {
    return Loss::template at<kMode>(x, y, parameters, scale);
  } else {
    return Loss::at(x, y, parameters, scale);
  }
}

template <class Loss, int kMode, class T>
void pointwise_row(const LossRows<T>& batch, Index i) {
  const T* const x = batch.output + i * batch.output_stride;
  const T* const y = batch.values + i * batch.values_stride;
  T* const gradient = batch.gradient ? batch.gradient + i * batch.gradient_stride : nullptr;
  T* const each = batch.each ? batch.each + i * batch.columns : nullptr;
  const double weight = (batch.row_weight ? double(batch.row_weight[i]) : 1.0) * batch.share;
  const double slope = batch.scale * weight;
  double parameters[kMaxLossParameters];
  for (int p = 0; p < kMaxLossParameters; ++p) parameters[p] = batch.parameters[p];
  double lane[kLanes] = {};
  for_blocks(batch.columns, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
    T x_block[kLanes], y_block[kLanes];
    double scale[kLanes], value[kLanes];
    load_block(x + first, count, T(0), x_block);
    load_block(y + first, count, T(0), y_block);
    for (int l = 0; l < kLanes; ++l) scale[l] = 1;
    if (batch.class_scale) load_block(batch.class_scale + first, count, 1.0, scale);
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      const ValueAndSlope f = evaluate<Loss, kMode>(double(x_block[l]), double(y_block[l]), parameters, scale[l]);
      value[l] = f.value;
      x_block[l] = T(slope * f.slope);
      y_block[l] = T(f.value);
    }
    if (gradient) store_block(gradient + first, count, x_block);
    if (each) store_block(each + first, count, y_block);
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) lane[l] += l < count ? value[l] : 0.0;
  });
  batch.row_loss[i] = weight * sum_lanes(lane);
  if (batch.row_correct) batch.row_correct[i] = 0;
}

/// In the mode that the parameters ask for, from kMode on.
template <class Loss, class T, int kMode = 0>
void pointwise_rows(const LossRows<T>& batch) {
  if constexpr (requires { Loss::kModes; }) {
    if constexpr (kMode + 1 < Loss::kModes) {
      if (Loss::mode(batch.parameters) != kMode) return pointwise_rows<Loss, T, kMode + 1>(batch);
    }
  }
  for (Index i = 0; i < batch.rows; ++i) pointwise_row<Loss, kMode>(batch, i);
}

SIMDNN_LEVEL_END
