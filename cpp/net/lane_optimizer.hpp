// The optimizers of sixteen equal networks in lanes: one update of all, each with its own rate, hypers and count.
#pragma once

#include <array>

#include "../kernels/lane_table.hpp"
#include "trainer.hpp"

namespace simdnn {

/// Calls work(lane) for each lane of a mask.
template <class Work>
void for_lanes(LaneMask mask, const Work& work) {
  for (; mask != 0; mask &= mask - 1) work(Index(__builtin_ctz(mask)));
}

template <class T>
class LaneOptimizer {
 public:
  /// True if lanes can take this optimizer's steps.
  static bool accepts(Optimizer<T>& optimizer);

  /// True if two accepted optimizers may share a group: their rates and hypers may differ.
  static bool alike(const OptimizerConfig& a, const OptimizerConfig& b);

  /// The optimizers of these trainers. `state` is a lane matrix whose rows are the parameters, the gradients and each
  /// slot.
  LaneOptimizer(const std::vector<Trainer<T>*>& trainers, T* state);

  /// Optimizer::penalty() of each lane of the mask.
  void find_penalties(LaneMask lanes, double* penalties);

  /// Takes one step of each lane of the mask, with a factor of its l1 and l2; the others' numbers in `state` become
  /// worthless.
  void step(LaneMask lanes, const double* penalty_scale);

  /// Writes count and scalar state of a lane to its trainer's optimizer.
  void store(Index lane) const;

 private:
  void set_adjustments(LaneMask lanes, const double* penalty_scale);
  UpdateStep step_of(Index lane);
  const T* rows_of(Index row);
  bool uniform(LaneMask lanes) const;

  std::vector<Optimizer<T>*> optimizers_;
  const std::vector<ParameterBlock>* blocks_;
  std::vector<UpdateSpan<T>> spans_;
  std::array<std::int64_t, kLaneGroup> counts_{};
  std::array<double, kLaneGroup * kMaxScalars> scalars_{};
  std::array<double, kLaneGroup * kMaxHypers> hypers_{};
  std::array<UpdateStep, kLaneGroup> steps_{};
  std::array<Adjustment, kLaneGroup> adjustments_{};
  std::array<double, kLaneGroup> norms_{};
  T* state_;
  Buffer<T> rows_;      ///< parameters or gradients of each network, one after the other
  Buffer<T> adjusted_;  ///< gradients that a rule takes, if they are changed before
  Index total_ = 0;
  int rule_ = 0;
  bool equal_hypers_ = true;  ///< true if all lanes have equal hypers and rates that do not change
  bool adjusts_ = false;      ///< true if options change the gradients before the rule
};

}  // namespace simdnn
