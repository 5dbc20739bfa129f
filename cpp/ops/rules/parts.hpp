// Parts of update rules: powers, weight decay, the square root with eps, flushing of tiny state.
#pragma once

#include "../../base/descriptions.hpp"
#include "../../base/views.hpp"
#include "../../simd/level.hpp"

SIMDNN_LEVEL_BEGIN

/// The first hyper-parameters of every rule, in this order.
enum CommonHyper { kLr, kWeightDecay, kDecoupled, kCommonHypers };

/// base^n by squaring, with equal bits on every machine, unlike a libm's pow. No branch depends on the bits of n, which
/// change from step to step.
inline double power(double base, std::int64_t n) {
  const std::uint64_t one = to_bits(1.0);
  double result = 1;
  for (; n > 0; n /= 2, base *= base) {
    const std::uint64_t odd = -std::uint64_t(n % 2);
    result *= from_bits<double>((to_bits(base) & odd) | (one & ~odd));
  }
  return result;
}

/// Flushes a moment below the smallest normal number to zero, because arithmetic on subnormals is slow at every step.
template <class T>
SIMDNN_INLINE T flush(T x) {
  const auto exponent = to_bits(T(__builtin_inf()));
  return (to_bits(x) & exponent) != 0 ? x : T(0);
}

/// Flushes g to zero if scale g^2 would be subnormal, because subnormal arithmetic is slow. Bits are compared, because
/// compilers evaluate both sides of a floating-point select.
template <class T>
struct FlushTinyGradient {
  typename Bits<T>::signed_type least;

  explicit FlushTinyGradient(double scale) {
    constexpr double smallest = sizeof(T) == 4 ? 0x1p-126 : 0x1p-1022;
    least = to_bits(scale > 0 ? T(__builtin_sqrt(smallest / scale)) : T(0));
  }
  SIMDNN_INLINE T operator()(T g) const {
    const auto bits = typename Bits<T>::signed_type(to_bits(abs(g)));
    const auto below = (bits - least) >> (8 * sizeof(T) - 1);
    return from_bits<T>(to_bits(g) & ~typename Bits<T>::type(below));
  }
};

/// Weight decay as a term of the gradient (an L2 penalty), or decoupled: p shrinks by lr weight_decay (Loshchilov &
/// Hutter 2019).
template <class T>
struct WeightDecay {
  T penalty, keep;

  explicit WeightDecay(const double* h)
      : penalty(h[kDecoupled] != 0 ? T(0) : T(h[kWeightDecay])),
        keep(h[kDecoupled] != 0 ? T(1 - h[kLr] * h[kWeightDecay]) : T(1)) {}
  SIMDNN_INLINE T gradient(T p, T g) const { return fma(penalty, p, g); }
  SIMDNN_INLINE T kept(T p) const { return keep * p; }
};

/// Position of eps relative to the root of the corrected second moment v / c.
enum EpsMode {
  kOutside,  ///< sqrt(v / c) + eps: PyTorch
  kInside,   ///< sqrt(v / c + eps): Keras' RMSprop and Adagrad
  kHat,      ///< (sqrt(v) + eps) / sqrt(c): Kingma & Ba 2015, end of section 2; Keras' Adam
};

/// Denominator of an update: sqrt(v / correction) with eps in any of the three positions, without a branch in the loop.
template <class T>
struct GuardedRoot {
  T scale, inside, outside;

  GuardedRoot(double mode, double eps, double correction)
      : scale(T(1 / correction)),
        inside(mode == double(kInside) ? T(eps) : T(0)),
        outside(mode == double(kInside) ? T(0) : T(mode == double(kHat) ? eps / __builtin_sqrt(correction) : eps)) {}
  SIMDNN_INLINE T operator()(T v) const { return sqrt(fma(v, scale, inside)) + outside; }
};

SIMDNN_LEVEL_END
