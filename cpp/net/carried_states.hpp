// The states that stateful layers carry from one batch to the next, with one row per sample.
#pragma once

#include <utility>
#include <vector>

#include "buffer.hpp"

namespace simdnn {

/// A pass opens the states, reads those before it and writes those after it. Only a finished pass closes them, so that
/// an interrupted one has no effect.
template <class T>
class States {
 public:
  /// `columns` is the size of each stateful layer's state per sample.
  explicit States(const std::vector<Index>& columns) {
    for (const Index n : columns) slots_.push_back({n, {}, {}});
  }
  bool empty() const { return slots_.empty(); }

  void open(Index samples) {
    if (empty() || samples == samples_) return;
    std::vector<Slot> slots;  // memory may run out before anything changes
    for (const Slot& slot : slots_) {
      slots.push_back({slot.columns, Buffer<T>(samples * slot.columns), Buffer<T>(samples * slot.columns)});
    }
    slots_ = std::move(slots);
    samples_ = samples;
    carried_ = false;
  }
  void close() {
    for (Slot& slot : slots_) std::swap(slot.before, slot.after);
    carried_ = true;
  }

  /// Makes the next batch begin with initial states; it may have any size.
  void reset() { carried_ = false; }

  /// Samples of the last batch, with whose states the next one begins; 0: it begins with initial states.
  Index carried() const { return carried_ ? samples_ : 0; }

  /// Number of stateful layers; the size of a layer's state per sample.
  std::size_t layers() const { return slots_.size(); }
  Index columns(std::size_t place) const { return slots_[place].columns; }

  /// Makes the next batch of `samples` begin with the states that the caller then writes to carried_state().
  void carry(Index samples) {
    open(samples);
    carried_ = true;
  }
  T* carried_state(std::size_t place) { return slots_[place].before.data(); }

  /// The state of a sample before the pass; `place` is the index of the stateful layer.
  const T* before(std::size_t place, Index sample) const {
    return slots_[place].before.data() + sample * slots_[place].columns;
  }
  /// The state of a sample after the pass.
  T* after(std::size_t place, Index sample) { return slots_[place].after.data() + sample * slots_[place].columns; }

 private:
  struct Slot {
    Index columns;
    Buffer<T> before, after;
  };
  std::vector<Slot> slots_;
  Index samples_ = 0;
  bool carried_ = false;
};

}  // namespace simdnn
