// Losses of sixteen networks in lanes: row i of all networks is a block of rows, one per lane.
#pragma once

#include "../lane_kernels.hpp"
#include "cross_entropy.hpp"

SIMDNN_LEVEL_BEGIN

/// Softmax cross-entropy with class indices, with or without a focal factor: CrossEntropy::rows() in lanes.
template <class T>
struct LaneCrossEntropy {
  using Place = typename Bits<T>::signed_type;

  const LaneLossRows<T>& batch;
  LaneMask far = 0;  ///< lanes with a huge logit or none that is a number, to be computed row by row
  HardRows hard = {};
  Place target[kLanes] = {};   ///< class; 0 if it is ignored
  Place counted[kLanes] = {};  ///< all bits, or none for an ignored row
  LaneRows<T> block = {};

  static LaneMask rows(const LaneLossRows<T>& batch) {
    if (!batch.classes || batch.parameters[CrossEntropy::kSmoothing] != 0) return kAllLanes;
    LaneCrossEntropy own{batch};
    for (Index i = 0; i < batch.rows; ++i) own.run(i);
    return own.far;
  }

 private:
  /// Computes row i of all networks.
  void run(Index i) {
    const double gamma = batch.parameters[CrossEntropy::kGamma];
    const std::int64_t* const classes = batch.classes + i * kLanes;
    load(i, classes);
    const Lanes<T> target_x = find_target(), largest = block.shift.largest;
    if (batch.row_correct) block.mark_correct(classes, kLanes, batch.row_correct + i * kLanes);
    find_far();
    leave_out_target();
    (wide(target_x) - wide(largest)).store(hard.distance);
    block.near_terms(target_x).store(hard.target_term);
    block.near_terms(largest).store(hard.largest_term);
    block.sum_near_terms(block.start_without(target_x)).store(hard.other_terms);
    hard.find_factors(batch.scale);
    if (gamma != 0) hard.apply_focal_factor(gamma);
    if (batch.gradient) store_gradient(batch.gradient + i * batch.columns * kLanes);
    if (gamma == 0) hard.find_losses();
    double* const row_loss = batch.row_loss + i * kLanes;
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) row_loss[l] = counted[l] ? hard.weight[l] * hard.loss[l] : 0.0;
  }

  void load(Index i, const std::int64_t* classes) {
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      target[l] = Place(classes[l] < 0 ? 0 : classes[l]);
      counted[l] = classes[l] < 0 ? Place(0) : Place(-1);
      hard.weight[l] = classes[l] < 0 ? 0.0 : batch.factor;
    }
    for (int l = 0; batch.row_weight && l < kLanes; ++l) hard.weight[l] *= double(batch.row_weight[i * kLanes + l]);
    for (int l = 0; batch.class_scale && l < kLanes; ++l) hard.weight[l] *= batch.class_scale[target[l]];
    block.columns = batch.columns;
    const T* const output = batch.output + i * batch.columns * kLanes;
    for (Index j = 0; j < batch.columns; ++j) copy_block(output + j * kLanes, block.at[j]);
    block.find_shifts();
  }

  /// The logits of the targets.
  Lanes<T> find_target() const {
    T found[kLanes] = {};
    for (Index j = 0; j < batch.columns; ++j) {
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) found[l] = target[l] == Place(j) ? block.at[j][l] : found[l];
    }
    return Lanes<T>(found);
  }

  /// LaneRows::leave_out() by whole vectors, which are loaded again at once.
  void leave_out_target() {
    for (Index j = 0; j < batch.columns; ++j) {
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) {
        block.at[j][l] = target[l] == Place(j) ? -ExpConstants<T>::infinity : block.at[j][l];
      }
    }
  }

  void find_far() {
    if (block.near) return;
    T largest[kLanes];
    block.shift.largest.store(largest);
    for (int l = 0; l < kLanes; ++l) far |= LaneMask(!MaxShift<T>(largest[l]).near()) << l;
  }

  void store_gradient(T* gradient) {
    T own[kLanes];
    narrow_gradient<T>(Lanes<double>(hard.target_gradient)).store(own);
    block.scale(gradient_factor_of<T>(Lanes<double>(hard.factor)));
    for (Index j = 0; j < batch.columns; ++j) {
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) {
        const T value = target[l] == Place(j) ? own[l] : block.at[j][l];
        gradient[j * kLanes + l] = counted[l] ? value : T(0);
      }
    }
  }
};

SIMDNN_LEVEL_END
