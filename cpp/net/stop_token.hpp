// Stopping long work politely.
#pragma once

#include <chrono>

namespace simdnn {

/// Asked inside long work. Once true it stays true, and the work returns without finishing its step.
class Interrupt {
 public:
  virtual ~Interrupt() = default;

  /// Reports `nanoseconds` of estimated work done; looks at the clock and asks only now and then.
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
  static constexpr double kLook = 1e6;
  static constexpr std::chrono::milliseconds kAsk{20};
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
