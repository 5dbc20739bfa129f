// exp and expm1 of one scalar, and their parts that tanh, the logistic function and elu share.
//
// exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2, exp(r) = 1 + r + r^2 tail(r). Coefficients: minimax.py.
// Errors: ACCURACY.md; a bound holds where the result is normal.
#pragma once

#include "../simd/level.hpp"

SIMDNN_LEVEL_BEGIN

template <class T>
struct ExpConstants;

template <>
struct ExpConstants<float> {
  static constexpr int mantissa = 23;
  static constexpr float bias = 127;
  static constexpr float round = 0x1.8p23f;  // x + round holds the nearest integer to x in its low bits
  static constexpr float per_ln2 = 0x1.715476p+0f;
  static constexpr float ln2_high = 0x1.62e43p-1f;  // x - n ln2_high is exact
  static constexpr float ln2_low = -0x1.05c61p-29f;
  static constexpr float largest = 104.5f;      // exp(largest) is inf, exp(-largest) is 0
  static constexpr float overflow = 89;         // expm1 is inf above
  static constexpr float smallest_expm1 = -18;  // expm1 is -1 below
  static constexpr float linear = 0x1p-30f;     // expm1(x) rounds to x for smaller |x|
  static constexpr float saturated = 40;        // 1 - 2 / (1 + exp(saturated)) rounds to 1
  static constexpr float lift = 96, unlift = 0x1p-96f;
  static constexpr float limit = 153;  // 2^-lift exp(limit) and its reciprocal are still normal
  static constexpr float infinity = __builtin_huge_valf();
};

template <>
struct ExpConstants<double> {
  static constexpr int mantissa = 52;
  static constexpr double bias = 1023;
  static constexpr double round = 0x1.8p52;
  static constexpr double per_ln2 = 0x1.71547652b82fep+0;
  static constexpr double ln2_high = 0x1.62e42fefa39efp-1;
  static constexpr double ln2_low = 0x1.abc9e3b39803fp-56;
  static constexpr double largest = 746;
  static constexpr double overflow = 710;
  static constexpr double smallest_expm1 = -38;
  static constexpr double linear = 0x1p-60;
  static constexpr double saturated = 40;
  static constexpr double lift = 900, unlift = 0x1p-900;
  static constexpr double limit = 1300;
  static constexpr double infinity = __builtin_huge_val();
};

/// (exp(r) - 1 - r) / r^2; the pairs keep the chain of dependent operations short.
template <class V>
SIMDNN_INLINE V exp_tail(V r, V r2) {
  if constexpr (kIsF32<V>) {
    V c01 = fma(r, 0x1.555556p-3f, 0x1p-1f);
    V c23 = fma(r, 0x1.111096p-7f, 0x1.5554bcp-5f);
    V c45 = fma(r, 0x1.a19a7ap-13f, 0x1.6d699cp-10f);
    return fma(r2, fma(r2, c45, c23), c01);
  } else {
    V c01 = fma(r, 0x1.5555555555558p-3, 0x1.0000000000000p-1);
    V c23 = fma(r, 0x1.111111110f965p-7, 0x1.555555555555ap-5);
    V c45 = fma(r, 0x1.a01a01aee933cp-13, 0x1.6c16c16c14825p-10);
    V c67 = fma(r, 0x1.71ddfaa1d6065p-19, 0x1.a01a01afbf3bep-16);
    V c89 = fma(r, 0x1.af5af800af3a4p-26, 0x1.27e4c7637a87dp-22);
    V c8 = fma(r2, 0x1.1f93032ffa2f0p-29, c89);
    V r4 = r2 * r2;
    return fma(r4, fma(r4, c8, fma(r2, c67, c45)), fma(r2, c23, c01));
  }
}

