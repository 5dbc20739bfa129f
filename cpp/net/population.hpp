// Many pieces of serial work, such as fits of networks, on several threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include "../threads/cost.hpp"
#include "stop_token.hpp"

namespace simdnn {

/// Work of one thread, which ends soon after its stop token fires and does not throw.
struct Unit {
  Nanoseconds work = 0;  ///< estimated time
  std::function<void(const StopToken&)> run;
};

/// Units that threads take one after another, the longest first. Loops inside a unit stay on its thread.
class Population {
 public:
  explicit Population(std::vector<Unit> units);

  /// Runs all units on the calling thread and at most `threads - 1` others, until the last has finished or, after the
  /// interrupt asked to stop, those that had begun.
  void run(int threads, Interrupt& interrupt);

  std::size_t size() const { return units_.size(); }
  std::size_t finished() const { return finished_; }

 private:
  void run_next_units(const StopToken& stop);
  void wait(Interrupt& interrupt);

  std::vector<Unit> units_;
  std::atomic<std::size_t> next_{0}, finished_{0};
  std::atomic<int> running_{0};  ///< threads between their first and their last unit
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::condition_variable idle_;  ///< a thread has found no other unit
};

}  // namespace simdnn
