// Mark of threads whose parallel loops run on one thread.
#pragma once

namespace simdnn {

/// True while loops of the calling thread stay on it: inside a parallel region, so that regions do not nest, or by the
/// choice of a ThreadTuner.
inline bool& computes_alone() {
  static thread_local bool alone = false;
  return alone;
}

}  // namespace simdnn
