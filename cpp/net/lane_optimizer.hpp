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

  /// Takes one step of each lane of the mask; the others' numbers in `state` become worthless.
  void step(LaneMask lanes);

  /// Writes count and scalar state of a lane to its trainer's optimizer.
  void store(Index lane) const;

 private:
  UpdateStep step_of(Index lane);
  bool uniform(LaneMask lanes) const;

  std::vector<Optimizer<T>*> optimizers_;
  std::vector<UpdateSpan<T>> spans_;
  std::array<std::int64_t, kLaneGroup> counts_{};
  std::array<double, kLaneGroup * kMaxScalars> scalars_{};
  std::array<double, kLaneGroup * kMaxHypers> hypers_{};
  std::array<UpdateStep, kLaneGroup> steps_{};
  Buffer<T> adjusted_;  ///< gradients that a rule takes, if they are changed before
  Index total_ = 0;
  int rule_ = 0;
  bool equal_hypers_ = true;  ///< true if all lanes have equal hypers and rates that do not change
};

}  // namespace simdnn
