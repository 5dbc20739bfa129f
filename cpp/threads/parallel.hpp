// Parallel loops. Callers split outputs, never sums, so that results do not depend on the number of threads.
#pragma once

#include "cost.hpp"
#include "limit.hpp"
#include "task.hpp"

namespace simdnn {

/// Calls body(context, begin, end) over [0, n) on a team of `threads` threads, for the functions below.
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

/// Calls body() once for each of `threads` threads, several times on one thread if others are missing. Parallel loops
/// in the body stay on its thread.
template <class Body>
void run_workers(int threads, const Body& body) {
  run_team(
      threads, threads, 1,
      [](const void* context, Index begin, Index end) {
        for (Index i = begin; i < end; ++i) (*static_cast<const Body*>(context))();
      },
      &body);
}

}  // namespace simdnn
