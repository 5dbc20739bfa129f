// Measurements of steps, and the choice of the faster way that follows from them.
#include "tuner.hpp"

#include <algorithm>
#include <cmath>

#include "limit.hpp"
#include "region.hpp"

namespace simdnn {

using Clock = std::chrono::steady_clock;

ThreadTuner::ScopedMeasurement ThreadTuner::measure(Index samples, Nanoseconds work) {
  const bool active = work >= kSerialBelow && thread_count() > 1;
  if (active && samples > samples_) {
    *this = ThreadTuner();
    samples_ = samples;
  }
  return ScopedMeasurement(*this, active, samples == samples_);
}

ThreadTuner::ScopedMeasurement::ScopedMeasurement(ThreadTuner& tuner, bool active, bool counts)
    : tuner_(tuner), active_(active), counts_(counts) {
  if (!active_) return;
  was_alone_ = computes_alone();
  computes_alone() = tuner_.way_ == kAlone;
  began_ = Clock::now();
}

ThreadTuner::ScopedMeasurement::~ScopedMeasurement() {
  if (!active_) return;
  computes_alone() = was_alone_;
  if (counts_) tuner_.add(std::chrono::duration<double, std::nano>(Clock::now() - began_).count());
}

/// Continues on the team or alone, as `way` says, for `nanoseconds`.
void ThreadTuner::take(Way way, double nanoseconds) {
  way_ = way;
  left_ = nanoseconds;
  steps_ = 0;
}

/// Records the time of a step and chooses the way of the next one.
void ThreadTuner::add(double elapsed) {
  constexpr double worth = 0.97;    // the team is worth its processors below this fraction of the time alone
  constexpr double trial_gap = 40;  // trials may cost one part in 40 of all time
  constexpr int least_steps = 3;
  double& typical = typical_[way_];
  if (steps_++ > 0) {  // falls at once, rises slowly: other processes may delay a step, but none makes it faster
    typical = typical == 0 ? elapsed : typical + std::clamp(elapsed - typical, -typical / 2, typical / 16);
  }
  left_ -= elapsed;
  const Way other = way_ == kTeam ? kAlone : kTeam;
  const bool known = typical_[kAlone] != 0 && typical_[kTeam] != 0, over = left_ <= 0 && steps_ >= least_steps;
  const bool best = known && (way_ == kTeam) == (typical_[kTeam] < worth * typical_[kAlone]);
  const double lost = std::abs(typical_[kTeam] - typical_[kAlone]) / std::min(typical_[kTeam], typical_[kAlone]);
  const double gap = std::max(kTrial, trial_gap * kTrial * lost);
  if (tries_ && best) {
    tries_ = false;
    left_ = gap;
  } else if (known && !best && (!tries_ || over)) {
    tries_ = false;
    take(other, gap);
  } else if (over) {
    tries_ = true;
    take(other, kTrial);
  }
}

}  // namespace simdnn
