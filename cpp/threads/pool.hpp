// The thread pool: helper threads that join a caller's parallel loop.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "task.hpp"

namespace simdnn {

/// A pool of helper threads. The caller of run() never waits for a helper that has not begun, so a helper that the
/// system does not schedule costs nothing, whereas an OpenMP region waits for it. Helpers sleep soon after the last
/// task. Every task asks for them, even on a busy machine: backing off after slow tasks was measured to be slower
/// there.
class ThreadPool {
 public:
  /// The pool of this process. It is never destroyed, because its threads may outlive static objects.
  static ThreadPool& instance();

  /// Computes a task on this thread and at most `threads - 1` helpers. Only one caller at a time has helpers; others
  /// compute alone meanwhile.
  void run(int threads, Task& task);

 private:
  void fork(int helpers, Task& task);
  void join();
  bool create_helper();
  [[noreturn]] void help();

  std::mutex running_;  ///< held by the caller that has helpers; guards created_
  int created_ = 0;

  std::mutex mutex_;  ///< guards task_, caller_cpu_ and places_
  std::condition_variable wake_, finished_;
  Task* task_ = nullptr;
  int caller_cpu_ = -1;
  int places_ = 0;  ///< helpers that may still join the task
  std::atomic<int> active_{0}, sleeping_{0};
  std::atomic<std::uint64_t> generation_{0};  ///< number of tasks so far
};

}  // namespace simdnn
