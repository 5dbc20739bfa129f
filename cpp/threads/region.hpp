// The parallel region that a thread is in.
#pragma once

namespace simdnn {

/// State of the calling thread. Nested work of a region stays on its thread.
struct Region {
  bool serial = false;  ///< thread_count() is 1: inside a region, or by the choice of a ThreadTuner
  bool tuned = false;   ///< a ThreadTuner has measured that helpers pay, so HelpBackoff is not consulted

  static Region& current() {
    static thread_local Region region;
    return region;
  }
};

}  // namespace simdnn
