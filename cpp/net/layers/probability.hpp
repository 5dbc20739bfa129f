// The probability of a random layer: a number, or a schedule over the training steps.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "../../dispatch.hpp"

namespace simdnn {

struct Probability {
  double number = 0.5;                       ///< in [0, 1)
  std::vector<SchedulePiece> schedule = {};  ///< replaces the number, unless empty

  bool always_zero() const { return schedule.empty() && number == 0; }

  /// The probability in a training pass, counted from 0; throws std::invalid_argument if the schedule leaves [0, 1).
  double at(std::uint64_t pass) const {
    if (schedule.empty()) return number;
    const double found = kernels().schedule(schedule.data(), int(schedule.size()), double(pass));
    if (found >= 0 && found < 1) return found;
    throw std::invalid_argument("p: expected a probability in [0, 1) at each step, the schedule gives " +
                                std::to_string(found) + " at step " + std::to_string(pass));
  }
};

}  // namespace simdnn
