// Counter-based random numbers, which do not depend on the thread, block or instruction set that computes them.
#pragma once

#include "../base/views.hpp"
#include "../simd/vector.hpp"

SIMDNN_LEVEL_BEGIN

/// Number of random words of a block: sixteen counters with four words each.
constexpr Index kRandomBlock = 4 * kLanes;

/// Product of the lower half of each 64-bit lane with a 32-bit factor.
#if defined(__AVX512F__)
SIMDNN_INLINE U64Vector multiply_lower(U64Vector x, std::uint32_t factor) {
  return U64Vector(_mm512_mul_epu32(__m512i(x), _mm512_set1_epi64(factor)));
}
#elif defined(__AVX2__)
SIMDNN_INLINE U64Vector multiply_lower(U64Vector x, std::uint32_t factor) {
  return U64Vector(_mm256_mul_epu32(__m256i(x), _mm256_set1_epi64x(factor)));
}
#elif defined(__aarch64__)
SIMDNN_INLINE U64Vector multiply_lower(U64Vector x, std::uint32_t factor) {
  return U64Vector(vmull_n_u32(vmovn_u64(uint64x2_t(x)), factor));
}
#else
SIMDNN_INLINE U64Vector multiply_lower(U64Vector x, std::uint32_t factor) {
  return U64Vector(_mm_mul_epu32(__m128i(x), _mm_set1_epi64x(factor)));
}
#endif

/// The high and low words of the products of 32-bit lanes and a factor.
struct WordProduct {
  U32Vector high, low;

  SIMDNN_INLINE WordProduct(U32Vector words, std::uint32_t factor) {
    constexpr std::uint64_t lower = 0xffffffffu;
    const U64Vector x = U64Vector(words);
    const U64Vector even = multiply_lower(x, factor), odd = multiply_lower(x >> 32, factor);
    low = U32Vector((even & lower) | (odd << 32));
    high = U32Vector((even >> 32) | (odd & ~lower));
  }
};

/// Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 4.3): the
/// key is the seed; the counter is the block, the stream, and the index of the pass. Word w of counter l is
/// out[16 w + l].
SIMDNN_INLINE void random_block(const RandomCounter& counter, std::uint64_t block, std::uint32_t* out) {
  constexpr std::uint32_t multiplier[2] = {0xd2511f53u, 0xcd9e8d57u}, weyl[2] = {0x9e3779b9u, 0xbb67ae85u};
  std::uint32_t key[2] = {std::uint32_t(counter.seed), std::uint32_t(counter.seed >> 32)};
  const std::uint64_t first = block * kLanes;
  std::uint32_t counters[kLanes];
  for (int l = 0; l < kLanes; ++l) counters[l] = std::uint32_t(first) + std::uint32_t(l);
  constexpr int parts = kLanes / kWidth<std::uint32_t>;
  U32Vector x[4][parts];
  for (int k = 0; k < parts; ++k) {
    x[0][k] = load_vector(counters + k * kWidth<std::uint32_t>);
    x[1][k] = U32Vector{} + (std::uint32_t(first >> 32) << 16 | counter.stream);
    x[2][k] = U32Vector{} + std::uint32_t(counter.pass_index);
    x[3][k] = U32Vector{} + std::uint32_t(counter.pass_index >> 32);
  }
  for (int round = 0; round < 10; ++round) {
    for (int k = 0; k < parts; ++k) {
      const WordProduct a(x[0][k], multiplier[0]), b(x[2][k], multiplier[1]);
      x[0][k] = b.high ^ x[1][k] ^ key[0];
      x[1][k] = b.low;
      x[2][k] = a.high ^ x[3][k] ^ key[1];
      x[3][k] = a.low;
    }
    key[0] += weyl[0];
    key[1] += weyl[1];
  }
  __builtin_memcpy(out, x, sizeof x);
}

SIMDNN_LEVEL_END
