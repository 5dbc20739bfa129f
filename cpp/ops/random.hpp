// Random numbers by place: the same whatever thread, chunk or instruction set computes them.
#pragma once

#include "../math/level.hpp"
#include "spans.hpp"

SIMDNN_LEVEL_BEGIN

/// Numbers of a block: sixteen counters side by side, four words each.
constexpr Index kRandomBlock = 4 * kLanes;

/// Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 4.3): the
/// key is the seed; the counter is the place, the stream, and the number of the pass. Word w of counter l is
/// out[16 w + l].
SIMDNN_INLINE void random_block(const RandomPlace& place, std::uint64_t block, std::uint32_t* out) {
  constexpr std::uint32_t multiplier[2] = {0xd2511f53u, 0xcd9e8d57u}, weyl[2] = {0x9e3779b9u, 0xbb67ae85u};
  std::uint32_t key[2] = {std::uint32_t(place.seed), std::uint32_t(place.seed >> 32)};
  std::uint32_t x[4][kLanes];
  const std::uint64_t first = block * kLanes;
  SIMDNN_VECTORIZE
  for (int l = 0; l < kLanes; ++l) {
    x[0][l] = std::uint32_t(first) + std::uint32_t(l);
    x[1][l] = std::uint32_t(first >> 32) << 16 | place.stream;
    x[2][l] = std::uint32_t(place.number);
    x[3][l] = std::uint32_t(place.number >> 32);
  }
  for (int round = 0; round < 10; ++round) {
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      const std::uint64_t a = std::uint64_t(x[0][l]) * multiplier[0], b = std::uint64_t(x[2][l]) * multiplier[1];
      x[0][l] = std::uint32_t(b >> 32) ^ x[1][l] ^ key[0];
      x[1][l] = std::uint32_t(b);
      x[2][l] = std::uint32_t(a >> 32) ^ x[3][l] ^ key[1];
      x[3][l] = std::uint32_t(a);
    }
    key[0] += weyl[0];
    key[1] += weyl[1];
  }
  __builtin_memcpy(out, x, sizeof x);
}

SIMDNN_LEVEL_END
