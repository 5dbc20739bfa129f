// tanh, the logistic function, and their derivatives.
//
// All but tanh itself follow from t = 1 / (1 + exp(a)), a >= 0: one exponential and one division. Factors 2^lift keep
// intermediates normal where the result is subnormal. logistic() carries every rounding error along, reduce_range()
// those that the division needs. Errors: ACCURACY.md.
#pragma once

#include "exp.hpp"

SIMDNN_LEVEL_BEGIN

/// t = 1 / (1 + exp(a + low)) for 0 <= a <= limit; callers replace the result outside that range.
template <class T>
struct Logistic {
  T r;     ///< -2^lift t, rounded; negative so that no sum needs a negation
  T rest;  ///< 2^lift t = -r (1 + rest)
};

template <class T>
SIMDNN_INLINE Logistic<T> logistic(ReducedExp<T> e) {
  using C = ExpConstants<T>;
  const T scale = from_bits<T>(e.power << C::mantissa);
  const T base = scale + C::unlift;
  const Pair<T> d = scale_and_add(scale, e, base);
  const T d_error = d.error + (C::unlift - (base - scale));
  const T r = T(-1) / d.value;
  return {r, fma(r, d_error, fma(r, d.value, T(1)))};
}
template <class T>
SIMDNN_INLINE Logistic<T> logistic(T a, T low) {
  return logistic(reduce_exp<false>(a, low, ExpConstants<T>::bias - ExpConstants<T>::lift));
}

/// 1 - t and its rounding error.
template <class T>
SIMDNN_INLINE Pair<T> complement(Logistic<T> s) {
  const T minus_t = s.r * ExpConstants<T>::unlift;
  const T value = 1 + minus_t;
  return {value, fma(minus_t, s.rest, (1 - value) + minus_t)};
}

/// -2^lift t factor.
template <class T>
SIMDNN_INLINE T times_tail(Logistic<T> s, Pair<T> factor) {
  return fma(s.r, factor.value, s.r * fma(s.rest, factor.value, factor.error));
}

/// (tanh(x) / x - 1) / x^2 with v = x^2, |x| <= 5/8.
SIMDNN_INLINE float tanh_tail(float v) {
  const float high = fma(v, fma(v, -0x1.79a0bep-8f, 0x1.531570p-6f), -0x1.b86600p-5f);
  return fma(v, fma(v, high, 0x1.11089ep-3f), -0x1.55553cp-2f);
}
SIMDNN_INLINE double tanh_tail(double v) {
  const double v2 = v * v, v4 = v2 * v2;
  const double c01 = fma(v, 0x1.11111111110f8p-3, -0x1.5555555555555p-2);
  const double c23 = fma(v, 0x1.664f4881f8e4ep-6, -0x1.ba1ba1ba1948ep-5);
  const double c45 = fma(v, 0x1.d6d3c83f5334cp-9, -0x1.226e35393546cp-7);
  const double c67 = fma(v, 0x1.354f19f8148d2p-11, -0x1.7da2ba0327b10p-10);
  const double c89 = fma(v, 0x1.91f85bddd68e0p-14, -0x1.f4d10f7bf35dcp-13);
  const double cab = fma(v, 0x1.8f894cb567169p-17, -0x1.34516d88d073fp-15);
  const double high = fma(v4, fma(v4, -0x1.36c137ea98b77p-19, fma(v2, cab, c89)), fma(v2, c67, c45));
  return fma(v4, high, fma(v2, c23, c01));
}

/// min(a, most) for a >= 0 and most > 0; `most` for NaN. Integers are compared, which is faster in vector units.
template <class T>
SIMDNN_INLINE T clamp_size(T a, T most) {
  const auto bits = to_bits(a), limit = to_bits(most);
  return from_bits<T>(bits < limit ? bits : limit);
}

template <class T>
struct RangeReductionConstants;

template <>
struct RangeReductionConstants<float> {
  static constexpr float limit = 110;      // limit exp(-limit) rounds to 0
  static constexpr float tiny_limit = 60;  // exp(-tiny_limit) is normal, 60 times that a tiny gradient
  static constexpr float lift = 40, unlift = 0x1p-40f;
  static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;              // n ln2_high is exact
  static constexpr float square_limit = 125, square_lift = 60, square_unlift = 0x1p-60f;  // for the square of t
  static constexpr float least_scale = 0x1p-80f, most_scale = 0x1p126f, least_limit = 85;
};

template <>
struct RangeReductionConstants<double> {
  static constexpr double limit = 765, tiny_limit = 400;
  static constexpr double lift = 100, unlift = 0x1p-100;
  static constexpr double ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45;
  static constexpr double square_limit = 800, square_lift = 300, square_unlift = 0x1p-300;
  static constexpr double least_scale = 0x1p-800, most_scale = 0x1p1022, least_limit = 700;
};

