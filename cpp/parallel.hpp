// Threads. Results never depend on them: callers split outputs, never sums.
//
// The team is our own. OpenMP's would spin between regions and wait for members that the system does not schedule: with
// another process busy on the second core it made steps of 784-512-512-10 1.6 times as long as one thread does, ours
// 0.9 times. Where help costs more than it gives, callers do without it for a while; training steps measure that whole
// (Pace). OpenMP is asked only how many threads are allowed, which is what OMP_NUM_THREADS and threadpoolctl set.
#pragma once

#include <chrono>

#include "base/views.hpp"

namespace simdnn {

/// Work below this many nanoseconds, by the caller's estimate, stays on the calling thread: measured, products of half
/// of it gained nothing from a second thread.
constexpr double kSerialBelow = 60000;

/// How many threads a large call would use now: what set_thread_count asked for, or the least of OMP_NUM_THREADS or
/// threadpoolctl's limit, the CPUs of the affinity mask and the control group's quota; 1 in a forked child and inside a
/// team.
int thread_count();

/// Forks between this process and the one that loaded the library.
int fork_count();

/// n >= 1 for the whole process, above the limits of that moment if need be; a limit that threadpoolctl sets
/// later still holds. 0 returns to the defaults.
void set_thread_count(int n);

/// Whether limits come from an OpenMP runtime; else OMP_NUM_THREADS is read, and threadpoolctl has no say.
bool has_openmp();

/// Runs body(context, begin, end) on a team of that many threads; called by parallel_for alone.
void run_team(int threads, Index n, Index grain, void (*body)(const void*, Index, Index), const void* context);

/// Whether work that repeats, as a training step, is faster with the team or on its thread alone. What tasks take does
/// not tell: data that two processors changed in turn is slow to come back, and where a system has put them decides how
/// slow. So both ways are measured, the slower one seldom.
class Pace {
 public:
  /// One piece of the work, while it lives.
  class Turn {
   public:
    Turn(Pace& pace, bool goes, bool counts);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Pace& pace_;
    bool goes_, counts_, before_ = false;
    std::chrono::steady_clock::time_point began_;
  };

  /// A piece of so many samples and, by estimate, nanoseconds. Only those of the largest size are compared.
  Turn turn(Index samples, double nanoseconds);

 private:
  enum Way { kAlone, kTeam };

  void add(double took);
  void take(Way way, double nanoseconds);

  static constexpr double kTrial = 3e7;  ///< nanoseconds: processors that slept are late for their first tasks

  Index samples_ = 0;
  Way way_ = kTeam;
  double typical_[2] = {};  ///< nanoseconds of a piece each way; 0 is not known yet
  double left_ = kTrial;    ///< time until the other way is tried, or the trial ends
  int pieces_ = 0;          ///< of this way, of which the first does not count: it finds other caches
  bool tries_ = false;
};

/// Calls body(begin, end) over [0, n) in a few parts a thread, each part but the last a multiple of `grain`;
/// in one call on this thread when `nanoseconds`, the work's estimate, is under kSerialBelow.
template <class Body>
void parallel_for(Index n, Index grain, double nanoseconds, const Body& body) {
  const Index grains = (n + grain - 1) / grain;
  const int threads = nanoseconds < kSerialBelow || grains < 2 ? 1 : thread_count();
  if (threads < 2) return body(Index(0), n);
  run_team(
      threads, n, grain,
      [](const void* context, Index begin, Index end) { (*static_cast<const Body*>(context))(begin, end); }, &body);
}

}  // namespace simdnn
