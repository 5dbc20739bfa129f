// IEEE binary16 as bits, to and from float.
#pragma once

#include "level.hpp"

SIMDNN_LEVEL_BEGIN

struct Half {
  std::uint16_t bits;
};

/// Exact. A subnormal's integer m is read as 0.5 + m 2^-24, so that no float subnormal is ever touched.
SIMDNN_INLINE float to_float(Half h) {
  const std::uint32_t word = h.bits;
  const std::uint32_t magnitude = word & 0x7fffu;
  const std::uint32_t rebias = magnitude >= 0x7c00u ? 0x70000000u : 0x38000000u;  // inf and NaN: 31 becomes 255
  const std::uint32_t normal = (magnitude << 13) + rebias;
  const std::uint32_t small = to_bits(from_bits<float>(magnitude | 0x3f000000u) - 0.5f);
  const std::uint32_t bits = magnitude < 0x0400u ? small : normal;
  return from_bits<float>(bits | ((word & 0x8000u) << 16));
}

/// Rounds to nearest even; overflow gives inf; NaN stays NaN and keeps the top of its payload.
SIMDNN_INLINE Half to_half(float x) {
  const std::uint32_t word = to_bits(x);
  const std::uint32_t magnitude = word & 0x7fffffffu;
  const std::uint32_t normal = (magnitude - 0x38000000u + 0x0fffu + ((magnitude >> 13) & 1u)) >> 13;
  // Adding 0.5 rounds to a multiple of 2^-24 in hardware.
  const std::uint32_t small = to_bits(from_bits<float>(magnitude) + 0.5f) - 0x3f000000u;
  const std::uint32_t finite = magnitude < 0x38800000u ? small : normal;
  const std::uint32_t limited = magnitude >= 0x477ff000u ? 0x7c00u : finite;
  const std::uint32_t nan = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
  const std::uint32_t bits = magnitude > 0x7f800000u ? nan : limited;
  return {static_cast<std::uint16_t>(bits | ((word >> 16) & 0x8000u))};
}

SIMDNN_LEVEL_END