/// A shorter tail for exp(r), too inaccurate for exp(r) - 1: error 2^-27.7 (float).
template <class V>
SIMDNN_INLINE V short_exp_tail(V r, V r2) {
  if constexpr (kIsF32<V>) {
    V c12 = fma(r, 0x1.55545ep-5f, 0x1.55548ep-3f);
    V c34 = fma(r, 0x1.6db420p-10f, 0x1.123b54p-7f);
    return fma(r, fma(r2, c34, c12), 0x1p-1f);
  } else {
    return exp_tail(r, r2);
  }
}

/// exp(x + low) = 2^n (1 + high + tail); p = high + tail. V is a scalar or lanes, which are never const here, because
/// GCC leaves const aggregates in memory.
template <class V>
struct ReducedExp {
  typename Bits<V>::type power;  ///< holds n + offset in its low bits
  V high, tail, p;
};

/// Reduces x + low; kRelative says that exp(x) - 1 is needed as accurately as exp(x).
template <bool kRelative = true, class V>
SIMDNN_INLINE ReducedExp<V> reduce_exp(V x, V low, V offset) {
  using C = ExpConstants<Scalar<V>>;
  V magic = C::round + offset;
  V shifted = fma(x, C::per_ln2, magic);
  V n = shifted - magic;
  V high = fma(n, -C::ln2_high, x);  // exact
  V rest = fma(n, -C::ln2_low, low);
  V r = high + rest;
  V r2 = r * r;
  V tail = fma(r2, kRelative ? exp_tail(r, r2) : short_exp_tail(r, r2), rest);
  return {to_bits(shifted), high, tail, high + tail};
}

/// Table of 2^(i/16) = value (1 + error).
struct Sixteenths {
  static constexpr float value[16] = {0x1.000000p+0f, 0x1.0b5586p+0f, 0x1.172b84p+0f, 0x1.2387a6p+0f,
                                      0x1.306fe0p+0f, 0x1.3dea64p+0f, 0x1.4bfdaep+0f, 0x1.5ab07ep+0f,
                                      0x1.6a09e6p+0f, 0x1.7a1148p+0f, 0x1.8ace54p+0f, 0x1.9c4918p+0f,
                                      0x1.ae89fap+0f, 0x1.c199bep+0f, 0x1.d5818ep+0f, 0x1.ea4afap+0f};
  alignas(64) static constexpr float error[16] = {
      0x0.000000p+0f,   0x1.8d96d4p-25f,  -0x1.9c0c22p-27f, 0x1.964904p-25f,  0x1.125002p-25f, 0x1.370be4p-25f,
      -0x1.0a3550p-25f, -0x1.00d8acp-27f, 0x1.26055cp-26f,  -0x1.05cb44p-25f, 0x1.67a1cap-28f, 0x1.a3b5e4p-28f,
      -0x1.f9c304p-27f, -0x1.6961b4p-28f, -0x1.a5217cp-28f, 0x1.61428ep-28f};

  /// Adding the shifted index n to the bits sets the exponent by its high bits, and also adds its low four bits, i, to
  /// the mantissa; the bits of these values have i subtracted.
  struct Powers {
    alignas(64) float less[16];
  };
  static constexpr int shift = 19;
  static constexpr Powers powers = [] {
    Powers powers{};
    for (int i = 0; i < 16; ++i) {
      powers.less[i] = __builtin_bit_cast(float, __builtin_bit_cast(std::uint32_t, value[i]) - (i << shift));
    }
    return powers;
  }();
};

/// Element of a table of sixteen, chosen by the low four bits of the index.
SIMDNN_INLINE float lookup(const float* table, std::uint32_t index) { return table[index & 15]; }

/// The number scale (1 + high + tail), or scale (1 + high) in single precision.
template <class V>
struct ScaledExp {
  V scale, high, tail;
};

