// Losses of sixteen networks in lanes: row i of all networks is a block of rows, one per lane.
#pragma once

#include "../base/lane_views.hpp"
#include "cross_entropy.hpp"
#include "pointwise_loss_rows.hpp"

SIMDNN_LEVEL_BEGIN

/// Elementwise places == place ? yes : no.
template <class T>
SIMDNN_INLINE Lanes<T> select_place(const Lanes<typename Bits<T>::type>& places, Index place, const Lanes<T>& yes,
                                    const Lanes<T>& no) {
  using Word = typename Bits<T>::type;
  return Lanes<T>::map([&](Vector<Word> places, Vector<T> yes, Vector<T> no)
                           SIMDNN_LAMBDA_INLINE { return places == broadcast<Word>(Word(place)) ? yes : no; },
                       places, yes, no);
}

/// Softmax cross-entropy with class indices, without a focal factor: CrossEntropy::rows() in lanes.
template <class T>
struct LaneCrossEntropy {
  using V = Lanes<T>;
  using Word = typename Bits<T>::type;
  using Words = Lanes<Word>;

  const LaneLossRows<T>& batch;
  LaneMask far = 0;  ///< lanes with a huge logit or none that is a number, to be computed row by row
  HardRows hard;
  LaneRows<T> block;  ///< filled by each row

  explicit LaneCrossEntropy(const LaneLossRows<T>& rows) : batch(rows) {}

  static LaneMask rows(const LaneLossRows<T>& batch) {
    const bool plain = batch.parameters[CrossEntropy::kSmoothing] == 0 && batch.parameters[CrossEntropy::kGamma] == 0;
    if (!batch.classes || !plain) return kAllLanes;
    LaneCrossEntropy own(batch);
    for (Index i = 0; i < batch.rows; ++i) own.run(i);
    return own.far;
  }

 private:
  /// Computes row i of all networks.
  void run(Index i) {
    const Words target = load(i);
    const V largest = block.shift.largest, target_x = leave_out(target);
    find_far();
    (wide(target_x) - wide(largest)).store(hard.distance);
    block.near_terms(target_x).store(hard.target_term);
    block.near_terms(largest).store(hard.largest_term);
    block.sum_near_terms(block.start_without(target_x)).store(hard.other_terms);
    hard.find_factors(batch.scale);
    if (batch.gradient) store_gradient(target, batch.gradient + i * batch.columns * kLanes);
    hard.find_losses();
    (Lanes<double>(hard.weight) * Lanes<double>(hard.loss)).store(batch.row_loss + i * kLanes);
    clear_ignored(i);
  }

  /// Loads outputs and weights; returns the classes, of which those to ignore are no column. Their weight is
  /// arbitrary.
  Words load(Index i) {
    const std::int64_t* const classes = batch.classes + i * kLanes;
    const T* const output = batch.output + i * batch.columns * kLanes;
    block.columns = batch.columns;
    for (Index j = 0; j < batch.columns; ++j) copy_block(output + j * kLanes, block.at[j]);
    block.find_shifts();
    Lanes<double> weight(batch.factor);
    if (batch.row_weight) weight = weight * wide(V(batch.row_weight + i * kLanes));
    weight.store(hard.weight);
    for (int l = 0; batch.class_scale && l < kLanes; ++l) {
      hard.weight[l] *= batch.class_scale[classes[l] < 0 ? 0 : classes[l]];
    }
    Word target[kLanes];
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) target[l] = Word(classes[l]);
    if (batch.row_correct) mark_correct(Words(target), batch.row_correct + i * kLanes);
    return Words(target);
  }

  void mark_correct(const Words& target, std::uint8_t* correct) const {
    V winner_is_target(T(0));
    for (Index j = batch.columns; j-- > 0;) {
      const V hit = select_place(target, j, V(T(1)), V(T(0)));
      winner_is_target = V::map([](Vector<T> x, Vector<T> largest, Vector<T> hit, Vector<T> before)
                                    SIMDNN_LAMBDA_INLINE { return x == largest ? hit : before; },
                                V(block.at[j]), block.shift.largest, hit, winner_is_target);
    }
    T found[kLanes];
    winner_is_target.store(found);
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) correct[l] = std::uint8_t(found[l]);
  }

  /// LaneRows::leave_out() by whole vectors, which are loaded again at once; returns the targets' logits.
  V leave_out(const Words& target) {
    V found(block.at[0]);
    for (Index j = 0; j < batch.columns; ++j) {
      const V x(block.at[j]);
      found = select_place(target, j, x, found);
      select_place(target, j, V(-ExpConstants<T>::infinity), x).store(block.at[j]);
    }
    return found;
  }

  void find_far() {
    if (block.near) return;
    T largest[kLanes];
    block.shift.largest.store(largest);
    for (int l = 0; l < kLanes; ++l) far |= LaneMask(!MaxShift<T>(largest[l]).near()) << l;
  }

  void store_gradient(const Words& target, T* gradient) const {
    const V own = narrow_gradient<T>(Lanes<double>(hard.target_gradient));
    const auto factor = gradient_factor_of<T>(Lanes<double>(hard.factor));
    for (Index j = 0; j < batch.columns; ++j) {
      select_place(target, j, own, factor * V(block.at[j])).store(gradient + j * kLanes);
    }
  }

  /// Sets loss and gradient of ignored rows to 0.
  void clear_ignored(Index i) const {
    const std::int64_t* const classes = batch.classes + i * kLanes;
    std::int64_t any = 0;
    for (int l = 0; l < kLanes; ++l) any |= classes[l];
    if (any >= 0) return;
    for (int l = 0; l < kLanes; ++l) {
      if (classes[l] >= 0) continue;
      batch.row_loss[i * kLanes + l] = 0;
      for (Index j = 0; batch.gradient && j < batch.columns; ++j) {
        batch.gradient[(i * batch.columns + j) * kLanes + l] = T(0);
      }
    }
  }
};

