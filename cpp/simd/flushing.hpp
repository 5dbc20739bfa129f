// A scope in which subnormal operands and results of float32 arithmetic count as zeros of their sign.
#pragma once

#include "level.hpp"

SIMDNN_LEVEL_BEGIN

#if defined(__x86_64__) && defined(__FMA__)
/// True if `Flushing` makes the processor flush, with tininess detected after rounding; else arithmetic has to.
constexpr bool kHardwareFlushes = true;

/// Sets the control word to rounding to nearest with all exceptions masked, FTZ and DAZ; restores it with its flags.
/// Arithmetic inside the scope stands in functions that are not inlined, because compilers move it otherwise.
class Flushing {
 public:
  SIMDNN_INLINE Flushing() {
    constexpr std::uint32_t flushing = 0x9fc0;
    __asm__ volatile("stmxcsr %0" : "=m"(caller_) : : "memory");
    __asm__ volatile("ldmxcsr %0" : : "m"(flushing) : "memory");
  }
  SIMDNN_INLINE ~Flushing() { __asm__ volatile("ldmxcsr %0" : : "m"(caller_) : "memory"); }
  Flushing(const Flushing&) = delete;
  Flushing& operator=(const Flushing&) = delete;

 private:
  std::uint32_t caller_;
};
#else
constexpr bool kHardwareFlushes = false;

struct Flushing {
  SIMDNN_INLINE Flushing() {}
};
#endif

SIMDNN_LEVEL_END
