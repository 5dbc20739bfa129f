// tanh, the logistic function, their derivatives and x sigmoid(x).
//
// All but tanh itself follow from t = 1 / (1 + exp(a)), a >= 0: one exponential and one division, whose roundings are
// carried along to the last operation. Factors 2^lift keep t normal where the result is not. Errors: float against
// float64 libm over every 97th bit pattern, double against libquadmath over 1.5 million points; subnormal results
// within one quantum.
#pragma once

#include "exp.hpp"

SIMDNN_LEVEL_BEGIN

/// t = 1 / (1 + exp(a + low)) for 0 <= a <= limit; outside, whoever uses it replaces the result.
template <class T>
struct Logistic {
  ReducedExp<T> e;
  T scale;    ///< exp(a + low) = 2^lift scale (1 + e.p)
  Pair<T> d;  ///< 2^-lift (1 + exp(a + low))
  T r;        ///< -1 / d.value, negative so that no sum needs a negation
  T rest;     ///< 2^lift t = -r (1 + rest)
};

template <class T>
SIMDNN_INLINE Logistic<T> logistic(ReducedExp<T> e) {
  using C = ExpConstants<T>;
  const T scale = from_bits<T>(e.power << C::mantissa);
  const T base = scale + C::unlift;
  const Pair<T> d = scale_and_add(scale, e, base);
  const T d_error = d.error + (C::unlift - (base - scale));
  const T r = T(-1) / d.value;
  return {e, scale, {d.value, d_error}, r, fma(r, d_error, fma(r, d.value, T(1)))};
}
template <class T>
SIMDNN_INLINE Logistic<T> logistic(T a, T low) {
  return logistic(reduce_exp<false>(a, low, ExpConstants<T>::bias - ExpConstants<T>::lift));
}

/// 1 - t and what its rounding lost.
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

/// The lesser of a >= 0 and most > 0, and `most` for NaN: as integers, which vector units compare faster.
template <class T>
SIMDNN_INLINE T clamp_size(T a, T most) {
  const auto bits = to_bits(a), limit = to_bits(most);
  return from_bits<T>(bits < limit ? bits : limit);
}

/// 1 - 2 / (1 + exp(2|x|)), whose last operation hides the roundings before it; below |x| = 5/8 an odd polynomial.
/// Its exponential is its own: it needs no more than the leading part of ln 2. Max error 1.2 ULP (float), 1.3 (double).
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

/// tanh'(x) = 4 t (1 - t), a = 2|x|. Max error 0.9 ULP (float, double).
template <class T>
SIMDNN_INLINE T sech_squared(T x) {
  using C = ExpConstants<T>;
  const T a = abs(x) + abs(x);
  const Logistic<T> s = logistic(a, T(0));
  const T y = abs(times_tail(s, complement(s)));
  return (a > C::limit ? T(0) : y) * (4 * C::unlift);
}

/// sigmoid(-|x|) = t. Max error 0.9 ULP (float, double).
template <class T>
SIMDNN_INLINE T sigmoid(T x) {
  using C = ExpConstants<T>;
  const Logistic<T> s = logistic(abs(x), T(0));
  const T y = abs(fma(s.r, s.rest, s.r)) * C::unlift;
  const T t = abs(x) > C::limit ? T(0) : y;
  return x < 0 ? t : 1 - t;
}

/// sigmoid'(x) = t (1 - t), both to more than working precision: f (1 - f) would lose every digit where f rounds to 1.
/// Max error 0.9 ULP (float, double).
template <class T>
SIMDNN_INLINE T sigmoid_derivative(T x) {
  using C = ExpConstants<T>;
  const Logistic<T> s = logistic(abs(x), T(0));
  const T y = abs(times_tail(s, complement(s)));
  return (abs(x) > C::limit ? T(0) : y) * C::unlift;
}

/// x sigmoid(x) = relu(x) - |x| t. Max error 0.95 ULP (float, double).
template <class T>
SIMDNN_INLINE T gate(T x) {
  using C = ExpConstants<T>;
  const Logistic<T> s = logistic(abs(x), T(0));
  const T part = fma(abs(x), s.r, abs(x) * (s.r * s.rest)) * -C::unlift;
  return (x < 0 ? T(-0.0) : x) - (abs(x) > C::limit ? T(0) : part);
}

/// z = beta x, 0 for beta = 0 even if x is infinite, and the rounding error of |z|.
template <class T>
struct Scaled {
  T value, low;
};

template <class T>
SIMDNN_INLINE Scaled<T> scale(T beta, T x) {
  const T z = ((beta == 0) & (x == x)) ? T(0) : beta * x;
  const bool exact = (abs(z) > ExpConstants<T>::limit) | (beta == 0);
  return {z, exact ? T(0) : fma(abs(beta), abs(x), -abs(z))};
}

/// x sigmoid(beta x) = x t or x - x t; with beta = 1 the bits of gate(x). Max error 1.1 ULP (float), 1.0 (double).
template <class T>
SIMDNN_INLINE T scaled_gate(T x, T beta) {
  using C = ExpConstants<T>;
  const Scaled<T> z = scale(beta, x);
  const Logistic<T> s = logistic(abs(z.value), z.low);
  const bool huge = abs(x) > C::limit;  // would overflow before the lift is taken back
  const T from = huge ? x * C::unlift : x;
  const T product = fma(from, s.r, from * (s.r * s.rest)) * (huge ? T(-1) : -C::unlift);
  const T finite = abs(x) < C::infinity ? product : x;
  const T part = abs(z.value) > C::limit ? T(0) : finite;
  return copysign(z.value > 0 ? x - part : part, x);
}

/// t (1 - slope (1 - t)): the derivative of a gate at -a, where slope = a d/da (a + low).
template <class T>
SIMDNN_INLINE T gate_slope(Logistic<T> s, Pair<T> slope) {
  const Pair<T> c = complement(s);
  const Pair<T> minus = {fma(slope.value, c.value, T(-1)), fma(slope.value, c.error, slope.error)};
  return times_tail(s, minus) * ExpConstants<T>::unlift;
}

/// d/dz (z sigmoid(z)) is g = t (1 - |z| (1 - t)) for z <= 0 and 1 - g above.
/// Max error 1.7 ULP (float, double); within 0.25 of its root z = -1.2785, 1.2e-8 absolute (float).
template <class T>
SIMDNN_INLINE T gate_derivative(T z, T low) {
  const T slope = gate_slope(logistic(abs(z), low), {abs(z), low});
  const T g = abs(z) > ExpConstants<T>::limit ? T(0) : slope;
  return z <= 0 ? g : 1 - g;
}

SIMDNN_LEVEL_END
