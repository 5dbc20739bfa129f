// Parts that update rules share: hyper-parameters, powers, weight decay, the guarded root, the flush of tiny numbers.
#pragma once

#include "../../base/descriptions.hpp"
#include "../../base/views.hpp"
#include "../../simd/level.hpp"

SIMDNN_LEVEL_BEGIN

/// The first hyper-parameters of every rule, in this order.
enum CommonHyper { kLr, kWeightDecay, kDecoupled, kCommonHypers };

constexpr Hyper learning_rate(double value) {
  return Hyper::nonnegative("lr", value, "Learning rate, or a schedule: a function of the number of steps done.");
}
constexpr Hyper weight_decay() {
  return Hyper::nonnegative("weight_decay", 0,
                            "Factor of the L2 penalty, which adds weight_decay * p to the gradient.");
}
constexpr Hyper decoupled_weight_decay(bool value = false) {
  return Hyper::flag("decoupled_weight_decay", value,
                     "Shrinks the parameters themselves, p *= 1 - lr * weight_decay, and leaves the gradient alone.");
}
constexpr Hyper division_guard(double value) { return Hyper::nonnegative("eps", value, "Guard of the division."); }
constexpr Hyper eps_position(EpsMode mode) {
  return {"eps_mode",
          double(mode),
          kOutside,
          kEpsModes,
          "Position of eps at the root of a mean square v with bias correction c (1 if it has none): outside is "
          "sqrt(v / c) + eps, inside is sqrt(v / c + eps), hat is (sqrt(v) + eps) / sqrt(c). One value means "
          "another thing in each: an eps inside acts as its root does outside.",
          HyperKind::eps_mode};
}
constexpr Hyper rate_in_velocity() {
  return Hyper::flag(
      "lr_in_velocity", false,
      "The velocity takes up lr times the gradient, so that past steps keep the learning rate they had.");
}

/// base^n by squaring, whose bits are equal everywhere, unlike those of a libm's pow. Masks stand in for branches,
/// which processors would mispredict because the bits of n change at every step.
inline double power(double base, std::int64_t n) {
  const std::uint64_t one = to_bits(1.0);
  double result = 1;
  for (; n > 0; n /= 2, base *= base) {
    const std::uint64_t odd = -std::uint64_t(n % 2);
    result *= from_bits<double>((to_bits(base) & odd) | (one & ~odd));
  }
  return result;
}

/// Flushes a moment below the smallest normal number to zero: subnormal arithmetic is slow, and decay never ends it.
template <class T>
SIMDNN_INLINE T flush(T x) {
  const auto exponent = to_bits(T(__builtin_inf()));
  return (to_bits(x) & exponent) != 0 ? x : T(0);
}

/// Flushes g to zero if weight * g^2 would be subnormal, because subnormal arithmetic is slow. Compares bits, because
/// GCC evaluates both sides of a floating-point select.
template <class T>
struct FlushTinyGradient {
  typename Bits<T>::signed_type least;

  explicit FlushTinyGradient(double weight) {
    constexpr double smallest = sizeof(T) == 4 ? 0x1p-126 : 0x1p-1022;
    least = to_bits(weight > 0 ? T(__builtin_sqrt(smallest / weight)) : T(0));
  }
  SIMDNN_INLINE T operator()(T g) const {
    const auto bits = typename Bits<T>::signed_type(to_bits(abs(g)));
    const auto below = (bits - least) >> (8 * sizeof(T) - 1);
    return from_bits<T>(to_bits(g) & ~typename Bits<T>::type(below));
  }
};

/// Weight decay in the gradient (an L2 penalty), or decoupled: p shrinks by lr weight_decay (Loshchilov & Hutter 2019).
template <class T>
struct WeightDecay {
  T penalty, keep;

  explicit WeightDecay(const double* h)
      : penalty(h[kDecoupled] != 0 ? T(0) : T(h[kWeightDecay])),
        keep(h[kDecoupled] != 0 ? T(1 - h[kLr] * h[kWeightDecay]) : T(1)) {}
  SIMDNN_INLINE T gradient(T p, T g) const { return fma(penalty, p, g); }
  SIMDNN_INLINE T kept(T p) const { return keep * p; }
};

/// Divisor by every EpsMode. One expression serves all three, so that the choice costs no branch in the loop.
template <class T>
struct GuardedRoot {
  T scale, inside, outside;

  GuardedRoot(double eps_mode, double eps, double correction) : scale(T(1 / correction)) {
    const auto mode = EpsMode(int(eps_mode));
    inside = mode == kInside ? T(eps) : T(0);
    outside = mode == kInside ? T(0) : T(mode == kHat ? eps / __builtin_sqrt(correction) : eps);
  }
  SIMDNN_INLINE T operator()(T v) const { return sqrt(fma(v, scale, inside)) + outside; }
};

SIMDNN_LEVEL_END
