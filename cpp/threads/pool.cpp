// The thread pool: fork, join and the main loop of a helper.
#include "pool.hpp"

#if defined(__linux__)
#include <sched.h>
#endif

#include <chrono>
#include <exception>
#include <thread>

#include "region.hpp"
#include "signals.hpp"

namespace simdnn {
namespace {

using Clock = std::chrono::steady_clock;

/// Tells the processor that this thread spins.
void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// The processor that this thread runs on; -1 if the system does not tell.
int current_cpu() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

/// Moves this thread to another processor if its affinity mask allows one; the system may move it back later. Returns
/// true if it moved.
bool leave_cpu(int cpu) {
#if defined(__linux__)
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return false;
  cpu_set_t others = all;
  CPU_CLR(cpu, &others);
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return false;
  sched_setaffinity(0, sizeof all, &all);
  return current_cpu() != cpu;
#else
  return false;
#endif
}

/// Spins until a condition holds or `patience` has passed, which is about the cost of waking a thread. Returns the
/// condition.
template <class Condition>
bool spin_until(const Condition& condition, std::chrono::microseconds patience) {
  const Clock::time_point end = Clock::now() + patience;
  do {
    for (int i = 0; i < 64; ++i) {
      if (condition()) return true;
      pause();
    }
  } while (Clock::now() < end);
  return condition();
}

}  // namespace

ThreadPool& ThreadPool::instance() {
  static ThreadPool& pool = *new ThreadPool;
  return pool;
}

void ThreadPool::run(int threads, Task& task) {
  const std::unique_lock<std::mutex> only(running_, std::try_to_lock);
  if (only) fork(threads - 1, task);
  computes_alone() = true;
  task.take_from_front();
  computes_alone() = false;
  if (only) join();
}

/// Offers a task to helpers, and creates missing ones as far as the system allows.
void ThreadPool::fork(int helpers, Task& task) {
  while (created_ < helpers && create_helper()) ++created_;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    task_ = &task;
    caller_cpu_ = current_cpu();
    places_ = helpers;
    ++generation_;
  }
  if (sleeping_ > 0) wake_.notify_all();
}

/// Withdraws the task and waits for the helpers that have begun.
void ThreadPool::join() {
  std::unique_lock<std::mutex> lock(mutex_);
  task_ = nullptr;
  if (active_ == 0) return;
  lock.unlock();
  if (spin_until([&] { return active_ == 0; }, std::chrono::microseconds(30))) return;
  lock.lock();
  finished_.wait(lock, [&] { return active_ == 0; });
}

/// Creates a helper that leaves signals to the interpreter's threads. Returns false if the system cannot create one.
bool ThreadPool::create_helper() {
  const SignalsBlocked blocked;
  try {
    std::thread([this] { help(); }).detach();
  } catch (const std::exception&) {  // no thread, or no memory for one
    return false;
  }
  return true;
}

/// The main loop of a helper. The system tends to wake a helper on the caller's processor, where it would take the
/// caller's time; it then moves away, or sleeps until the next task.
void ThreadPool::help() {
  computes_alone() = true;
  bool in_the_way = false;
  for (std::uint64_t seen = 0;;) {
    const auto called = [&] { return generation_ != seen; };
    const bool soon = !in_the_way && spin_until(called, std::chrono::microseconds(100));
    std::unique_lock<std::mutex> lock(mutex_);
    if (!soon) {
      ++sleeping_;
      wake_.wait(lock, called);
      --sleeping_;
    }
    const int cpu = task_ ? caller_cpu_ : -1;
    in_the_way = cpu >= 0 && cpu == current_cpu();
    if (in_the_way) {
      lock.unlock();
      in_the_way = !leave_cpu(cpu);
      lock.lock();
    }
    seen = generation_;
    if (task_ == nullptr || places_ == 0 || in_the_way) continue;
    Task& task = *task_;
    --places_;
    ++active_;
    lock.unlock();
    task.take_from_back();
    lock.lock();
    if (--active_ == 0) finished_.notify_one();
  }
}

}  // namespace simdnn
