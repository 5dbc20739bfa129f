// Losses of whole rows other than cross-entropy: negative log-likelihood, distillation.
#pragma once

#include "../base/descriptions.hpp"
#include "distillation.hpp"
#include "soft_targets.hpp"

SIMDNN_LEVEL_BEGIN

/// Negative log-likelihood -x[target] of log-probabilities x.
struct NegativeLogLikelihood {
  static constexpr LossDescription info{
      .name = "nll",
      .summary = "Negative log-likelihood of log-probabilities and class indices.",
      .formula = "-a[target] x[target]",
      .source = "Fisher 1922",
      .target = Target::classes,
  };

  template <class T>
  static void rows(const LossRows<T>& batch) {
    for (Index i = 0; i < batch.output.rows; ++i) {
      const T* const x = batch.output.row(i);
      T* const gradient = batch.gradient.data ? batch.gradient.row(i) : nullptr;
      const Index target = Index(batch.classes[i]);
      const double row = batch.row_weight ? double(batch.row_weight[i]) : 1.0;
      const double weight = target < 0 ? 0.0 : row * (batch.class_scale ? batch.class_scale[target] : 1.0);
      batch.row_loss[i] = target < 0 ? 0.0 : -(weight * double(x[target]));
      if (batch.row_correct) {
        const T largest = row_max(x, batch.output.columns);
        batch.row_correct[i] = target >= 0 && first_equal(x, batch.output.columns, largest) == target;
      }
      for (Index j = 0; gradient && j < batch.output.columns; ++j) gradient[j] = T(0);
      if (gradient && target >= 0) gradient[target] = narrow_gradient<T>(-(batch.scale * weight));
    }
  }
};

/// Divergence of softmax(x / T) from a teacher's softmax(y / T), times T^2, plus a cross-entropy with class indices.
struct Distillation {
  static constexpr LossDescription info{
      .name = "distillation",
      .summary = "Kullback-Leibler divergence from a teacher's softened classes, times the temperature squared.",
      .formula = "(1 - h) T^2 sum_j t_j (log t_j - log s_j) + h cross_entropy, t = softmax(y / T), s = softmax(x / T)",
      .source = "Hinton, Vinyals & Dean 2015, arXiv:1503.02531, section 2",
      .target = Target::both,
      .parameters = {{"temperature", 1, 1e-6, kUnbounded}, {"hard_weight", 0, 0, kUpToOne}},
      .logits = true,
  };

  /// Computes a row with a hard part.
  template <class T>
  static void row(const LossRows<T>& batch, Index i) {
    const double temperature = batch.parameters[0], inverse = 1 / temperature;
    T* const gradient = batch.gradient.data ? batch.gradient.row(i) : nullptr;
    const double weight = batch.row_weight ? double(batch.row_weight[i]) : 1.0;
    const SoftRow<T> student(batch.output.row(i), batch.output.columns);
    const SoftRow<T> teacher(batch.values.row(i), batch.output.columns);
    const double student_sum = exact_log_sum(student, inverse), teacher_sum = exact_log_sum(teacher, inverse);
    const Index target = batch.classes ? Index(batch.classes[i]) : kNoColumn;
    const double hard = target < 0 ? 0.0 : batch.parameters[1], soft = 1 - batch.parameters[1];
    const double cold_sum = hard == 0 ? 0.0 : exact_log_sum(student, 1);
    const double target_distance = hard == 0 ? 0.0 : double(student.x[target]) - double(student.shift.largest);
    const double slope = batch.scale * weight * temperature * soft, hard_slope = batch.scale * weight * hard;
    double lane[kLanes] = {};
    for_blocks(batch.output.columns, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      double log_s[kLanes], log_t[kLanes], gradient_block[kLanes];
      T block[kLanes];
      student.load(first, count, log_s);
      teacher.load(first, count, log_t);
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) {
        const double s = fma(log_s[l], inverse, -student_sum), t = fma(log_t[l], inverse, -teacher_sum);
        const double probability = l < count ? exp(t) : 0.0;
        lane[l] += probability == 0 ? 0.0 : probability * (t - s);  // 0 log 0 = 0
        gradient_block[l] = slope * flush_wide<T>(exp(s) - probability);
      }
      if (hard != 0) {
        student.load(first, count, log_s);
        SIMDNN_VECTORIZE
        for (int l = 0; l < kLanes; ++l) {
          const double p = exp(log_s[l] - cold_sum) - (first + l == target ? 1.0 : 0.0);
          gradient_block[l] = fma(hard_slope, p, gradient_block[l]);
        }
      }
      for (int l = 0; l < kLanes; ++l) block[l] = narrow_gradient<T>(gradient_block[l]);
      if (gradient) store_block(gradient + first, count, block);
    });
    const double divergence = temperature * temperature * sum_lanes(lane);
    batch.row_loss[i] = weight * (soft * divergence + (hard == 0 ? 0.0 : hard * (cold_sum - target_distance)));
    if (batch.row_correct) batch.row_correct[i] = student.winner == teacher.winner;
  }

  template <class T>
  static void rows(const LossRows<T>& batch) {
    if (batch.parameters[1] == 0) return Divergence<T>::rows(batch);
    for (Index i = 0; i < batch.output.rows; ++i) row(batch, i);
  }
};

SIMDNN_LEVEL_END
