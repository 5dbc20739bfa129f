// Softmax cross-entropy of sixteen short rows with distributions over the classes, one row per lane.
#pragma once

#include "../base/descriptions.hpp"
#include "soft_targets.hpp"
#include "transposed_rows.hpp"

SIMDNN_LEVEL_BEGIN

/// Weighted and smoothed targets of up to sixteen rows, a column at a time: soft_targets.hpp has Smoothed of one row.
template <class T>
struct SmoothedRows {
  double keep, spread;
  const double* class_scale;
  TransposedRows<T> rows;  ///< probabilities, or one-hot rows of the classes

  SmoothedRows(const LossRows<T>& batch, Index first, Index count, double smoothing)
      : keep(1 - smoothing), spread(smoothing / double(batch.output.columns)), class_scale(batch.class_scale) {
    if (!batch.classes) {
      rows.load(batch.values.row(first), batch.values.stride, count, batch.output.columns);
      return;
    }
    for (Index j = 0; j < batch.output.columns; ++j) Lanes<T>(T(0)).store(rows.at[j]);
    for (Index l = 0; l < kLanes; ++l) {
      const std::int64_t c = batch.classes[first + (l < count ? l : count - 1)];  // padded like TransposedRows
      if (c >= 0) rows.at[c][l] = T(1);
    }
  }

  /// The column's a_j t_j of each row.
  SIMDNN_INLINE Lanes<double> column(Index j) const {
    Lanes<double> t = fma(keep, wide(Lanes<T>(rows.at[j])), spread);
    return class_scale ? times_unless_zero(Lanes<double>(class_scale[j]), t) : t;
  }
};

template <class T>
struct SoftRows {
  using V = Lanes<T>;

  /// Computes rows [first, first + count) without a focal factor.
  static void run(const LossRows<T>& batch, Index first, Index count, double smoothing) {
    const Index n = batch.output.columns;
    TransposedRows<T> block;
    block.load(batch.output.row(first), batch.output.stride, count, n);
    const SmoothedRows<T> targets(batch, first, count, smoothing);
    int winner[kLanes];
    block.find_winners(0, winner);
    if (batch.row_correct) mark_correct(batch, first, count, targets, winner);
    Lanes<double> target_sum, dot, largest = wide(block.shift.largest);
    for (Index j = 0; j < n; ++j) {
      const Lanes<double> t = targets.column(j);
      target_sum += t;
      dot += times_unless_zero(t, wide(V(block.at[j])) - largest);  // 0 log 0 = 0
    }
    block.leave_out(winner);
    const Lanes<double> rest = block.exponentials_without(winner, block.shift.largest),
                        largest_term = block.terms(block.shift.largest);
    double loss[kLanes], ratio[kLanes], weight[kLanes];
    (rest / largest_term).store(ratio);
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) ratio[l] = log1p(ratio[l]);
    fma(target_sum, Lanes<double>(ratio), -dot).store(loss);
    for (Index l = 0; l < kLanes; ++l) weight[l] = weight_of(batch, first + (l < count ? l : count - 1));
    for (Index l = 0; l < count; ++l) batch.row_loss[first + l] = ignored(batch, first + l) ? 0.0 : weight[l] * loss[l];
    if (!batch.gradient.data) return;
    T term[kLanes];
    narrow<T>(largest_term).store(term);
    for (int l = 0; l < kLanes; ++l) block.at[winner[l]][l] = term[l];
    const Lanes<double> scale = batch.scale * Lanes<double>(weight),
                        factor = scale * target_sum / (rest + largest_term);
    for (Index j = 0; j < n; ++j) {
      const Lanes<double> terms = flush_wide<T>(wide(V(block.at[j])));
      narrow_gradient<T>(fma(factor, terms, -(scale * targets.column(j)))).store(block.at[j]);
    }
    block.store(batch.gradient.row(first), batch.gradient.stride, count);
    for (Index l = 0; l < count; ++l) {
      for (Index j = 0; ignored(batch, first + l) && j < n; ++j) batch.gradient.row(first + l)[j] = T(0);
    }
  }

 private:
  static bool ignored(const LossRows<T>& batch, Index i) { return batch.classes && batch.classes[i] < 0; }

  /// Factor of a row's loss and gradient.
  static double weight_of(const LossRows<T>& batch, Index i) {
    return batch.row_weight ? double(batch.row_weight[i]) * batch.factor : batch.factor;
  }

  static void mark_correct(const LossRows<T>& batch, Index first, Index count, const SmoothedRows<T>& targets,
                           const int* winner) {
    int wanted[kLanes];
    if (!batch.classes) targets.rows.find_winners(int(batch.output.columns), wanted);
    for (Index l = 0; l < count; ++l) {
      batch.row_correct[first + l] = winner[l] == (batch.classes ? batch.classes[first + l] : wanted[l]);
    }
  }
};

SIMDNN_LEVEL_END
