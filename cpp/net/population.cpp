#include "population.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "../threads/parallel.hpp"

namespace simdnn {
namespace {

/// The interrupt of helpers: it follows that of the caller, who alone can ask the interpreter.
class Follower final : public Interrupt {
 public:
  explicit Follower(const std::atomic<bool>& stopped) : stopped_(stopped) {}

 protected:
  bool requested() override { return stopped_; }

 private:
  const std::atomic<bool>& stopped_;
};

}  // namespace

Population::Population(std::vector<Unit> units) : units_(std::move(units)) {
  std::stable_sort(units_.begin(), units_.end(), [](const Unit& a, const Unit& b) { return a.work > b.work; });
}

void Population::run(int threads, Interrupt& interrupt) {
  const std::thread::id caller = std::this_thread::get_id();
  run_workers(std::max(1, std::min(threads, int(units_.size()))), [&] {
    if (std::this_thread::get_id() == caller) {
      run_next_units({&interrupt});
      wait(interrupt);
    } else {
      Follower follower(stopped_);
      run_next_units({&follower});
    }
  });
}

/// Takes units until none is left or the stop token fires.
void Population::run_next_units(const StopToken& stop) {
  ++running_;
  while (!stopped_) {
    const std::size_t i = next_++;
    if (i >= units_.size()) break;
    units_[i].run(stop);
    ++finished_;
    if (stop.stopped()) stopped_ = true;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (--running_ == 0) idle_.notify_all();
}

/// Waits on the caller's thread for the units of the others, and goes on asking whether to stop.
void Population::wait(Interrupt& interrupt) {
  constexpr std::chrono::milliseconds pause{10};
  constexpr Nanoseconds passed = 1e7;
  std::unique_lock<std::mutex> lock(mutex_);
  while (!idle_.wait_for(lock, pause, [&] { return running_ == 0; })) {
    lock.unlock();
    if (interrupt.after(passed)) stopped_ = true;
    lock.lock();
  }
}

}  // namespace simdnn
