// Conversion between float and bfloat16 by integer arithmetic, and the fused multiply-add of bfloat16 products.
#pragma once

#include "../base/bf16.hpp"
#include "../simd/vector.hpp"

SIMDNN_LEVEL_BEGIN

constexpr std::uint32_t kExponentBits = 0x7f800000u, kSignBit = 0x80000000u, kQuietNan = 0x7fc00000u;
constexpr std::uint32_t kLeastNormalBits = 0x00800000u;

/// Rounds to nearest even. Subnormal numbers become zeros of their sign, NaN a quiet NaN with the top of its payload.
SIMDNN_INLINE Bf16 to_bf16(float x) {
  const std::uint32_t bits = to_bits(x), magnitude = bits & ~kSignBit;
  const std::uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
  const std::uint32_t special = magnitude > kExponentBits ? bits >> 16 | 0x40u : rounded;
  return {static_cast<std::uint16_t>(magnitude < kLeastNormalBits ? bits >> 16 & 0x8000u : special)};
}

SIMDNN_INLINE float from_bf16(Bf16 x) { return from_bits<float>(std::uint32_t(x.bits) << 16); }

/// x, but a zero of its sign if x is subnormal.
SIMDNN_INLINE float flush_subnormal(float x) {
  const std::uint32_t bits = to_bits(x);
  return from_bits<float>((bits & kExponentBits) == 0 ? bits & kSignBit : bits);
}

/// a b + c rounded once, where a and b are bfloat16 numbers and no operand is subnormal. Zero of its sign if the
/// result, rounded with an unbounded exponent, is below the normal numbers: hardware that flushes detects tininess
/// after rounding. Gradual underflow rounds some of those to the smallest normal number; near it, the sum is exact in
/// double.
SIMDNN_INLINE float flushed_fma(float a, float b, float c) {
  constexpr double least = 0x1p-126, rounds_up = least - 0x1p-151;
  const float sum = fma(a, b, c);
  if (abs(sum) > least) return sum;
  const double exact = double(a) * double(b) + double(c);
  return abs(exact) < rounds_up ? copysign(0.0f, sum) : sum;
}

/// Widens `count` numbers to a vector, with zeros beyond; nothing beyond is read. Subnormal numbers become zeros of
/// their sign at levels without hardware that flushes.
#if defined(__AVX512F__)
SIMDNN_INLINE F32Vector load_bf16(const Bf16* from, int count) {
  const __mmask16 lanes = __mmask16((1u << count) - 1);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, from)), 16));
}
#elif defined(__AVX2__)
SIMDNN_INLINE F32Vector load_bf16(const Bf16* from, int count) {
  __m128i bits;
  if (count == kWidth<float>) {
    bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  } else {  // pieces of four, two and one
    std::uint64_t four = 0, rest = 0;
    std::uint32_t two = 0;
    if (count & 4) __builtin_memcpy(&four, from, sizeof four);
    if (count & 2) __builtin_memcpy(&two, from + (count & 4), sizeof two);
    if (count & 1) rest = from[count - 1].bits;
    rest = rest << 16 * (count & 2) | two;
    bits = count & 4 ? _mm_set_epi64x(std::int64_t(rest), std::int64_t(four)) : _mm_cvtsi64_si128(std::int64_t(rest));
  }
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
#else
SIMDNN_INLINE F32Vector load_bf16(const Bf16* from, int count) {
  F32Vector x = {};
  for (int l = 0; l < count; ++l) x[l] = flush_subnormal(from_bf16(from[l]));
  return x;
}
#endif

SIMDNN_LEVEL_END
