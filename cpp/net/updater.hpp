// An update rule bound to arrays: hyper-parameters, state buffers, step count.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../dispatch.hpp"
#include "../parallel.hpp"
#include "buffer.hpp"

namespace simdnn {

/// A rule of the registry and the values of its hyper-parameters, which may change between steps.
struct Rule {
  int index = 0;
  std::vector<double> hypers;
  const RuleDescription& about() const { return *kernels().rules[index]; }
};

template <class T>
class Updater {
 public:
  explicit Updater(std::shared_ptr<const Rule> rule) : rule_(std::move(rule)) {}

  /// Puts n parameters under this updater's care; their owner keeps them alive.
  void add(T* parameters, Index n) {
    Segment& segment = segments_.emplace_back();
    segment.parameters = parameters;
    segment.size = n;
    for (int i = 0; i < rule_->about().slot_count(); ++i) segment.slots.emplace_back(n);
  }

  /// One step; gradients in the order of add().
  void step(const std::vector<const T*>& gradients) {
    constexpr Index grain = 4096;
    constexpr double nanoseconds = 0.5;  // an element
    ++steps_;
    const Update<T> run = typed_kernels<T>().updates[rule_->index];
    for (std::size_t s = 0; s < segments_.size(); ++s) {
      Segment& segment = segments_[s];
      parallel_for(segment.size, grain, nanoseconds * double(segment.size), [&](Index begin, Index end) {
        T* slots[kMaxSlots] = {};
        for (std::size_t i = 0; i < segment.slots.size(); ++i) slots[i] = segment.slots[i].data() + begin;
        run(segment.parameters + begin, gradients[s] + begin, slots, end - begin, rule_->hypers.data(), steps_);
      });
    }
  }

 private:
  struct Segment {
    T* parameters = nullptr;
    Index size = 0;
    std::vector<Buffer<T>> slots;
  };
  std::shared_ptr<const Rule> rule_;
  std::vector<Segment> segments_;
  std::int64_t steps_ = 0;
};

}  // namespace simdnn