/// Returns a, or `most` if a is between it and `end`, the infinity of its sign; a NaN stays. Integers counted from that
/// infinity are compared: NaN come first, then numbers of the other sign, then those of this sign by their magnitude.
template <class T>
SIMDNN_INLINE T bound_size(T a, T most, T end = ExpConstants<T>::infinity) {
  const auto above = to_bits(end) + 1;
  const auto bits = to_bits(a) - above, limit = to_bits(most) - above;
  return from_bits<T>((bits < limit ? bits : limit) + above);
}

/// 2^lift / (1 + exp(a)) = s / d: s = 2^(n + lift), d = 2^n + exp(a + n ln 2), n = -round(a / ln 2).
template <class T>
struct RangeReduction {
  T s, d;
  T lost;  ///< rounding error of d
};

/// Reduces a = scale * size in [0, limit]; with scale 1 all products are exact.
template <class T>
SIMDNN_INLINE RangeReduction<T> reduce_range(T size, T scale = T(1), T lift = RangeReductionConstants<T>::lift,
                                             T unlift = RangeReductionConstants<T>::unlift) {
  using C = ExpConstants<T>;
  using F = RangeReductionConstants<T>;
  const T magic = C::round + (C::bias + lift);
  const T shifted = fma(size, -C::per_ln2 * scale, magic);
  const T n = shifted - magic;
  const T high = fma(size, scale, n * F::ln2_high);
  const T r = fma(n, F::ln2_low, high);
  const T r2 = r * r;
  const T p = fma(r2, short_exp_tail(r, r2), r);
  const T s = from_bits<T>(to_bits(shifted) << C::mantissa);
  const T more = fma(s, unlift, p);
  const T d = 1 + more;
  return {s, d, (1 - d) + more};
}

/// numerator / d with the rounding error of d corrected; (3 - d) / 2 approximates 1 / d within 30 %.
template <class T>
SIMDNN_INLINE T over(T numerator, RangeReduction<T> f) {
  const T q = numerator / f.d;
  const T rest = fma(-q, f.lost, fma(-q, f.d, numerator));
  return fma(rest, fma(f.d, T(-0.5), T(1.5)), q);
}

/// x with its sign flipped if `by` is negative.
template <class T>
SIMDNN_INLINE T flipped(T x, T by) {
  return from_bits<T>(to_bits(x) ^ (to_bits(by) & to_bits(T(-0.0))));
}

/// 1 for x >= 0, 0 for x < 0 and -0.0.
template <class T>
SIMDNN_INLINE T step(T x) {
  const auto sign = to_bits(x) >> (8 * sizeof(T) - 1);
  return from_bits<T>((sign - 1) & to_bits(T(1)));
}

/// 1 - 2 / (1 + exp(2|x|)), whose last operation hides the roundings before it; below |x| = 5/8 an odd polynomial.
/// The range reduction needs only the leading part of ln 2. Max error 1.2 ULP (float), 1.3 (double).
template <class T>
SIMDNN_INLINE T tanh(T x) {
  using C = ExpConstants<T>;
  const T a = abs(x) + abs(x);
  const T bounded = clamp_size(a, C::saturated);
  const T shifted = fma(bounded, C::per_ln2, C::round + C::bias);
  const T r = fma(shifted - (C::round + C::bias), -C::ln2_high, bounded);
  const T scale = from_bits<T>(to_bits(shifted) << C::mantissa);
  const T r2 = r * r;
  const T far = fma(T(-2), 1 / fma(scale, fma(r2, short_exp_tail(r, r2), r), scale + 1), T(1));
  const T v = x * x;
  const T near = fma(x * v, tanh_tail(v), x);
  return copysign(a >= T(1.25) ? far : near, x);  // NaN takes the polynomial
}

/// tanh'(x) = 4 t (1 - t), a = 2|x|, at most `limit`. Max error 2.6 ULP (float, double).
template <class T>
SIMDNN_INLINE T sech_squared(T x, T limit = RangeReductionConstants<T>::limit) {
  using F = RangeReductionConstants<T>;
  const RangeReduction<T> f = reduce_range(bound_size(abs(x) + abs(x), limit));
  const T y = f.s / (f.d * (T(0.25) / F::unlift));
  return y * fma(y, T(-0.25), T(1));
}

/// sigmoid(-|x|) = t. Max error 0.91 ULP (float, double).
template <class T>
SIMDNN_INLINE T sigmoid(T x) {
  using C = ExpConstants<T>;
  const Logistic<T> s = logistic(abs(x), T(0));
  const T y = abs(fma(s.r, s.rest, s.r)) * C::unlift;
  const T t = abs(x) > C::limit ? T(0) : y;
  return x < 0 ? t : 1 - t;
}

/// sigmoid'(x) = t (1 - t): f (1 - f) would lose every digit where f rounds to 1. Max error 2.6 ULP (float, double).
template <class T>
SIMDNN_INLINE T sigmoid_derivative(T x, T limit = RangeReductionConstants<T>::limit) {
  using F = RangeReductionConstants<T>;
  const RangeReduction<T> f = reduce_range(bound_size(abs(x), limit));
  const T t = f.s / (f.d * (1 / F::unlift));
  return t * (1 - t);
}

SIMDNN_LEVEL_END
