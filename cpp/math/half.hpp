// IEEE binary16 as bits, and its conversion to and from float and double.
#pragma once

#include "../simd/level.hpp"

SIMDNN_LEVEL_BEGIN

struct Half {
  std::uint16_t bits;
};

template <class T>
struct HalfConstants;

template <>
struct HalfConstants<float> {
  static constexpr std::uint32_t bias = 127;
  static constexpr int mantissa = 23;
  static constexpr float unit = 0x1p-1f;  // the last place of `unit` is 2^-24, the smallest subnormal of binary16
};

template <>
struct HalfConstants<double> {
  static constexpr std::uint64_t bias = 1023;
  static constexpr int mantissa = 52;
  static constexpr double unit = 0x1p28;
};

/// Converts exactly. A subnormal's integer m is read as unit + m 2^-24, so that no subnormal is ever touched.
template <class T>
SIMDNN_INLINE T from_half(Half h) {
  using C = HalfConstants<T>;
  using Word = typename Bits<T>::type;
  const Word magnitude = h.bits & 0x7fffu;
  // The exponent of inf and NaN changes from 31 to the largest of T.
  const Word rebias = magnitude >= 0x7c00u ? 2 * C::bias - 30 : C::bias - 15;
  const Word normal = (magnitude << (C::mantissa - 10)) + (rebias << C::mantissa);
  const Word small = to_bits(from_bits<T>(magnitude | to_bits(C::unit)) - C::unit);
  const Word bits = magnitude < 0x0400u ? small : normal;
  return from_bits<T>(bits | (Word(h.bits & 0x8000u) << (8 * sizeof(T) - 16)));
}

/// Rounds to nearest even; overflow gives inf; NaN stays NaN and keeps the top of its payload.
template <class T>
SIMDNN_INLINE Half to_half(T x) {
  using C = HalfConstants<T>;
  using Word = typename Bits<T>::type;
  constexpr int dropped = C::mantissa - 10;
  const Word magnitude = to_bits(abs(x));
  const Word rounding = (Word(1) << (dropped - 1)) - 1 + ((magnitude >> dropped) & 1u);
  const Word normal = (magnitude - ((C::bias - 15) << C::mantissa) + rounding) >> dropped;
  const Word small = to_bits(abs(x) + C::unit) - to_bits(C::unit);  // rounds to a multiple of 2^-24 in hardware
  const Word finite = magnitude < ((C::bias - 14) << C::mantissa) ? small : normal;
  const Word limited = magnitude >= to_bits(T(65520)) ? Word(0x7c00u) : finite;
  const Word nan = 0x7e00u | ((magnitude >> dropped) & 0x3ffu);
  const Word bits = x == x ? limited : nan;
  return {static_cast<std::uint16_t>(bits | ((to_bits(x) >> (8 * sizeof(T) - 16)) & 0x8000u))};
}

SIMDNN_LEVEL_END
