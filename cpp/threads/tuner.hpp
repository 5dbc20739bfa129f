// The choice between the pool and one thread, by measurement.
#pragma once

#include <chrono>

#include "../base/views.hpp"
#include "cost.hpp"

namespace simdnn {

/// Decides from measurements whether a repeated step runs on the team or on its thread alone. Times of tasks mislead,
/// because data that two processors changed in turn is slow to come back, which the next task pays. Both ways are
/// measured, the slower one seldom.
class ThreadTuner {
 public:
  /// A step from its construction to its end. It sets the way that the calling thread computes meanwhile.
  class ScopedMeasurement {
   public:
    ScopedMeasurement(ThreadTuner& tuner, bool active, bool counts);
    ~ScopedMeasurement();
    ScopedMeasurement(const ScopedMeasurement&) = delete;
    ScopedMeasurement& operator=(const ScopedMeasurement&) = delete;

   private:
    ThreadTuner& tuner_;
    bool active_, counts_, was_alone_ = false;
    std::chrono::steady_clock::time_point began_;
  };

  /// Begins a step of `samples` samples that takes `work`. Only steps of the largest size are compared.
  ScopedMeasurement measure(Index samples, Nanoseconds work);

 private:
  enum Way { kAlone, kTeam };

  void add(double elapsed);
  void take(Way way, double nanoseconds);

  static constexpr double kTrial = 3e7;  ///< nanoseconds of a trial: processors that slept are slow at first

  Index samples_ = 0;
  Way way_ = kTeam;
  double typical_[2] = {};  ///< nanoseconds of a step each way; 0 is unknown
  double left_ = kTrial;    ///< nanoseconds until the other way is tried, or the trial ends
  int steps_ = 0;           ///< steps of this way; the first one finds the caches of the other and does not count
  bool tries_ = false;      ///< this way is on trial
};

}  // namespace simdnn
