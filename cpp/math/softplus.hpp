// softplus, mish, softsign and their derivatives.
//
// Each takes one exponential and at most one division, whose rounding errors are carried along where the bounds need
// it. Coefficients: minimax.py. Errors: ACCURACY.md.
#pragma once

#include "elu.hpp"

SIMDNN_LEVEL_BEGIN

/// log(1 + e) - e + rest for 0 <= e <= 1, half = -e / 2. The high degree saves a division; the order of the sums keeps
/// rounding errors near e = 1 small.
SIMDNN_INLINE float log1p_bend(float e, float half, float rest) {
  const float e2 = e * e;
  const float c23 = fma(e, 0x1.981e2cp-3f, -0x1.ffddd6p-3f);
  const float c45 = fma(e, 0x1.03ec26p-3f, -0x1.4c7660p-3f);
  const float c67 = fma(e, 0x1.6c13aep-5f, -0x1.609dccp-4f);
  const float c89 = fma(e, 0x1.2c2d2ap-9f, -0x1.e358a4p-7f);
  const float c29 = fma(e2, fma(e2, fma(e2, c89, c67), c45), c23);
  return fma(e, fma(e2, 0x1.5554bap-2f, half), fma(e2 * e2, c29, rest));
}
SIMDNN_INLINE double log1p_bend(double e, double half, double rest) {
  const double e2 = e * e, e4 = e2 * e2;
  const double c23 = fma(e, 0x1.9999998f8c50ep-3, -0x1.ffffffffc71abp-3);
  const double c45 = fma(e, 0x1.2492395c3ea2cp-3, -0x1.555554590728bp-3);
  const double c67 = fma(e, 0x1.c711784644ec7p-4, -0x1.fffea2cfeb74bp-4);
  const double c89 = fma(e, 0x1.7324b39e4a43bp-4, -0x1.99570993dd6ffp-4);
  const double cab = fma(e, 0x1.2da698dbd0150p-4, -0x1.50d02308a3533p-4);
  const double ccd = fma(e, 0x1.a178ff5ce997dp-5, -0x1.042b5f0e05705p-4);
  const double cef = fma(e, 0x1.6dff7b01182e7p-6, -0x1.2b0684704a67cp-5);
  const double cgh = fma(e, 0x1.19e074cc0067ep-8, -0x1.6d598f1493196p-7);
  const double cij = fma(e, 0x1.b875f2c2fe025p-13, -0x1.38891d82b3bbap-10);
  const double cgk = fma(e4, -0x1.27168384eaf68p-16, fma(e2, cij, cgh));
  const double cck = fma(e4, cgk, fma(e2, cef, ccd));
  const double c8k = fma(e4, cck, fma(e2, cab, c89));
  const double c4k = fma(e4, c8k, fma(e2, c67, c45));
  return fma(e, fma(e2, 0x1.5555555555147p-2, half), fma(e4, fma(e2, c4k, c23), rest));
}

/// Variant of exp_negative() that is too inaccurate for exp(x) - 1.
template <class T>
SIMDNN_INLINE ExpNegative<T> short_exp_negative(T x) {
  using C = ExpConstants<T>;
  const auto e = reduce_exp<false>(x, T(0), C::bias + C::lift);
  const T lifted = from_bits<T>(e.power << C::mantissa);
  return {e, lifted * C::unlift, lifted};
}

/// exp(-|x|) and its rounding error; NaN for NaN.
template <class T>
SIMDNN_INLINE Pair<T> fading_exp(T x) {
  using C = ExpConstants<T>;
  const ExpNegative<T> decayed = short_exp_negative(-(abs(x) > C::limit ? C::limit : abs(x)));
  return scale_and_add(decayed.scale, decayed.e, decayed.scale);
}

/// e + rise + bend; in double, where bend has more roundings, the rounding error of a sum near 1 is included.
SIMDNN_INLINE float softplus_sum(float e, float rise, float half, float rest) {
  return e + (rise + log1p_bend(e, half, rest));
}
SIMDNN_INLINE double softplus_sum(double e, double rise, double half, double rest) {
  const double sum = e + rise;
  const double large = rise > e ? rise : e, small = rise > e ? e : rise;
  const double lost = sum > 64 ? 0 : small - (sum - large);  // avoids inf - inf
  return sum + log1p_bend(e, half, rest + lost);
}

/// log(1 + exp(x)) = max(x, 0) + log(1 + e), e = exp(-|x|). Max error 1.5 ULP (float, double).
template <class T>
SIMDNN_INLINE T softplus(T x) {
  const Pair<T> e = fading_exp(x);
  const T half = T(-0.5) * e.value;  // 1 + half stands in for d log(1 + e) / de
  return softplus_sum(e.value, x < 0 ? T(0) : x, half, fma(half, e.error, e.error));
}

