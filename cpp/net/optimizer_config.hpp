// Configuration of an optimizer: its update rule, hyper-parameters, clipping, penalties and learning rates by step.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "../dispatch.hpp"
#include "owned_mutex.hpp"

namespace simdnn {

/// Options that every optimizer has besides the hyper-parameters of its rule, in the order of kOptionTable.
enum Option { kMaximize, kL1, kL2, kPenalizeBias, kClipNorm, kClipValue, kMaxNorm, kSkipNonfinite, kOptions };

/// Names, defaults, ranges and documentation of the options. Every default leaves the rule as it is.
constexpr Hyper kOptionTable[kOptions] = {
    Hyper::flag("maximize", false, "Steps up the gradient."),
    Hyper::nonnegative("l1", 0,
                       "Factor of the penalty l1 * sum(abs(p)): l1 * sign(p) joins the gradient after clipping."),
    Hyper::nonnegative("l2", 0, "Factor of the penalty l2 / 2 * sum(p**2): l2 * p joins the gradient after clipping."),
    Hyper::flag(
        "penalize_bias", true,
        "Applies l1 and l2 to parameters with at most one axis too, such as biases. weight_decay applies to all "
        "parameters, as in PyTorch."),
    Hyper::bound("clip_norm",
                 "Upper bound of the norm of all gradients together: larger ones are scaled down to it, as PyTorch's "
                 "clip_grad_norm_ does. grad_norm holds the norm."),
    Hyper::bound("clip_value", "Bound of the absolute value of each gradient, applied after clip_norm."),
    Hyper::bound("max_norm",
                 "Upper bound of the norm of each unit's incoming weights after the step. Units are the columns of an "
                 "(inputs, outputs) matrix; a vector is one unit. The biases of a network are left alone."),
    Hyper::flag("skip_nonfinite", false,
                "Refuses a step whose gradients hold an infinity or a NaN, and counts it in skipped. Otherwise they "
                "spread as IEEE 754 says."),
};

/// Places of the learning rate and of the weight decay among the hypers of every rule.
constexpr int kRateHyper = 0, kDecayHyper = 1;

/// Settings of a group of parameters: a number of its own, or else (NaN) the optimizer's times a factor.
struct GroupSettings {
  double rate = __builtin_nan(""), rate_factor = 1;
  double decay = __builtin_nan(""), decay_factor = 1;

  /// True if no step changes the parameters or their state.
  bool frozen() const { return rate_factor == 0; }
  double rate_of(double common) const { return std::isnan(rate) ? common * rate_factor : rate; }
  double decay_of(double common) const { return std::isnan(decay) ? common * decay_factor : decay; }
};

/// The value of a schedule at a step, counted from 0.
inline double scheduled(const std::vector<SchedulePiece>& pieces, std::int64_t step) {
  return kernels().schedule(pieces.data(), int(pieces.size()), double(step));
}

/// An update rule of the registry and its settings, which may change between steps. A step reads them while it holds
/// the mutex of its parameters; `mutex` is that mutex, for those who change them.
struct OptimizerConfig {
  int index = 0;
  std::vector<double> hypers;  ///< in the order of the rule's description; the first is the learning rate
  double options[kOptions];
  std::vector<SchedulePiece> schedule;        ///< replaces the learning rate, unless empty
  std::vector<SchedulePiece> decay_schedule;  ///< replaces the weight decay, unless empty
  std::vector<GroupSettings> groups;          ///< groups of parameters; empty: all have the optimizer's settings
  std::vector<double> rates;                  ///< learning rates from step rates_begin on, before the schedule's
  std::int64_t rates_begin = 0;
  std::shared_ptr<OwnedMutex> mutex = std::make_shared<OwnedMutex>();

  explicit OptimizerConfig(int i) : index(i) {
    for (int h = 0; h < info().hyper_count(); ++h) hypers.push_back(info().hypers[h].value);
    for (int o = 0; o < kOptions; ++o) options[o] = kOptionTable[o].value;
  }

  const RuleDescription& info() const { return *kernels().rules[index]; }

  /// The learning rate of a step, counted from 0. Given rates hold beyond their ends: steps of another thread may have
  /// come between.
  double rate(std::int64_t step) const {
    if (!rates.empty()) {
      return rates[std::size_t(std::clamp<std::int64_t>(step - rates_begin, 0, std::int64_t(rates.size()) - 1))];
    }
    return schedule.empty() ? hypers[kRateHyper] : scheduled(schedule, step);
  }

  /// The weight decay of a step, counted from 0.
  double decay(std::int64_t step) const {
    return decay_schedule.empty() ? hypers[kDecayHyper] : scheduled(decay_schedule, step);
  }
};

}  // namespace simdnn
