// What update rules share: powers, weight decay, the guarded square root, the flush of tiny state.
#pragma once

#include "../../base/descriptions.hpp"
#include "../../base/views.hpp"
#include "../../simd/level.hpp"

SIMDNN_LEVEL_BEGIN

/// The first hyper-parameters of every rule, in this order.
enum CommonHyper { kLr, kWeightDecay, kDecoupled, kCommonHypers };

/// base^n by squaring: the same bits wherever it runs, unlike a libm's pow. No branch asks for the bits of n, which
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

/// A moment below the smallest normal number becomes zero: subnormals would cost an assist at every step for ever.
template <class T>
SIMDNN_INLINE T flush(T x) {
  const auto exponent = to_bits(T(__builtin_inf()));
  return (to_bits(x) & exponent) != 0 ? x : T(0);
}

/// g, or zero where the square of |g| times `share` would be subnormal. In integers, for a compiler would compute the
/// square of both and choose, which costs as much: processors take many times as long for such a result.
template <class T>
struct Heard {
  typename Bits<T>::signed_type least;

  explicit Heard(double share) {
    constexpr double smallest = sizeof(T) == 4 ? 0x1p-126 : 0x1p-1022;
    least = to_bits(share > 0 ? T(__builtin_sqrt(smallest / share)) : T(0));
  }
  SIMDNN_INLINE T operator()(T g) const {
    const auto bits = typename Bits<T>::signed_type(to_bits(abs(g)));
    const auto below = (bits - least) >> (8 * sizeof(T) - 1);
    return from_bits<T>(to_bits(g) & ~typename Bits<T>::type(below));
  }
};

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
