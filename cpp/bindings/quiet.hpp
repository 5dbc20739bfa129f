// Floating-point status that a kernel must not change.
#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace simdnn {

/// Leaves the floating-point status as it was: NumPy would warn of it, and vector code raises flags for lanes and
/// branches whose results are thrown away.
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
