// The parallel region that a thread is in.
#pragma once

namespace simdnn {

/// True while the calling thread computes alone: inside a parallel region, whose nested loops stay on their thread, or
/// by the choice of a ThreadTuner.
inline bool& computes_alone() {
  static thread_local bool alone = false;
  return alone;
}

}  // namespace simdnn
