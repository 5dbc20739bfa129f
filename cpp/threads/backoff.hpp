// A pause from helpers that lose time.
#pragma once

#include <algorithm>
#include <chrono>

#include "../base/views.hpp"

namespace simdnn {

/// Decides whether a task asks for helpers. Where other processes hold the processors, a helper comes late or is
/// stopped in the middle of its part. After tasks in which helpers lost time, the caller works alone for 40 times that
/// time, so that the loss is a fortieth of its work; the factor doubles, up to 160, until helpers have won again. Idle
/// time does not count as work, because a busy neighbor spoils the next task after an idle period, too.
class HelpBackoff {
 public:
  using Duration = std::chrono::steady_clock::duration;

  /// True if the next task should ask for helpers.
  bool wants_help() const { return alone_ <= Duration{}; }

  /// Counts a task that was computed without helpers and took `elapsed`.
  void add_alone(Duration elapsed) { alone_ -= elapsed; }

  /// Counts a task of `parts` parts that took `elapsed`, in which the caller computed `own` parts in `worked` of its
  /// own processor time.
  void add_helped(Index own, Index parts, Duration worked, Duration elapsed) {
    constexpr std::chrono::microseconds credit{5000};    // the largest gain that later losses may use up
    constexpr std::chrono::microseconds tolerated{100};  // a loss as large as the cost of waking helpers
    if (own == 0) return;
    balance_ = std::min<Duration>(balance_ + worked * parts / own - elapsed, credit);
    if (balance_ == credit) factor_ = kFactor;
    if (balance_ > -tolerated) return;
    alone_ = factor_ * -balance_;
    factor_ = std::min(2 * factor_, 4 * kFactor);
    balance_ = {};
  }

 private:
  static constexpr int kFactor = 40;
  int factor_ = kFactor;
  Duration balance_{};  ///< time that helpers have won
  Duration alone_{};    ///< remaining work without helpers
};

}  // namespace simdnn
