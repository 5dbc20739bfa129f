// Softmax cross-entropy and its modifiers: class weights, label smoothing, the focal factor, ignored rows, soft
// targets.
//
// Let p = softmax(x), a_c the class scale, t the target distribution (smoothed: (1 - eps) t + eps / C). Then
//   loss = sum_c a_c t_c (1 - p_c)^gamma (-log p_c)
//   d loss / d x_j = h_j - p_j sum_c h_c,  h_c = a_c t_c (1 - p_c)^gamma (gamma p_c log p_c / (1 - p_c) - 1).
// With a class index and no smoothing only h of that class is not 0, and everything but p is a factor of the row:
// that is the fast loop here. loops/soft_targets.hpp has the other cases.
#pragma once

#include "../base/descriptions.hpp"
#include "soft_targets.hpp"
#include "transposed_rows.hpp"

SIMDNN_LEVEL_BEGIN

/// Losses and gradients of up to sixteen rows with class indices, one row per lane, from the rows' softmax terms.
struct HardRows {
  double distance[kLanes] = {}, weight[kLanes] = {};  ///< distance: largest logit minus the target's
  double own[kLanes], unit[kLanes], rest[kLanes];     ///< the terms of the target, of the largest, all but the target's
  double loss[kLanes], factor[kLanes], own_gradient[kLanes];  ///< gradient = factor * term off the target

  /// Losses and gradients without class or sample weights.
  void find_losses() {
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      // A target that is the largest has own = unit: the log1p of the others, so that small losses keep their digits.
      loss[l] = log1p((rest[l] + (own[l] - unit[l])) / unit[l]) - distance[l];
    }
  }

  SIMDNN_INLINE void find_factor(int l, double scale) {
    factor[l] = scale * weight[l] / (rest[l] + own[l]);
    own_gradient[l] = -(factor[l] * rest[l]);
  }

  void find_factors(double scale) {
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) find_factor(l, scale);
  }

  void focus(double gamma) {
    find_losses();
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      const double inverse_sum = 1 / (rest[l] + own[l]), q = rest[l] * inverse_sum, power = focal_factor(q, gamma);
      const double strength = power * (1 - gamma * focal_slope(own[l] * inverse_sum, -loss[l], q));
      loss[l] = power == 0 ? 0.0 : power * loss[l];
      factor[l] *= strength;
      own_gradient[l] *= strength;
    }
  }
};

struct CrossEntropy {
  static constexpr LossDescription info{
      .name = "cross_entropy",
      .summary = "Softmax cross-entropy of logits with class indices or probabilities.",
      .formula = "sum_c t_c (1 - p_c)^gamma (-log p_c), p = softmax(x), t smoothed",
      .source = "Bridle 1990; Szegedy et al. 2016, section 7 (smoothing); Lin et al. 2017, section 3 (gamma)",
      .target = Target::either,
      .parameters = {{"label_smoothing", 0, 0, kUpToOne}, {"gamma", 0, 0, kUnbounded}},
      .logits = true,
  };
  enum { kSmoothing, kGamma };

  template <class T>
  static void rows(const LossRows<T>& batch) {
    if (batch.classes == nullptr || batch.parameters[kSmoothing] != 0) {
      for (Index i = 0; i < batch.output.rows; ++i) soft(batch, i);
      return;
    }
    // With a focal factor the terms stay in the first-level cache until their factors are known.
    constexpr Index most = 16384 / sizeof(T);
    const bool few = batch.output.columns > kShort && batch.parameters[kGamma] != 0;
    const Index fits = few ? most / batch.output.columns : kLanes;
    const Index group = fits < 1 ? 1 : (fits > kLanes ? Index(kLanes) : fits);
    for (Index i = 0; i < batch.output.rows; i += group) {
      const Index count = i + group < batch.output.rows ? group : batch.output.rows - i;
      if (batch.output.columns <= kShort) {
        short_rows(batch, i, count);
      } else {
        long_rows(batch, i, count);
      }
    }
  }

 private:
  template <class T>
  static double weight_of(const LossRows<T>& batch, Index i) {
    return batch.row_weight ? double(batch.row_weight[i]) * batch.factor : batch.factor;
  }

  /// Loads target and weight of each row; an ignored row takes its first class, with weight 0.
  template <class T>
  static void begin(const LossRows<T>& batch, Index first, Index count, HardRows& hard, int* target) {
    const auto row = [&](Index l) { return first + (l < count ? l : count - 1); };  // as in TransposedRows
    for (Index l = 0; l < kLanes; ++l) {
      const std::int64_t own = batch.classes[row(l)];
      target[l] = int(own < 0 ? 0 : own);
      hard.weight[l] = own < 0 ? 0.0 : batch.factor;
    }
    for (Index l = 0; batch.row_weight && l < kLanes; ++l) hard.weight[l] *= double(batch.row_weight[row(l)]);
    for (Index l = 0; batch.class_scale && l < kLanes; ++l) hard.weight[l] *= batch.class_scale[target[l]];
  }

  /// Writes the gradient at the target; an ignored row has none.
  template <class T>
  static void finish_gradient(const LossRows<T>& batch, Index i, double own_gradient) {
    T* const gradient = batch.gradient.row(i);
    const std::int64_t target = batch.classes[i];
    if (target >= 0) gradient[target] = T(own_gradient);
    for (Index j = 0; target < 0 && j < batch.output.columns; ++j) gradient[j] = T(0);
  }

