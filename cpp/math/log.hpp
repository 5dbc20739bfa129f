// log and log1p of one scalar.
//
// x = 2^k m, m in [2/3, 4/3), f = m - 1, s = f / (2 + f): log m = f - s (f - s^2 tail(s^2)), from log m = 2 atanh s.
// Coefficients: minimax.py. Errors: ACCURACY.md.
#pragma once

#include "../simd/level.hpp"

SIMDNN_LEVEL_BEGIN

template <class T>
struct LogConstants;

template <>
struct LogConstants<float> {
  static constexpr int mantissa = 23;
  static constexpr float bias = 127;
  static constexpr float integer = 0x1p23f;  // integer + k holds k in its low bits
  static constexpr std::uint32_t two_thirds = 0x3f2aaaabu;
  static constexpr std::uint32_t unit = 0x3f800000u;
  static constexpr float smallest_normal = 0x1p-126f, lift = 24, lifted = 0x1p24f;
  static constexpr float ln2_high = 0x1.62e4p-1f;  // k ln2_high is exact
  static constexpr float ln2_low = 0x1.7f7d1cp-20f;
  static constexpr float infinity = __builtin_huge_valf(), nan = __builtin_nanf("");
};

template <>
struct LogConstants<double> {
  static constexpr int mantissa = 52;
  static constexpr double bias = 1023;
  static constexpr double integer = 0x1p52;
  static constexpr std::uint64_t two_thirds = 0x3fe5555555555555u;
  static constexpr std::uint64_t unit = 0x3ff0000000000000u;
  static constexpr double smallest_normal = 0x1p-1022, lift = 54, lifted = 0x1p54;
  static constexpr double ln2_high = 0x1.62e42fefa38p-1;
  static constexpr double ln2_low = 0x1.ef35793c7673p-45;
  static constexpr double infinity = __builtin_huge_val(), nan = __builtin_nan("");
};

/// tail(v) = (2 atanh(s) / s - 2) / s^2 with v = s^2.
SIMDNN_INLINE float log_tail(float v) { return fma(v, fma(v, 0x1.35a07ap-2f, 0x1.993e3ep-2f), 0x1.555592p-1f); }
SIMDNN_INLINE double log_tail(double v) {
  const double v2 = v * v;
  const double c12 = fma(v, 0x1.249249777bf76p-2, 0x1.9999999952f20p-2);
  const double c34 = fma(v, 0x1.747049918f651p-3, 0x1.c71c21eeeaac0p-3);
  const double c56 = fma(v, 0x1.387c024c59b40p-3, 0x1.38a51f5057f19p-3);
  return fma(v, fma(v2, fma(v2, c56, c34), c12), 0x1.55555555555bap-1);
}

/// Decomposition x = 2^k m of a positive normal x.
template <class T>
struct SplitPower {
  T k, m;
  typename Bits<T>::type shift;  ///< k shifted to the bits of the exponent
};

template <class T>
SIMDNN_INLINE SplitPower<T> split_power(T x) {
  using C = LogConstants<T>;
  using Word = typename Bits<T>::type;
  // Biased by 2^exponent bits, the difference stays positive and the shift logical.
  const Word above = to_bits(x) + (C::unit - C::two_thirds);
  const Word biased = above >> C::mantissa;
  const T k = from_bits<T>(to_bits(C::integer) | biased) - (C::integer + C::bias);
  const Word shift = (biased << C::mantissa) - C::unit;
  return {k, from_bits<T>(to_bits(x) - shift), shift};
}

/// k ln 2 + log(1 + f) + low for |f| <= 1/3 and low within a unit in the last place of f.
template <class T>
SIMDNN_INLINE T assemble_log(T k, T f, T low) {
  using C = LogConstants<T>;
  const T s = f / (2 + f);
  const T v = s * s;
  const T bend = fma(-v, log_tail(v), f);
  const T head = k * C::ln2_high;
  const T sum = head + f;
  const T error = (head - sum) + f;  // exact: k = 0 or |head| > |f|
  return sum + fma(-s, bend, fma(k, C::ln2_low, error + low));
}

/// y for 0 < x < inf, -inf at 0, NaN for x < 0 and NaN, inf at inf.
template <class T>
SIMDNN_INLINE T with_edges(T x, T y) {
  using C = LogConstants<T>;
  using Word = typename Bits<T>::type;
  const Word bits = to_bits(x);
  const Word below = Word(__builtin_bit_cast(typename Bits<T>::signed_type, x) >> (8 * sizeof(T) - 1));
  const T edge = x == 0 ? -C::infinity : from_bits<T>(bits | (below & to_bits(C::nan)));
  return bits - 1 < to_bits(C::infinity) - 1 ? y : edge;
}

/// Natural logarithm: log(+-0) = -inf, log(x < 0) = NaN. Max error 0.96 ULP (float), 1.05 (double).
template <class T>
SIMDNN_INLINE T log(T x) {
  using C = LogConstants<T>;
  const bool subnormal = x < C::smallest_normal;
  const auto p = split_power(subnormal ? x * C::lifted : x);
  return with_edges(x, assemble_log(p.k - (subnormal ? C::lift : T(0)), p.m - 1, T(0)));
}

/// log(1 + x), with the rounding of 1 + x carried along: log1p(-1) = -inf, log1p(x < -1) = NaN.
/// Max error 0.98 ULP (float), 1.1 (double).
template <class T>
SIMDNN_INLINE T log1p(T x) {
  const T u = 1 + x;
  const T back = u - 1;
  const T lost = (1 - (u - back)) + (x - back);
  const auto p = split_power(u);
  // lost / 2^k; it no longer matters where 2^-k is subnormal or 0.
  const auto power = typename Bits<T>::signed_type(to_bits(T(1)) - p.shift);
  const T scaled = lost * __builtin_bit_cast(T, power > 0 ? power : 0);
  const T f = (p.m - 1) + scaled;
  const T low = ((p.m - 1) - f) + scaled;
  return copysign(with_edges(u, assemble_log(p.k, f, fma(low, fma(f, f, -f), low))), x);
}

SIMDNN_LEVEL_END
