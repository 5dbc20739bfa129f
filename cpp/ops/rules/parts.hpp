// What update rules share: powers, weight decay, the guarded square root, the flush of tiny state.
#pragma once

#include "../../math/level.hpp"
#include "../description.hpp"
#include "../spans.hpp"

SIMDNN_LEVEL_BEGIN

/// The first hyper-parameters of every rule, in this order.
enum CommonHyper { kLr, kWeightDecay, kDecoupled, kCommonHypers };

/// base^n by squaring: the same bits wherever it runs, unlike a libm's pow.
inline double power(double base, std::int64_t n) {
  double result = 1;
  for (; n > 0; n /= 2, base *= base) {
    if (n % 2) result *= base;
  }
  return result;
}

/// A moment below the smallest normal number becomes zero: subnormals would cost an assist at every step for ever.
template <class T>
SIMDNN_INLINE T flush(T x) {
  const auto exponent = to_bits(T(__builtin_inf()));
  return (to_bits(x) & exponent) != 0 ? x : T(0);
}

/// weight_decay in the gradient (an L2 penalty), or decoupled: p shrinks by lr weight_decay (Loshchilov & Hutter 2019).
template <class T>
struct WeightDecay {
  T penalty, keep;

  explicit WeightDecay(const double* h)
      : penalty(h[kDecoupled] != 0 ? T(0) : T(h[kWeightDecay])),
        keep(h[kDecoupled] != 0 ? T(1 - h[kLr] * h[kWeightDecay]) : T(1)) {}
  SIMDNN_INLINE T gradient(T p, T g) const { return fma(penalty, p, g); }
  SIMDNN_INLINE T kept(T p) const { return keep * p; }
};

/// Where eps stands beside the root of the corrected v / c.
constexpr double kOutside = 0;  ///< sqrt(v / c) + eps: PyTorch
constexpr double kInside = 1;   ///< sqrt(v / c + eps): the notes; Keras' RMSprop and Adagrad
constexpr double kHat = 2;      ///< (sqrt(v) + eps) / sqrt(c): Kingma & Ba 2015, end of section 2; Keras' Adam

/// One expression for the three of them, so that the choice costs no branch in the loop.
template <class T>
struct GuardedRoot {
  T share, inside, outside;

  GuardedRoot(double mode, double eps, double correction)
      : share(T(1 / correction)),
        inside(mode == kInside ? T(eps) : T(0)),
        outside(mode == kInside ? T(0) : T(mode == kHat ? eps / __builtin_sqrt(correction) : eps)) {}
  SIMDNN_INLINE T operator()(T v) const { return sqrt(fma(v, share, inside)) + outside; }
};

SIMDNN_LEVEL_END
