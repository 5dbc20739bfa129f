// elu, selu, celu and their derivatives: linear above 0, a multiple of exp(x) - 1 or exp(x) below.
//
// Errors: ACCURACY.md.
#pragma once

#include "exp.hpp"

SIMDNN_LEVEL_BEGIN

/// x if it is in [least, -0.0], else `least`, also for NaN. Integers are compared, which is faster in vector units.
template <class T>
SIMDNN_INLINE T clamp_fall(T x, T least) {
  using Signed = typename Bits<T>::signed_type;
  const auto bits = __builtin_bit_cast(Signed, x), limit = __builtin_bit_cast(Signed, least);
  return __builtin_bit_cast(T, bits < limit ? bits : limit);
}

/// exp(x + low) - 1 for smallest_expm1 <= x <= 0; callers replace the result outside that range.
template <class T>
SIMDNN_INLINE Pair<T> falling_expm1(T x, T low) {
  using C = ExpConstants<T>;
  const auto e = reduce_exp(x, low, C::bias);
  return scale_and_subtract(from_bits<T>(e.power << C::mantissa), e, T(1));
}

/// 2^lift exp(x + low) for -limit <= x <= 0; callers replace the result outside that range.
template <class T>
SIMDNN_INLINE Pair<T> lifted_exp(T x, T low) {
  const ExpNegative<T> decayed = exp_negative(x, low);
  return scale_and_add(decayed.lifted, decayed.e, decayed.lifted);
}

/// x for x > 0, else alpha (exp(x) - 1). Max error 0.9 ULP (float, double).
template <class T>
SIMDNN_INLINE T elu(T x, T alpha) {
  const Pair<T> m = falling_expm1(clamp_fall(x, ExpConstants<T>::smallest_expm1), T(0));
  const T curve = fma(alpha, m.value, alpha * m.error);
  return x < 0 ? curve : x;
}

/// 1 for x > 0, else alpha exp(x). Max error 0.9 ULP (float, double).
template <class T>
SIMDNN_INLINE T elu_derivative(T x, T alpha) {
  using C = ExpConstants<T>;
  const Pair<T> e = lifted_exp(x, T(0));
  const T curve = fma(alpha, e.value, alpha * e.error) * C::unlift;
  const T bounded = x < -C::limit ? T(0) : curve;
  return x > 0 ? T(1) : bounded;
}

/// Constants of selu: lambda - 1, so that lambda x = x + (lambda - 1) x rounds once; lambda alpha and its error.
template <class T>
struct SeluConstants;
template <>
struct SeluConstants<float> {
  static constexpr float lambda = 0x1.0cfabep+0f, lambda_minus_1 = 0x1.9f57aep-5f;
  static constexpr float lambda_alpha = 0x1.c212ccp+0f, lambda_alpha_low = 0x1.903c0cp-26f;
};
template <>
struct SeluConstants<double> {
  static constexpr double lambda = 0x1.0cfabd6a91132p+0, lambda_minus_1 = 0x1.9f57ad5222646p-5;
  static constexpr double lambda_alpha = 0x1.c212cc640f031p+0, lambda_alpha_low = 0x1.05161b045a1f1p-56;
};

/// lambda x for x > 0, else lambda alpha (exp(x) - 1). Max error 0.9 ULP (float, double).
template <class T>
SIMDNN_INLINE T selu(T x) {
  using S = SeluConstants<T>;
  const Pair<T> m = falling_expm1(clamp_fall(x, ExpConstants<T>::smallest_expm1), T(0));
  const T curve = fma(S::lambda_alpha, m.value, fma(S::lambda_alpha_low, m.value, S::lambda_alpha * m.error));
  return x < 0 ? curve : fma(S::lambda_minus_1, x, x);
}

/// lambda for x > 0, else lambda alpha exp(x). Max error 0.9 ULP (float, double).
template <class T>
SIMDNN_INLINE T selu_derivative(T x) {
  using C = ExpConstants<T>;
  using S = SeluConstants<T>;
  const Pair<T> e = lifted_exp(x < -C::limit ? -C::limit : x, T(0));
  const T low = fma(S::lambda_alpha_low, e.value, S::lambda_alpha * e.error);
  const T curve = fma(S::lambda_alpha, e.value, low) * C::unlift;
  return x > 0 ? S::lambda : curve;
}

/// max(x / alpha, -least) and its rounding error; alpha > 0 is normal and least alpha finite. A loop with one alpha
/// divides only once.
template <class T>
SIMDNN_INLINE Pair<T> quotient(T x, T alpha, T least) {
  const T largest = from_bits<T>(to_bits(ExpConstants<T>::infinity) - 1);
  const T per_alpha = 1 / alpha;
  const T edge = least * alpha < largest ? least * alpha : largest;
  const T bounded = x < -edge ? -edge : x;
  const T z = bounded * per_alpha;
  return {z, fma(-z, alpha, bounded) * per_alpha};
}

/// x for x > 0, else alpha (exp(x / alpha) - 1). Max error 1.1 ULP (float, double).
template <class T>
SIMDNN_INLINE T celu(T x, T alpha) {
  using C = ExpConstants<T>;
  const Pair<T> z = quotient(x, alpha, -C::smallest_expm1);
  const Pair<T> m = falling_expm1(z.value, z.error);
  const T curve = fma(alpha, m.value, alpha * m.error);
  return z.value >= -C::linear ? x : curve;  // z may be subnormal, x is not
}

/// 1 for x >= 0, else exp(x / alpha). Max error 0.9 ULP (float, double).
template <class T>
SIMDNN_INLINE T celu_derivative(T x, T alpha) {
  using C = ExpConstants<T>;
  const Pair<T> z = quotient(x, alpha, C::limit);
  const ExpNegative<T> decayed = exp_negative(z.value, z.error);
  const T curve = fma(decayed.lifted, decayed.e.p, decayed.lifted) * C::unlift;
  return x >= 0 ? T(1) : curve;
}

SIMDNN_LEVEL_END
