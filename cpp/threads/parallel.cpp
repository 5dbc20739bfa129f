// The choice between the thread pool and an OpenMP runtime.
#include "parallel.hpp"

#include "openmp.hpp"
#include "pool.hpp"
#include "threading_layer.hpp"

namespace simdnn {
namespace {

std::atomic<const OpenMPRuntime*> chosen_runtime{nullptr};  ///< nullptr stands for the pool

}  // namespace

ThreadingLayer threading_layer() { return chosen_runtime ? ThreadingLayer::openmp : ThreadingLayer::pool; }

bool set_threading_layer(ThreadingLayer layer) {
  if (layer == ThreadingLayer::pool) {
    chosen_runtime = nullptr;
    return true;
  }
  if (chosen_runtime) return true;
  for (const OpenMPRuntime* const runtime : openmp_runtimes()) {
    if (runtime->parallel == nullptr) continue;
    chosen_runtime = runtime;
    return true;
  }
  return false;
}

void run_team(int threads, Index n, Index grain, Task::Body body, const void* context) {
  constexpr Index parts_of_thread = 4;  // more than one, so that a thread that starts late still finds work
  Task task{n, grain, std::min((n + grain - 1) / grain, threads * parts_of_thread), body, context};
  if (const OpenMPRuntime* const runtime = chosen_runtime) {
    run_on_openmp(*runtime, threads, task);
  } else {
    ThreadPool::instance().run(threads, task);
  }
  if (task.error) std::rethrow_exception(task.error);
}

}  // namespace simdnn