  /// Computes the losses; not on the gradient's critical path, so it overlaps with the next rows.
  template <class T>
  static void end(const LossRows<T>& batch, Index first, Index count, HardRows& hard) {
    if (batch.parameters[kGamma] == 0) hard.find_losses();
    for (Index l = 0; l < count; ++l) {
      batch.row_loss[first + l] = batch.classes[first + l] < 0 ? 0.0 : hard.weight[l] * hard.loss[l];
    }
  }

  template <class T>
  static void short_rows(const LossRows<T>& batch, Index first, Index count) {
    HardRows hard;
    int target[kLanes];
    T own[kLanes];
    TransposedRows<T> block;
    begin(batch, first, count, hard, target);
    for (Index l = 0; l < kLanes; ++l) {
      own[l] = batch.output.data[(first + (l < count ? l : count - 1)) * batch.output.stride + target[l]];
    }
    block.load(batch.output.row(first), batch.output.stride, count, batch.output.columns);
    if (batch.row_correct) block.mark_correct(batch.classes + first, count, batch.row_correct + first);
    const Lanes<T> own_x(own), largest = block.shift.largest;
    (wide(own_x) - wide(largest)).store(hard.distance);
    block.leave_out(target);
    block.terms(own_x).store(hard.own);
    block.terms(largest).store(hard.unit);
    block.exponentials_but(target, own_x).store(hard.rest);
    hard.find_factors(batch.scale);
    if (batch.parameters[kGamma] != 0) hard.focus(batch.parameters[kGamma]);
    if (batch.gradient.data) {
      block.scale(factor_of<T>(Lanes<double>(hard.factor)));
      block.store(batch.gradient.row(first), batch.gradient.stride, count);
      for (int l = 0; l < count; ++l) finish_gradient(batch, first + l, hard.own_gradient[l]);
    }
    end(batch, first, count, hard);
  }

  template <class T>
  static void long_rows(const LossRows<T>& batch, Index first, Index count) {
    HardRows hard;
    int target[kLanes];
    const Index n = batch.output.columns;
    const double gamma = batch.parameters[kGamma];
    const auto gradient_of = [&](int l) { return batch.gradient.data ? batch.gradient.row(first + l) : nullptr; };
    const auto finish = [&](int l) {
      row_scale(gradient_of(l), factor_of<T>(hard.factor[l]), n);
      finish_gradient(batch, first + l, hard.own_gradient[l]);
    };
    begin(batch, first, count, hard, target);
    const auto extrema_of = [&](int l) { return row_extrema(batch.output.row(first + l), n); };
    RowExtrema<T> extrema = extrema_of(0);
    for (int l = 0; l < count; ++l) {
      const T* const x = batch.output.row(first + l);
      const MaxShift<T> shift(extrema);
      const T largest = shift.largest, own = x[target[l]];
      if (batch.row_correct) {
        const bool wins = own == largest && (target[l] == 0 || row_max(x, target[l]) < largest);
        batch.row_correct[first + l] = wins && batch.classes[first + l] >= 0;
      }
      hard.distance[l] = double(own) - double(largest);
      hard.own[l] = exact(term_of(own, shift));
      hard.unit[l] = shift.unit();
      const bool leads = !(own < largest);  // the other terms may vanish in the sum
      const double sum = row_exp(x, n, shift, leads ? Index(target[l]) : kNobody, gradient_of(l));
      hard.rest[l] = leads ? sum : sum - hard.own[l];
      if (l + 1 < count) extrema = extrema_of(l + 1);  // overlaps with the division below
      hard.find_factor(l, batch.scale);
      if (batch.gradient.data && gamma == 0) finish(l);
    }
    for (Index l = count; l < kLanes; ++l) hard.own[l] = hard.unit[l] = 1, hard.rest[l] = 0;
    if (gamma != 0) hard.focus(gamma);
    for (int l = 0; batch.gradient.data && gamma != 0 && l < count; ++l) finish(l);
    end(batch, first, count, hard);
  }

  /// One row with target probabilities, or a smoothed class.
  template <class T>
  static void soft(const LossRows<T>& batch, Index i) {
    const Index n = batch.output.columns;
    T* const gradient = batch.gradient.data ? batch.gradient.row(i) : nullptr;
    if (batch.classes && batch.classes[i] < 0) {
      for (Index j = 0; gradient && j < n; ++j) gradient[j] = T(0);
      if (batch.row_correct) batch.row_correct[i] = 0;
      batch.row_loss[i] = 0;
      return;
    }
    const double smoothing = batch.parameters[kSmoothing], gamma = batch.parameters[kGamma];
    const double weight = weight_of(batch, i);
    const SoftRow<T> row(batch.output.row(i), n);
    const Smoothed<T> targets{batch.classes ? nullptr : batch.values.row(i),
                              batch.classes ? Index(batch.classes[i]) : kNobody, 1 - smoothing, smoothing / double(n),
                              batch.class_scale};
    if (batch.row_correct) batch.row_correct[i] = row.winner == targets.winner(n);
    const double loss = gamma == 0 ? soft_row(row, targets, batch.scale * weight, gradient)
                                   : focal_row(row, targets, gamma, batch.scale * weight, gradient);
    batch.row_loss[i] = weight * loss;
  }
};

SIMDNN_LEVEL_END
