#include "parallel.hpp"

#include "pool.hpp"

namespace simdnn {

void run_team(int threads, Index n, Index grain, Task::Body body, const void* context) {
  constexpr Index parts_of_thread = 4;  // so that a thread that comes late still finds some
  Task task{n, grain, std::min((n + grain - 1) / grain, threads * parts_of_thread), body, context};
  ThreadPool::instance().run(threads, task);
}

}  // namespace simdnn