/// Computes a pointwise loss of sixteen outputs: values, and derivatives w.r.t. the outputs.
template <class T, class Slope>
using PointwiseBlock = void (*)(const T* x, const T* y, const double* parameters, double class_scale, double* value,
                                Slope* slope);

template <class Loss, int kMode, class T, class Slope>
SIMDNN_NOINLINE void pointwise_block(const T* x, const T* y, const double* parameters, double class_scale,
                                     double* value, Slope* slope) {
  const auto f = evaluate<Loss, kMode>(Lanes<T>(x), Lanes<T>(y), parameters, Lanes<double>(class_scale));
  wide(f.value).store(value);
  f.slope.store(slope);
}

/// Sum of the columns' blocks in the order of sum_lanes(), where column j was added to sums[j % kLanes].
inline Lanes<double> sum_columns(const double (&sums)[kLanes][kLanes]) {
  Lanes<double> part[kLanes / 2];
  for (int i = 0; i < 8; ++i) part[i] = Lanes<double>(sums[i]) + Lanes<double>(sums[i + 8]);
  for (int i = 0; i < 4; ++i) part[i] = part[i] + part[i + 4];
  return (part[0] + part[2]) + (part[1] + part[3]);
}

/// The loop of all pointwise losses in lanes: pointwise_rows() of sixteen networks.
template <class T, class Slope>
SIMDNN_NOINLINE void pointwise_lanes(const LaneLossRows<T>& batch, PointwiseBlock<T, Slope> run) {
  for (Index i = 0; i < batch.rows; ++i) {
    Lanes<double> weight(1.0);
    if (batch.row_weight) weight = wide(Lanes<T>(batch.row_weight + i * kLanes));
    weight = weight * Lanes<double>(batch.factor);
    const SlopeScale<T> slope_scale(Lanes<double>(batch.scale) * weight);
    double sums[kLanes][kLanes] = {}, value[kLanes];
    for (Index j = 0; j < batch.columns; ++j) {
      const Index place = (i * batch.columns + j) * kLanes;
      Slope slope[kLanes];
      run(batch.output + place, batch.values + place, batch.parameters, batch.class_scale ? batch.class_scale[j] : 1.0,
          value, slope);
      if (batch.gradient) (slope_scale * Lanes<Slope>(slope)).store(batch.gradient + place);
      double* const sum = sums[j % kLanes];
      (Lanes<double>(sum) + Lanes<double>(value)).store(sum);
    }
    const Lanes<double> sum = batch.columns == 1 ? Lanes<double>(sums[0]) : sum_columns(sums);
    (weight * sum).store(batch.row_loss + i * kLanes);
    for (int l = 0; l < kLanes; ++l) batch.row_correct[i * kLanes + l] = 0;
  }
}

/// Runs the loop in the mode that the parameters choose, which is kMode or a later one.
template <class Loss, class T, int kMode = 0>
LaneMask pointwise_lanes(const LaneLossRows<T>& batch) {
  if constexpr (requires { Loss::kModes; }) {
    if constexpr (kMode + 1 < Loss::kModes) {
      if (Loss::mode(batch.parameters) != kMode) return pointwise_lanes<Loss, T, kMode + 1>(batch);
    }
  }
  using Result = decltype(evaluate<Loss, kMode>(Lanes<T>(), Lanes<T>(), nullptr, Lanes<double>()).slope);
  pointwise_lanes<T, Scalar<Result>>(batch, pointwise_block<Loss, kMode, T, Scalar<Result>>);
  return 0;
}

SIMDNN_LEVEL_END
