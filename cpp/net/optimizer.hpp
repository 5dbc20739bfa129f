// An optimizer: an update rule bound to arrays, with its state buffers and step count.
#pragma once

#include <memory>
#include <vector>

#include "buffer.hpp"
#include "norm.hpp"
#include "optimizer_config.hpp"

namespace simdnn {

/// Shape of an array for max-norm [inputs, units]: a column holds the incoming weights of a unit. 0 units: no max-norm.
struct Units {
  Index inputs = 0, units = 0;
};

/// The count of a parameter's own steps, and the scalars of its state; both are common to most parameters.
struct OwnCount {
  std::int64_t steps = 0;
  std::vector<double> scalar_state;
  bool operator==(const OwnCount&) const = default;
};

template <class T>
class Optimizer {
 public:
  explicit Optimizer(std::shared_ptr<const OptimizerConfig> config)
      : config_(std::move(config)), scalar_state_(initial(*config_)) {}

  const OptimizerConfig& config() const { return *config_; }

  /// Adds n parameters to update, before the first step; their owner keeps them alive. `bias` marks parameters that
  /// penalize_bias exempts from l1 and l2. `rounded` receives the updated parameters as bf16; nullptr: there is no such
  /// copy.
  void add(T* parameters, Index n, Units units = {}, bool bias = false, Bf16* rounded = nullptr) {
    segments_.push_back({parameters, size_, n, units, bias, rounded});
    size_ += n;
  }

  /// True if a step writes the bf16 copies of the parameters that it changes.
  bool rounds() const { return config_->options[kMaxNorm] == __builtin_inf(); }

  /// Sets the group of each parameter, in the order of add(): its place in config().groups.
  void set_groups(const std::vector<std::size_t>& groups) {
    for (std::size_t s = 0; s < segments_.size(); ++s) segments_[s].group = groups[s];
  }

  /// Takes one step; gradients come in the order of add(). Returns false, with nothing changed, if skip_nonfinite
  /// refused them. `penalty_scale` multiplies l1 and l2.
  bool step(const std::vector<const T*>& gradients, double penalty_scale = 1);

  /// l1 sum |p| + l2 / 2 sum p^2 over the penalized parameters, without frozen ones.
  double penalty() const;

  /// State buffers in the order of the rule's slots; each holds one value per parameter.
  std::vector<Buffer<T>>& slots();
  std::vector<double>& scalar_state() { return scalar_state_; }
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) {
    steps_ = steps;
    late_.clear();
    for (Segment& segment : segments_) segment.count = 0;
  }

  /// The count and the scalars of each parameter, in the order of add(): they differ where one joined later or was
  /// frozen for a while.
  std::vector<OwnCount> own_counts() const;
  /// Sets them, and steps(), which is at least the largest count.
  void set_own_counts(const std::vector<OwnCount>& counts, std::int64_t steps);
  std::int64_t& skipped() { return skipped_; }
  std::int64_t attempted_steps() const { return steps_ + skipped_; }
  void set_norm(double norm) { norm_ = norm; }
  double norm() const { return norm_; }  ///< norm of the last step's gradients before clipping; NaN without clip_norm
  Index size() const { return size_; }

 private:
  static constexpr std::size_t kAll = ~std::size_t(0);

  struct Segment {
    T* parameters;
    Index offset, size;
    Units units;
    bool bias;
    Bf16* rounded = nullptr;
    std::size_t count = 0;  ///< 0: it counts all steps; otherwise late_[count - 1] has its count
    std::size_t group = 0;  ///< its place in config().groups
  };

  /// Parameters that have seen fewer steps than the optimizer.
  struct Late {
    std::int64_t missed;
    std::vector<double> scalar_state;
  };

  /// Parameters with a bf16 copy, and their place among the elements of all spans.
  struct Copied {
    const T* parameters;
    Bf16* rounded;
    Index begin, end;
  };

  static std::vector<double> initial(const OptimizerConfig& config);
  /// A choice among the segments.
  struct Choice {
    std::size_t count = kAll, group = kAll;
    bool operator()(const Segment& segment) const {
      return (count == kAll || segment.count == count) && (group == kAll || segment.group == group);
    }
  };

  bool frozen(const Segment& segment) const {
    return !config_->groups.empty() && config_->groups.at(segment.group).frozen();
  }
  bool penalized(const Segment& segment) const { return !segment.bias || config_->options[kPenalizeBias] != 0; }
  void fill_spans(const std::vector<const T*>& gradients, bool merged, const Choice& choice = {});
  bool adjust_by_norm(Adjustment& adjustment);
  OwnCount own_count(std::size_t count) const;
  void hold_frozen();
  void step_in_groups(const std::vector<const T*>& gradients, bool merged, double rate, double decay,
                      const Adjustment& adjustment);
  void apply(double rate, double decay, std::int64_t count, std::vector<double>& scalar_state,
             const Adjustment& adjustment);
  void update(const UpdateStep& step_args);
  void round_updated(Index begin, Index end) const;
  void update_constrained(const UpdateStep& step_args);
  void constrain(const Segment& segment, Index rows, Index blocks);

  std::shared_ptr<const OptimizerConfig> config_;
  std::vector<Segment> segments_;
  std::vector<Late> late_;
  std::vector<std::size_t> listed_;  ///< the segments of the spans, if these are not merged
  std::vector<UpdateSpan<T>> spans_;
  std::vector<Copied> copied_;
  std::vector<Buffer<T>> slots_;
  std::vector<double> scalar_state_;
  std::vector<double> squares_;  ///< for max-norm: sums of squares [blocks of rows, units]
  std::vector<T> factors_;
  Index size_ = 0;
  std::int64_t steps_ = 0, skipped_ = 0;
  double norm_ = __builtin_nan("");
};

}  // namespace simdnn
