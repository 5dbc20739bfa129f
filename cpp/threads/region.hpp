// Mark of threads whose parallel loops run on one thread.
#pragma once

namespace simdnn {

/// True while loops of the calling thread stay on it: inside a parallel region, so that regions do not nest, or by the
/// choice of a ThreadTuner.
inline bool& computes_alone() {
  static thread_local bool alone = false;
  return alone;
}

/// Keeps the loops of the calling thread on it while it exists.
class ComputingAlone {
 public:
  ComputingAlone() { computes_alone() = true; }
  ~ComputingAlone() { computes_alone() = before_; }
  ComputingAlone(const ComputingAlone&) = delete;
  ComputingAlone& operator=(const ComputingAlone&) = delete;

 private:
  bool before_ = computes_alone();
};

}  // namespace simdnn
