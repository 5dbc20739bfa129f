// A parallel loop as a task that several threads share.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>

#include "../base/views.hpp"

namespace simdnn {

/// A range [0, n) split into parts. A free thread takes the next part: the caller from the front, helpers from the
/// back, so that each processor finds in its cache the parts of the array that it computed in the last task. The first
/// exception that a part throws on any thread is kept for the caller.
struct Task {
  using Body = void (*)(const void* context, Index begin, Index end);

  Index n, grain;
  Index parts;
  Body body;
  const void* context;
  std::atomic<Index> taken{0}, front{0}, back{0};
  std::atomic<bool> failed{false};
  std::exception_ptr error = nullptr;  ///< set by the thread that set `failed`; read after all threads have finished

  /// Computes parts until none is left, from the front.
  void take_from_front() {
    while (taken++ < parts) compute(front++);
  }

  /// Computes parts until none is left, from the back.
  void take_from_back() {
    while (taken++ < parts) compute(parts - 1 - back++);
  }

 private:
  void compute(Index part) {
    const Index grains = (n + grain - 1) / grain;
    try {
      body(context, grains * part / parts * grain, std::min(n, grains * (part + 1) / parts * grain));
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  }
};

}  // namespace simdnn
