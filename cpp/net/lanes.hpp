// A group of equal tiny networks that train at once, one in each virtual lane, each with the bits of its own trainer.
#pragma once

#include <exception>

#include "lane_batch.hpp"
#include "lane_network.hpp"
#include "lane_optimizer.hpp"

namespace simdnn {

/// The samples of a lane in a pass, and what comes of it.
template <class T>
struct LanePass {
  const DatasetView<T>* samples = nullptr;  ///< nullptr: the lane rests
  const Index* rows = nullptr;              ///< rows of the dataset, which may repeat; nullptr: the first ones
  Index count = 0;                          ///< number of rows
  bool shuffled = false;  ///< epoch() alone: in the order that the trainer's seed and `epoch` determine
  std::uint64_t epoch = 0;
  LossSums sums = {};                  ///< out: sums over the whole steps that were taken
  std::exception_ptr error = nullptr;  ///< out: the error that ended the lane's pass before the others'
};

template <class T>
class LaneGroup {
 public:
  /// True if lanes can train this network with the bits of its trainer, and are expected to be faster.
  static bool accepts(Trainer<T>& trainer);

  /// The fewest networks like this one whose steps from batches of `batch` samples are expected to be faster in lanes;
  /// more than kLaneGroup if none are.
  static Index fewest(Trainer<T>& trainer, Index batch);

  /// True if two accepted trainers may share a group.
  static bool alike(Trainer<T>& a, Trainer<T>& b);

  /// Takes the state of up to kLaneGroup accepted trainers, alike and of different networks, for batches of `batch`
  /// samples. The trainers' own state is old until store(), and nobody may use it.
  LaneGroup(std::vector<Trainer<T>*> trainers, Index batch);

  Index size() const { return Index(trainers_.size()); }

  /// One pass of each lane over its samples, in mini-batches of `batch`: Trainer::epoch() in that order.
  void epoch(std::vector<LanePass<T>>& passes, Index batch, const StopToken& stop);

  /// Trainer::evaluate() of each lane's samples.
  void evaluate(std::vector<LanePass<T>>& passes, const StopToken& stop);

  /// The parameters of a lane.
  void read(Index lane, T* parameters) const;

  /// Writes parameters, gradients, slots and counts of a lane back to its trainer; the lane stays usable.
  void store(Index lane);
  void store();

 private:
  void set_rows(const std::vector<LanePass<T>>& passes);
  void fill_orders(const std::vector<LanePass<T>>& passes);
  void take_steps(std::vector<LanePass<T>>& passes, LaneMask lanes, Index begin, Index batch);
  void take_step(std::vector<LanePass<T>>& passes, LaneMask lanes, Index begin, Index count);
  void finish_step(std::vector<LanePass<T>>& passes, LaneMask lanes, const double* scale, Index count);
  LaneMask load_labels(std::vector<LanePass<T>>& passes, LaneMask lanes, Index begin, Index count);
  void set_current(LaneMask lanes);
  void copy_lanes(LaneMask lanes, const T* from, T* to) const;

  std::vector<Trainer<T>*> trainers_;
  Index numbers_;              ///< numbers of a network's state: parameters, gradients, slots
  Buffer<T> state_, resting_;  ///< [numbers, lanes]; `resting_` keeps lanes that are left out of a step
  LaneMask all_, current_;     ///< lanes in use; those whose state is in state_ and not in resting_
  Index capacity_;             ///< rows that pass at once
  bool failed_ = false;        ///< true if a lane met an error since it was last looked at
  LaneNetwork<T> network_;
  LaneOptimizer<T> optimizer_;
  LaneBatch<T> batch_;
  std::vector<Index> order_;                     ///< orders of an epoch, one after the other
  std::array<const Index*, kLaneGroup> rows_{};  ///< rows of the current pass in their order
  std::array<LossSums, kLaneGroup> sums_;
};

}  // namespace simdnn
