// Threads of our own that help whoever has work.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "task.hpp"

namespace simdnn {

/// A pool of helper threads. The caller of run() never waits for a helper that has not begun, so a helper that the
/// system does not schedule costs nothing; an OpenMP region waits for it. Helpers sleep soon after the last task. Every
/// task asks for them, next to busy processes too: a pause after losses was slower there, as measured.
class ThreadPool {
 public:
  /// The pool of this process. It is never destroyed, because its threads may outlive static objects.
  static ThreadPool& instance();

  /// Computes a task on this thread and at most `threads - 1` helpers. One caller at a time is helped; another one
  /// meanwhile works alone.
  void run(int threads, Task& task);

 private:
  void fork(int helpers, Task& task);
  void join();
  bool create_helper();
  [[noreturn]] void help();

  std::mutex running_;  ///< held by the caller that is helped; guards created_
  int created_ = 0;

  std::mutex mutex_;  ///< guards task_, caller_cpu_ and places_
  std::condition_variable wake_, finished_;
  Task* task_ = nullptr;
  int caller_cpu_ = -1;
  int places_ = 0;  ///< helpers that may still join the task
  std::atomic<int> active_{0}, sleeping_{0};
  std::atomic<std::uint64_t> generation_{0};  ///< of tasks
};

}  // namespace simdnn
