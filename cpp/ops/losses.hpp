// Losses over rows of outputs: value and gradient in one pass. The registry is the last line.
#pragma once

#include "../math/exp.hpp"
#include "../math/level.hpp"
#include "../math/log.hpp"
#include "description.hpp"
#include "list.hpp"
#include "softmax.hpp"
#include "spans.hpp"

SIMDNN_LEVEL_BEGIN

/// log sum exp(x) - x[target]; gradient softmax(x) - onehot(target).
struct CrossEntropy {
  static constexpr LossDescription about{
      .name = "cross_entropy",
      .summary = "Softmax cross-entropy of logits and class indices.",
      .formula = "log(sum_j exp(x[j])) - x[target]",
      .source = "Bridle 1990, \"Probabilistic interpretation of feedforward classification network outputs\"",
      .target = Target::classes,
  };

  /// Softmax minus one-hot, times scale; returns the sum of exp(x - largest). gradient may be x.
  template <class T>
  SIMDNN_INLINE static double gradient_row(const T* x, T largest, Index n, Index target, double scale, T* gradient) {
    if (n > kLanes) {
      const double sum = row_exp(x, largest, gradient, n);
      row_scale(gradient, scale / sum, n);
      gradient[target] -= T(scale);
      return sum;
    }
    T block[kLanes];  // a short row stays in registers
    exp_block(x, n, largest, block);
    double lane[kLanes];
    for (int l = 0; l < kLanes; ++l) lane[l] = double(block[l]);
    const double sum = sum_lanes(lane);
    const double factor = scale / sum;
    const T own = T(scale);
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) block[l] = T(lane[l] * factor) - (l == target ? own : T(0));
    store_block(gradient, n, block);
    return sum;
  }

  /// Rows [begin, end), at most kLanes of them, so that their logarithms are taken together.
  template <class T>
  static void block(const LossRows<T>& batch, Index begin, Index end) {
    double sum[kLanes], margin[kLanes], weight[kLanes];
    for (int l = 0; l < kLanes; ++l) sum[l] = 1, margin[l] = 0, weight[l] = 0;
    for (Index i = begin; i < end; ++i) {
      const T* const x = batch.output + i * batch.output_stride;
      T* const gradient = batch.gradient ? batch.gradient + i * batch.gradient_stride : nullptr;
      const std::int64_t target = batch.classes[i];
      if (target < 0) {
        for (Index j = 0; gradient && j < batch.columns; ++j) gradient[j] = T(0);
        if (batch.row_correct) batch.row_correct[i] = 0;
        continue;
      }
      const Index l = i - begin;
      const T largest = row_max(x, batch.columns), own = x[target];
      if (batch.row_correct) batch.row_correct[i] = own == largest && !reaches(x, target, largest);
      weight[l] = batch.row_weight ? double(batch.row_weight[i]) : 1.0;
      margin[l] = double(own) - double(largest);
      sum[l] = gradient ? gradient_row(x, largest, batch.columns, target, batch.scale * weight[l], gradient)
                        : row_exp_sum(x, largest, batch.columns);
    }
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) sum[l] = log(sum[l]);
    for (Index i = begin; i < end; ++i) batch.row_loss[i] = weight[i - begin] * (sum[i - begin] - margin[i - begin]);
  }

  template <class T>
  static void rows(const LossRows<T>& batch) {
    for (Index i = 0; i < batch.rows; i += kLanes) block(batch, i, i + kLanes < batch.rows ? i + kLanes : batch.rows);
  }
};

/// mean over the columns of (x - y)^2.
struct Mse {
  static constexpr LossDescription about{
      .name = "mse",
      .summary = "Squared error, the mean over a sample's outputs.",
      .formula = "mean_j (x[j] - y[j])^2",
      .source = "Legendre 1805; no factor 1/2, as PyTorch",
      .target = Target::values,
  };

  template <class T>
  static void row(const LossRows<T>& batch, Index i) {
    const T* const x = batch.output + i * batch.output_stride;
    const T* const y = batch.values + i * batch.values_stride;
    T* const gradient = batch.gradient ? batch.gradient + i * batch.gradient_stride : nullptr;
    const double weight = (batch.row_weight ? double(batch.row_weight[i]) : 1.0) / double(batch.columns);
    const T scale = T(2 * batch.scale * weight);
    double sum[kLanes] = {};
    for (Index j = 0; j < batch.columns; ++j) {
      const T difference = x[j] - y[j];
      sum[j % kLanes] += double(difference) * double(difference);
      if (gradient) gradient[j] = scale * difference;
    }
    batch.row_loss[i] = weight * sum_lanes(sum);
    if (batch.row_correct) batch.row_correct[i] = 0;
  }

  template <class T>
  static void rows(const LossRows<T>& batch) {
    for (Index i = 0; i < batch.rows; ++i) row(batch, i);
  }
};

using Losses = List<CrossEntropy, Mse>;

SIMDNN_LEVEL_END
