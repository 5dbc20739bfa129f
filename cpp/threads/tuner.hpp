// The choice between a team of threads and one thread, by measurement.
#pragma once

#include <chrono>

#include "../base/views.hpp"
#include "cost.hpp"

namespace simdnn {

/// Decides from measurements whether a repeated step runs on a team or on its thread alone. The times of whole steps
/// are compared; times of single tasks mislead, because the transfer of data between the caches of two processors
/// delays later tasks. Both ways are measured, the slower one seldom.
class ThreadTuner {
 public:
  /// Measures a step from construction to destruction, and sets the way in which the calling thread computes it.
  class ScopedMeasurement {
   public:
    ScopedMeasurement(ThreadTuner& tuner, bool active, bool counts);
    ~ScopedMeasurement();
    ScopedMeasurement(const ScopedMeasurement&) = delete;
    ScopedMeasurement& operator=(const ScopedMeasurement&) = delete;

    /// Runs work() without measuring it.
    template <class Work>
    void leave_out(const Work& work) {
      const auto before = std::chrono::steady_clock::now();
      work();
      began_ += std::chrono::steady_clock::now() - before;
    }

   private:
    ThreadTuner& tuner_;
    bool active_, counts_, was_alone_ = false;
    std::chrono::steady_clock::time_point began_;
  };

  /// Begins a step on `samples` samples with an estimate of its work. Only steps of the largest size are compared.
  ScopedMeasurement measure(Index samples, Nanoseconds work);

 private:
  enum Way { kAlone, kTeam };

  void add(double elapsed);
  void take(Way way, double nanoseconds);

  static constexpr double kTrial =
      3e7;  ///< nanoseconds of a trial, long enough for idle processors to reach full speed

  Index samples_ = 0;
  Way way_ = kTeam;
  double typical_[2] = {};  ///< nanoseconds of a step, each way; 0 if unknown
  double left_ = kTrial;    ///< nanoseconds until the other way is tried, or until the trial ends
  int steps_ = 0;           ///< steps since the way changed; the first is left out, because its data is in other caches
  bool tries_ = false;      ///< true during a trial of the slower way
};

}  // namespace simdnn
