// What stateful layers carry from one batch to the next: a row a sample.
#pragma once

#include <utility>
#include <vector>

#include "buffer.hpp"

namespace simdnn {

/// A pass opens them, reads those before it and writes those after it; only one that ended closes them, so that an
/// interrupted one leaves no trace.
template <class T>
class States {
 public:
  /// For each stateful layer, so many numbers a sample.
  explicit States(const std::vector<Index>& columns) {
    for (const Index n : columns) slots_.push_back({n, {}, {}});
  }
  bool empty() const { return slots_.empty(); }

  void open(Index samples) {
    if (empty() || samples == samples_) return;
    samples_ = samples;
    carried_ = false;
    for (Slot& slot : slots_) {
      slot.before = Buffer<T>(samples * slot.columns);
      slot.after = Buffer<T>(samples * slot.columns);
    }
  }
  void close() {
    for (Slot& slot : slots_) std::swap(slot.before, slot.after);
    carried_ = true;
  }

  /// The next batch begins anew, and may be of any size.
  void reset() { carried_ = false; }

  /// Samples of the last batch, whose states the next one goes on from; 0: it begins anew.
  Index carried() const { return carried_ ? samples_ : 0; }

  /// Of a layer by its place, and of a sample.
  const T* before(std::size_t place, Index sample) const {
    return slots_[place].before.data() + sample * slots_[place].columns;
  }
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