/// 2^offset exp(x) for an integer offset, where it is normal; the power of two below those becomes 0. In single
/// precision n = round(16 x / ln 2) and |r| <= ln 2 / 32: the table takes the place of half the polynomial, and leaves
/// so little to add to 1 that its rounding does not count.
template <class V>
SIMDNN_INLINE ScaledExp<V> scaled_exp(V x, V offset) {
  using C = ExpConstants<Scalar<V>>;
  if constexpr (kIsF32<V>) {
    V magic = fma(offset, 16, C::round);
    V shifted = fma(x, 16 * C::per_ln2, magic);
    V n = shifted - magic;
    V high = fma(n, -C::ln2_high / 16, x);  // exact
    auto index = to_bits(shifted);
    V r = high + fma(n, -C::ln2_low / 16, lookup(Sixteenths::error, index));
    V p = fma(r * r, fma(r, 0x1.555762p-3f, 0x1.00021cp-1f), r);  // error 2^-29.1
    return {from_bits<V>((index << Sixteenths::shift) + to_bits(lookup(Sixteenths::powers.less, index))), p, p};
  } else {
    auto e = reduce_exp<false>(x, V(Scalar<V>(0)), offset + C::bias);
    return {from_bits<V>(e.power << C::mantissa), e.high, e.tail};
  }
}

/// A number and its rounding error.
template <class T>
struct Pair {
  T value, error;
};

/// e^(x + low) for a low within an ULP of x; 2^n is applied in two halves, so that subnormal results round once and
/// overflow gives inf. Max error 0.9 ULP (float, double).
template <class T>
SIMDNN_INLINE T exp(T x, T low = T(0)) {
  using C = ExpConstants<T>;
  using Word = typename Bits<T>::type;
  const T size = abs(x) > C::largest ? C::largest : abs(x);  // one comparison bounds both sides; NaN passes
  const auto e = reduce_exp(copysign(size, x), low, 2 * C::bias);
  const Word half = (e.power << (C::mantissa - 1)) & (~Word(0) << C::mantissa);
  const Word other = (e.power << C::mantissa) - half;
  return (1 + e.p) * from_bits<T>(half) * from_bits<T>(other);
}

/// scale p + base and its rounding error.
template <class T>
SIMDNN_INLINE Pair<T> scale_and_add(T scale, ReducedExp<T> e, T base) {
  const T value = fma(scale, e.p, base);
  return {value, fma(scale, e.p, base - value)};
}

/// scale (1 + high + tail) - one and its rounding error; the rounding of p is left out.
template <class T>
SIMDNN_INLINE Pair<T> scale_and_subtract(T scale, ReducedExp<T> e, T one) {
  const T base = scale - one;
  const T value = fma(scale, e.p, base);
  return {value, fma(scale, e.tail, fma(scale, e.high, base - value))};
}

/// e^x - 1, computed with 2^(n-1), which is finite wherever the result is.
/// Max error 0.95 ULP (float), 1.2 (double); expm1(-0.0) = -0.0.
template <class T>
SIMDNN_INLINE T expm1(T x) {
  using C = ExpConstants<T>;
  const auto e = reduce_exp(x < C::smallest_expm1 ? C::smallest_expm1 : x, T(0), C::bias - 1);
  const T scale = from_bits<T>(e.power << C::mantissa);
  const Pair<T> m = scale_and_subtract(scale, e, T(0.5));
  const T base_error = (scale - (scale - T(0.5))) - T(0.5);
  const T y = 2 * (m.value + (m.error + base_error));
  const T finite = abs(x) < C::linear ? x : y;
  return x > C::overflow ? C::infinity : finite;
}

/// exp(x + low) for -largest <= x <= 0; callers replace the result outside that range.
template <class T>
struct ExpNegative {
  ReducedExp<T> e;
  T scale;   ///< 2^n
  T lifted;  ///< 2^(n + lift), normal where 2^n is not
};

template <class T>
SIMDNN_INLINE ExpNegative<T> exp_negative(T x, T low) {
  using C = ExpConstants<T>;
  const auto e = reduce_exp(x, low, C::bias + C::lift);
  const T lifted = from_bits<T>(e.power << C::mantissa);
  return {e, lifted * C::unlift, lifted};
}

SIMDNN_LEVEL_END
