// An update rule bound to arrays: state buffers and step count.
#pragma once

#include <memory>
#include <vector>

#include "buffer.hpp"
#include "norm.hpp"
#include "rule.hpp"

namespace simdnn {

/// How max-norm sees an array: `units` columns, each the incoming weights of a unit; 0 units are left alone.
struct Units {
  Index inputs = 0, units = 0;
};

template <class T>
class Updater {
 public:
  explicit Updater(std::shared_ptr<const Rule> rule) : rule_(std::move(rule)), carried_(initial(*rule_)) {}

  /// Puts n parameters under this updater's care, before the first step; their owner keeps them alive. `bias`: one of
  /// those that penalize_bias is about.
  void add(T* parameters, Index n, Units units = {}, bool bias = false) {
    segments_.push_back({parameters, size_, n, units, bias});
    size_ += n;
  }

  /// One step; gradients in the order of add(). False, with nothing changed, if it was refused as not finite.
  /// `penalty_share`: what l1 and l2 are multiplied by.
  bool step(const std::vector<const T*>& gradients, double penalty_share = 1);

  /// l1 sum |p| + l2 / 2 sum p^2 over the parameters that l1 and l2 are for.
  double penalty() const;

  /// The state buffers in the order of the rule's slots, each with all parameters one after the other.
  std::vector<Buffer<T>>& slots();
  std::vector<double>& carried() { return carried_; }
  std::int64_t& steps() { return steps_; }
  std::int64_t& skipped() { return skipped_; }
  std::int64_t tried() const { return steps_ + skipped_; }
  double norm() const { return norm_; }  ///< of the last step's gradients before clipping; NaN if none was clipped
  Index size() const { return size_; }

 private:
  struct Segment {
    T* parameters;
    Index offset, size;
    Units units;
    bool bias;
  };

  static std::vector<double> initial(const Rule& rule);
  bool penalized(const Segment& segment) const { return !segment.bias || rule_->options[kPenalizeBias] != 0; }
  void place(const std::vector<const T*>& gradients, bool merged);
  bool measure(Adjustment& adjustment);
  void update(const UpdateStep& numbers);
  void update_constrained(const UpdateStep& numbers);
  void constrain(const Segment& segment, Index rows, Index blocks);

  std::shared_ptr<const Rule> rule_;
  std::vector<Segment> segments_;
  std::vector<UpdateSpan<T>> spans_;
  std::vector<Buffer<T>> slots_;
  std::vector<double> carried_;
  std::vector<double> squares_;  ///< of max-norm: for each block of rows, a sum for each unit
  std::vector<T> factors_;
  Index size_ = 0;
  std::int64_t steps_ = 0, skipped_ = 0;
  double norm_ = __builtin_nan("");
};

}  // namespace simdnn
