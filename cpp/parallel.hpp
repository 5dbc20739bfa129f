// Threads. Results never depend on them: callers split outputs, never sums.
//
// The team is our own. OpenMP's would spin between regions and wait for members that the system does not schedule: with
// another process busy on the second core it made steps of 784-512-512-10 1.6 times as long as one thread does, ours
// 0.9 times. Where help costs more than it gives, callers do without it for a while. OpenMP is asked only how many
// threads are allowed, which is what OMP_NUM_THREADS and threadpoolctl set.
#pragma once

#include "ops/spans.hpp"

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
