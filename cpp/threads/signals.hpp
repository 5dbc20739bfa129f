// A guard that keeps signals away from the threads of this library.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace simdnn {

/// Blocks all signals of the calling thread while it exists. Threads created meanwhile inherit that and never receive
/// one.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace simdnn
