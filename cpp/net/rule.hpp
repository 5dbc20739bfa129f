// An update rule with its settings: hyper-parameters, clipping, penalties, the learning rate over the steps.
#pragma once

#include <string>
#include <vector>

#include "../dispatch.hpp"

namespace simdnn {

/// Settings that every rule has beside its hyper-parameters.
enum Option { kClipNorm, kClipValue, kMaxNorm, kL1, kL2, kPenalizeBias, kMaximize, kSkipNonfinite, kOptions };

/// They are off by default: an infinite bound bounds nothing.
constexpr Hyper kOptionTable[kOptions] = {
    {"clip_norm", kUnbounded, 0, kUnbounded},
    {"clip_value", kUnbounded, 0, kUnbounded},
    {"max_norm", kUnbounded, 0, kUnbounded},
    {"l1", 0, 0, kUnbounded},
    {"l2", 0, 0, kUnbounded},
    {"penalize_bias", 1, 0, 2},
    {"maximize", 0, 0, 2},
    {"skip_nonfinite", 0, 0, 2},
};

/// A rule of the registry and its settings, which may change between steps.
struct Rule {
  int index = 0;
  std::vector<double> hypers;  ///< the first is the learning rate
  double options[kOptions];
  std::vector<SchedulePiece> schedule;  ///< if any, in place of the learning rate
  std::vector<double> rates;            ///< or learning rates of the steps from rates_begin on
  std::int64_t rates_begin = 0;

  explicit Rule(int i) : index(i) {
    for (int h = 0; h < info().hyper_count(); ++h) hypers.push_back(info().hypers[h].value);
    for (int o = 0; o < kOptions; ++o) options[o] = kOptionTable[o].value;
  }

  const RuleDescription& info() const { return *kernels().rules[index]; }

  /// The learning rate of a step, counted from 0.
  double rate(std::int64_t step) const {
    const std::int64_t i = step - rates_begin;
    if (i >= 0 && i < std::int64_t(rates.size())) return rates[std::size_t(i)];
    if (schedule.empty()) return hypers[0];
    return kernels().schedule(schedule.data(), int(schedule.size()), double(step));
  }
};

}  // namespace simdnn
