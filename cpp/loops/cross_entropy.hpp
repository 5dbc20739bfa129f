// Softmax cross-entropy and its modifiers: class weights, label smoothing, the focal factor, ignored rows, soft
// targets.
//
// Let p = softmax(x), a_c the class scale, t the target distribution (smoothed: (1 - eps) t + eps / C). Then
//   loss = sum_c a_c t_c (1 - p_c)^gamma (-log p_c)
//   d loss / d x_j = h_j - p_j sum_c h_c,  h_c = a_c t_c (1 - p_c)^gamma (gamma p_c log p_c / (1 - p_c) - 1).
// With a class index and no smoothing, only h of that class is not 0, and the gradient off the target is p times a
// factor of the row: that is the fast loop here. loops/soft_targets.hpp has the other cases.
#pragma once

#include "../base/descriptions.hpp"
#include "soft_rows.hpp"
#include "soft_targets.hpp"
#include "transposed_rows.hpp"

SIMDNN_LEVEL_BEGIN

/// Losses and gradients of up to sixteen rows with class indices, one row per lane, from the rows' softmax terms.
struct HardRows {
  double distance[kLanes] = {};  ///< the target's logit minus the largest
  double weight[kLanes] = {};    ///< factor of loss and gradient
  double target_term[kLanes], largest_term[kLanes];
  double other_terms[kLanes];  ///< sum of all terms but the target's
  double loss[kLanes];
  double factor[kLanes];  ///< gradient = factor * term, except at the target
  double target_gradient[kLanes];

