// What update rules share: powers, weight decay, the guarded square root, the flush of tiny state.
#pragma once

#include "../../math/level.hpp"
#include "../description.hpp"
#include "../spans.hpp"

SIMDNN_LEVEL_BEGIN

constexpr double kUnbounded = __builtin_inf();

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
SIMDNN_INLINE float flush(float x) { return abs(x) < __FLT_MIN__ ? 0.0f : x; }
SIMDNN_INLINE double flush(double x) { return abs(x) < __DBL_MIN__ ? 0.0 : x; }

/// 1, -1, 0, or NaN.
template <class T>
SIMDNN_INLINE T sign(T x) {
  return x > 0 ? T(1) : (x < 0 ? T(-1) : x);
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
  T inner, inside, outer, outside;

  GuardedRoot(double mode, double eps, double correction) {
    const double shrink = 1 / __builtin_sqrt(correction);
    inner = mode == kInside ? T(1 / correction) : T(1);
    inside = mode == kInside ? T(eps) : T(0);
    outer = mode == kInside ? T(1) : T(shrink);
    outside = mode == kInside ? T(0) : (mode == kHat ? T(eps * shrink) : T(eps));
  }
  SIMDNN_INLINE T operator()(T v) const { return fma(sqrt(fma(v, inner, inside)), outer, outside); }
};

SIMDNN_LEVEL_END
