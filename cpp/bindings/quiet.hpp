// A guard of the floating-point status flags.
#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace simdnn {

/// Restores the floating-point status flags at the end of a scope. Vector code raises flags for lanes and branches
/// whose results are discarded, and NumPy would turn them into warnings.
class QuietStatus {
 public:
#if defined(__x86_64__)
  QuietStatus() : status_(_mm_getcsr()) {}
  ~QuietStatus() { _mm_setcsr(status_); }

 private:
  unsigned status_;
#else
  QuietStatus() { std::fegetenv(&status_); }
  ~QuietStatus() { std::fesetenv(&status_); }

 private:
  std::fenv_t status_;
#endif
};

}  // namespace simdnn
