// Parallel loops. Callers split outputs, never sums, so that results do not depend on the number of threads.
#pragma once

#include "cost.hpp"
#include "limit.hpp"
#include "task.hpp"

namespace simdnn {

/// Calls body(context, begin, end) over [0, n) on a team of `threads` threads; parallel_for() is its only caller.
void run_team(int threads, Index n, Index grain, Task::Body body, const void* context);

/// Calls body(begin, end) over [0, n) in a few parts per thread, each but the last a multiple of `grain`. Work below
/// kSerialBelow is one call on this thread.
template <class Body>
void parallel_for(Index n, Index grain, Nanoseconds work, const Body& body) {
  const Index grains = (n + grain - 1) / grain;
  const int threads = work < kSerialBelow || grains < 2 ? 1 : thread_count();
  if (threads < 2) return body(Index(0), n);
  run_team(
      threads, n, grain,
      [](const void* context, Index begin, Index end) { (*static_cast<const Body*>(context))(begin, end); }, &body);
}

}  // namespace simdnn
