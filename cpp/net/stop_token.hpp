// Cooperative cancellation of long computations.
#pragma once

#include <chrono>

namespace simdnn {

/// A request to stop, which a long computation polls. Once stopped() is true it stays true, and the computation returns
/// without finishing its step.
class Interrupt {
 public:
  virtual ~Interrupt() = default;

  /// Reports `nanoseconds` of estimated work done; polls if enough time has passed, and returns stopped().
  bool after(double nanoseconds) {
    if ((pending_ += nanoseconds) < kLook) return stopped_;
    pending_ = 0;
    const auto now = std::chrono::steady_clock::now();
    if (now - asked_ < kAsk) return stopped_;
    asked_ = now;
    stopped_ = stopped_ || requested();
    return stopped_;
  }
  bool stopped() const { return stopped_; }

 protected:
  virtual bool requested() = 0;

 private:
  static constexpr double kLook = 1e6;                  ///< nanoseconds of work between two looks at the clock
  static constexpr std::chrono::milliseconds kAsk{20};  ///< time between two polls
  double pending_ = 0;
  bool stopped_ = false;
  std::chrono::steady_clock::time_point asked_ = std::chrono::steady_clock::now();
};

/// Lets a long computation ask whether it should stop.
struct StopToken {
  Interrupt* interrupt = nullptr;
  bool stopped() const { return interrupt && interrupt->stopped(); }
  bool after(double nanoseconds) const { return interrupt && interrupt->after(nanoseconds); }
};

}  // namespace simdnn
