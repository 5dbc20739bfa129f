// Parts that update rules share: hyper-parameters, powers, weight decay, the guarded root, the flush of tiny numbers.
#pragma once

#include "../../base/descriptions.hpp"
#include "../../base/views.hpp"
#include "../../math/flush.hpp"

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

/// An average x = decay x + y of squares, which is 0 where a later product with the decay would be subnormal. Decay
/// never ends in 0 by itself.
template <class T>
struct DecayingSquares {
  T decay, least;

  explicit DecayingSquares(double decay)
      : decay(T(decay)), least(decay > 0 ? T(double(kLeastNormal<T>) / decay) : T(0)) {}
  SIMDNN_INLINE T operator()(T x, T y) const { return flush_below(least, fma(decay, x, y)); }
};

/// The smallest number whose product with the factor is a normal number.
template <class T>
T least_times(double factor) {
  const double size = factor < 0 ? -factor : factor;
  return T(double(kLeastNormal<T>) / (size > 0 && size < 1 ? size : 1.0));
}

/// The smallest velocity that takes up lr times the gradient.
template <class T>
T least_velocity(double lr) {
  return T(double(kLeastGradient<T>) * (lr < 1 ? lr : 1.0));
}

/// The smallest gradient g whose weight * g^2 is a normal number, but at least the smallest of the backward pass.
template <class T>
T least_squared(double weight) {
  const double least = weight > 0 ? __builtin_sqrt(double(kLeastNormal<T>) / weight) : 0.0;
  return T(least > double(kLeastGradient<T>) ? least : double(kLeastGradient<T>));
}

/// Weight decay in the gradient (an L2 penalty), or decoupled: p shrinks by lr weight_decay (Loshchilov & Hutter 2019).
template <class T>
struct WeightDecay {
  T penalty, keep;

  explicit WeightDecay(const double* h)
      : penalty(h[kDecoupled] != 0 ? T(0) : T(h[kWeightDecay])),
        keep(h[kDecoupled] != 0 ? T(1 - h[kLr] * h[kWeightDecay]) : T(1)) {}
  SIMDNN_INLINE T gradient(T p, T g) const { return fma(penalty, p, flush_below(kLeastNormal<T>, g)); }
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