  /// Computes the losses without class or sample weights.
  void find_losses() {
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      // If the target is the largest, this is log1p of the other terms alone, so that small losses keep their digits.
      loss[l] = log1p((other_terms[l] + (target_term[l] - largest_term[l])) / largest_term[l]) - distance[l];
    }
  }

  SIMDNN_INLINE void find_factor(int l, double scale) {
    factor[l] = scale * weight[l] / (other_terms[l] + target_term[l]);
    target_gradient[l] = -(factor[l] * flush_tiny(other_terms[l]));
  }

  /// Computes the factors of the gradients; `scale` is one number, or a pointer to one for each row.
  template <class Scale>
  void find_factors(const Scale& scale) {
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      if constexpr (requires { scale[l]; }) {
        find_factor(l, scale[l]);
      } else {
        find_factor(l, scale);
      }
    }
  }

  /// Applies the focal factor to losses and gradients.
  void apply_focal_factor(double gamma) {
    find_losses();
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      const double inverse_sum = 1 / (other_terms[l] + target_term[l]), q = other_terms[l] * inverse_sum,
                   power = focal_factor(q, gamma);
      const double strength = flush_tiny(power) * (1 - gamma * focal_slope(target_term[l] * inverse_sum, -loss[l], q));
      loss[l] = power == 0 ? 0.0 : power * loss[l];
      factor[l] *= strength;
      target_gradient[l] *= strength;
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
      .domain = Domain::probability,
  };
  enum { kSmoothing, kGamma };

  template <class T>
  static void rows(const LossRows<T>& batch) {
    if (batch.classes == nullptr || batch.parameters[kSmoothing] != 0) {
      return soft_rows(batch);
    }
    // With a focal factor, so few rows are taken at a time that the first-level cache holds their terms until scaled.
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

  /// Loads target and weight of each row; an ignored row gets class 0 and weight 0.
  template <class T>
  static void begin(const LossRows<T>& batch, Index first, Index count, HardRows& hard, int* target) {
    const auto row = [&](Index l) { return first + (l < count ? l : count - 1); };  // padded like TransposedRows
    for (Index l = 0; l < kLanes; ++l) {
      const std::int64_t c = batch.classes[row(l)];
      target[l] = int(c < 0 ? 0 : c);
      hard.weight[l] = c < 0 ? 0.0 : batch.factor;
    }
    for (Index l = 0; batch.row_weight && l < kLanes; ++l) hard.weight[l] *= double(batch.row_weight[row(l)]);
    for (Index l = 0; batch.class_scale && l < kLanes; ++l) hard.weight[l] *= batch.class_scale[target[l]];
  }

  /// Writes the gradient at the target; the gradient of an ignored row is 0.
  template <class T>
  static void finish_gradient(const LossRows<T>& batch, Index i, double target_gradient) {
    T* const gradient = batch.gradient.row(i);
    const std::int64_t target = batch.classes[i];
    if (target >= 0) gradient[target] = narrow_gradient<T>(target_gradient);
    for (Index j = 0; target < 0 && j < batch.output.columns; ++j) gradient[j] = T(0);
  }

  /// Computes the losses. They are not on the gradient's critical path, so this overlaps with the next rows.
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
    T target_logit[kLanes];
    TransposedRows<T> block;
    begin(batch, first, count, hard, target);
    for (Index l = 0; l < kLanes; ++l) {
      target_logit[l] = batch.output.data[(first + (l < count ? l : count - 1)) * batch.output.stride + target[l]];
    }
    block.load(batch.output.row(first), batch.output.stride, count, batch.output.columns);
    if (batch.row_correct) block.mark_correct(batch.classes + first, count, batch.row_correct + first);
    const Lanes<T> target_x(target_logit), largest = block.shift.largest;
    (wide(target_x) - wide(largest)).store(hard.distance);
    block.leave_out(target);
    block.terms(target_x).store(hard.target_term);
    block.terms(largest).store(hard.largest_term);
    block.exponentials_without(target, target_x).store(hard.other_terms);
    hard.find_factors(batch.scale);
    if (batch.parameters[kGamma] != 0) hard.apply_focal_factor(batch.parameters[kGamma]);
    if (batch.gradient.data) {
      block.scale(gradient_factor_of<T>(Lanes<double>(hard.factor)));
      block.store(batch.gradient.row(first), batch.gradient.stride, count);
      for (int l = 0; l < count; ++l) finish_gradient(batch, first + l, hard.target_gradient[l]);
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
      row_scale(gradient_of(l), gradient_factor_of<T>(hard.factor[l]), n);
      finish_gradient(batch, first + l, hard.target_gradient[l]);
    };
    begin(batch, first, count, hard, target);
    const auto extrema_of = [&](int l) { return row_extrema(batch.output.row(first + l), n); };
    RowExtrema<T> extrema = extrema_of(0);
    for (int l = 0; l < count; ++l) {
      const T* const x = batch.output.row(first + l);
      const MaxShift<T> shift(extrema);
      const T largest = shift.largest, target_logit = x[target[l]];
      if (batch.row_correct) {
        const bool wins = target_logit == largest && (target[l] == 0 || row_max(x, target[l]) < largest);
        batch.row_correct[first + l] = wins && batch.classes[first + l] >= 0;
      }
      hard.distance[l] = double(target_logit) - double(largest);
      hard.target_term[l] = exact(term_of(target_logit, shift));
      hard.largest_term[l] = shift.largest_term();
      const bool leads = !(target_logit < largest);  // the other terms might vanish in a sum with the target's
      const double sum = row_exp(x, n, shift, leads ? Index(target[l]) : kNoColumn, gradient_of(l));
      hard.other_terms[l] = leads ? sum : sum - hard.target_term[l];
      if (l + 1 < count) extrema = extrema_of(l + 1);  // overlaps with the division below
      hard.find_factor(l, batch.scale);
      if (batch.gradient.data && gamma == 0) finish(l);
    }
    for (Index l = count; l < kLanes; ++l) hard.target_term[l] = hard.largest_term[l] = 1, hard.other_terms[l] = 0;
    if (gamma != 0) hard.apply_focal_factor(gamma);
    for (int l = 0; batch.gradient.data && gamma != 0 && l < count; ++l) finish(l);
    end(batch, first, count, hard);
  }

  /// Computes rows with target probabilities, or with smoothed classes.
  template <class T>
  static void soft_rows(const LossRows<T>& batch) {
    const bool together = batch.output.columns <= kShort && batch.parameters[kGamma] == 0;
    for (Index i = 0; i < batch.output.rows; i += together ? Index(kLanes) : 1) {
      if (!together) {
        soft(batch, i);
        continue;
      }
      const Index left = batch.output.rows - i;
      SoftRows<T>::run(batch, i, left < kLanes ? left : Index(kLanes), batch.parameters[kSmoothing]);
    }
  }

  /// Computes one row with target probabilities, or with a smoothed class.
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
                              batch.classes ? Index(batch.classes[i]) : kNoColumn, 1 - smoothing, smoothing / double(n),
                              batch.class_scale};
    if (batch.row_correct) batch.row_correct[i] = row.winner == targets.winner(n);
    const double loss = gamma == 0 ? soft_row(row, targets, batch.scale * weight, gradient)
                                   : focal_row(row, targets, gamma, batch.scale * weight, gradient);
    batch.row_loss[i] = weight * loss;
  }
};

SIMDNN_LEVEL_END
