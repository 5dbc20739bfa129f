// A mutex that knows its holder, and whether that holder still exists.
#pragma once

#include <atomic>
#include <mutex>
#include <new>
#include <thread>

#include "../threads/limit.hpp"

namespace simdnn {

/// A signal handler that runs inside a native call must not wait for that call, nor a forked child for a thread that
/// only its parent has.
class OwnedMutex {
 public:
  bool is_mine() const { return owner_ == std::this_thread::get_id() && forks_ == fork_count(); }

  /// Always the first attempt, and made by one thread at a time (with the interpreter's lock).
  bool try_lock() {
    if (forks_ != fork_count()) renew();
    const bool locked = mutex_.try_lock();
    if (locked) owner_ = std::this_thread::get_id();
    return locked;
  }
  void lock() {
    mutex_.lock();
    owner_ = std::this_thread::get_id();
  }
  void unlock() {
    owner_ = std::thread::id();
    mutex_.unlock();
  }

 private:
  /// Whoever held it stayed behind in the parent.
  void renew() {
    new (&mutex_) std::mutex;
    owner_ = std::thread::id();
    forks_ = fork_count();
  }

  std::mutex mutex_;
  std::atomic<std::thread::id> owner_{};
  int forks_ = fork_count();
};

}  // namespace simdnn
