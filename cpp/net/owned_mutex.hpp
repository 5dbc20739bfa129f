// A mutex that knows its owner, and survives a fork of the process.
#pragma once

#include <atomic>
#include <mutex>
#include <new>
#include <thread>

#include "../threads/limit.hpp"

namespace simdnn {

/// A mutex for two cases that would deadlock: a signal handler inside a native call that waits for that call, and a
/// forked child that waits for a thread of its parent.
class OwnedMutex {
 public:
  bool is_mine() const { return owner_ == std::this_thread::get_id() && forks_ == fork_count(); }

  /// Callers call it before lock(), and hold the interpreter's lock, so that one thread at a time is here.
  bool try_lock() {
    renew_after_fork();
    const bool locked = mutex_.try_lock();
    if (locked) owner_ = std::this_thread::get_id();
    return locked;
  }
  /// Called before lock() where try_lock() is not, with the interpreter's lock held.
  void renew_after_fork() {
    if (forks_ != fork_count()) renew();
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
  /// After a fork the owner exists only in the parent, so the child starts with a new mutex.
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