template <class T>
struct MishConstants;
template <>
struct MishConstants<float> {
  static constexpr float smallest = -110;  // mish and its derivative are 0 below
  static constexpr float largest = 11;     // mish is x and its derivative 1 above; 2^lift exp(2 largest) is finite
};
template <>
struct MishConstants<double> {
  static constexpr double smallest = -760;
  static constexpr double largest = 22;
};

/// tanh(softplus(x)) = n / d, n = w (w + 2), d = n + 2, w = exp(x).
template <class T>
struct MishParts {
  T x;         ///< bounded below by `smallest`
  T w;         ///< exp(x), rounded
  Pair<T> up;  ///< 2^lift w
  Pair<T> n;   ///< 2^lift n
  Pair<T> d;
  T r;  ///< 1 / d.value
};

template <class T>
SIMDNN_INLINE MishParts<T> mish_parts(T x) {
  using C = ExpConstants<T>;
  using M = MishConstants<T>;
  const T bounded = x < M::smallest ? M::smallest : x;
  const ExpNegative<T> decayed = short_exp_negative(bounded);
  const T lifted = fma(decayed.lifted, decayed.e.p, decayed.lifted);
  const T gap = fma(decayed.lifted, decayed.e.high, decayed.lifted - lifted);
  const Pair<T> up = {lifted, fma(decayed.lifted, decayed.e.tail, gap)};
  const T w = up.value * C::unlift;
  const T twice = up.value + up.value;
  const T n = fma(up.value, w, twice);
  const T n_error = fma(up.error, fma(T(2), w, T(2)), fma(up.value, w, twice - n));
  const T d = fma(n, C::unlift, T(2));
  const T d_error = fma(n_error, C::unlift, fma(n, C::unlift, 2 - d));
  return {bounded, w, up, {n, n_error}, {d, d_error}, 1 / d};
}

/// x tanh(softplus(x)). Max error 0.75 ULP (float, double).
template <class T>
SIMDNN_INLINE T mish(T x) {
  const MishParts<T> m = mish_parts(x);
  const T q = m.n.value * m.r;
  const T rest = (fma(-q, m.d.value, m.n.value) + fma(-q, m.d.error, m.n.error)) * m.r;
  const T y = copysign(fma(m.x, q, m.x * rest) * ExpConstants<T>::unlift, x);
  return x > MishConstants<T>::largest ? x : y;
}

/// For x > 0, 1 - 2 (d - 2 x w (1 + w)) / d^2; else w p / d^2, where p = 4 (1 + x) + w (6 + 4 x + 4 w + w^2) does not
/// cancel around its root -1.1924. Max error 2.5 ULP (float, double); within 20 % of the root 1e-8 absolute (float).
template <class T>
SIMDNN_INLINE T mish_derivative(T x) {
  using C = ExpConstants<T>;
  const MishParts<T> m = mish_parts(x);
  const T deficit = fma(m.x + m.x, fma(m.w, m.w, m.w), -m.d.value) * m.r;
  const T right = fma(deficit + deficit, m.r, T(1));
  const T base = fma(T(4), m.x, T(4));
  const T inner = fma(m.w, m.w + 4, fma(T(4), m.x, T(6)));
  const T slope = fma(m.w, m.w + 4, inner) * C::unlift;  // nearly dp/dw
  const T p = fma(m.w, inner, base);
  const T inner_error = fma(m.w, m.w + 4, fma(T(4), m.x, T(6)) - inner);
  const T p_error = fma(m.w, inner_error, fma(slope, m.up.error, fma(m.w, inner, base - p)));
  const T q = p * m.r;
  const T q_error = fma(p_error, m.r, fma(p, m.r, -q));
  const T rest = fma(-m.r, m.d.error, fma(-m.r, m.d.value, T(1)));
  const T first = fma(m.r, m.up.value, m.r * fma(rest + rest, m.up.value, m.up.error));
  const T left = fma(first, q * C::unlift, first * q_error * C::unlift);  // a subnormal rounds once
  const T curve = x > 0 ? right : left;
  return x > MishConstants<T>::largest ? T(1) : curve;
}

/// x / (1 + |x|), which tends to +-1. Max error 1.5 ULP (float, double).
template <class T>
SIMDNN_INLINE T softsign(T x) {
  const T a = abs(x);
  const T q = a / (1 + a);
  return copysign(a > 1 / ExpConstants<T>::linear ? T(1) : q, x);
}

/// 1 / (1 + |x|)^2, with the rounding of 1 + |x| carried along: the square would double it. Max error 2 ULP.
template <class T>
SIMDNN_INLINE T softsign_derivative(T x) {
  constexpr T most = 1 / ExpConstants<T>::unlift;  // the derivative is 0 above
  const T a = abs(x) > most ? most : abs(x);
  const T d = 1 + a;
  const T back = d - 1;
  const T lost = (1 - (d - back)) + (a - back);
  const T r = 1 / d;
  const T root = fma(r, fma(-r, lost, fma(-r, d, T(1))), r);
  return root * root;
}

SIMDNN_LEVEL_END
