// What random layers do to rows: y and its slope, element by element.
#pragma once

#include "../ops/random.hpp"

SIMDNN_LEVEL_BEGIN

/// Calls act(x, y, slope, count, words) for blocks of up to kRandomBlock elements of each row.
template <class T, class Act>
SIMDNN_INLINE void for_random_blocks(const RandomRows<T>& r, const Act& act) {
  const Index blocks = (r.columns + kRandomBlock - 1) / kRandomBlock;
  alignas(64) std::uint32_t words[kRandomBlock];
  for (Index i = 0; i < r.rows; ++i) {
    for (Index b = 0; b < blocks; ++b) {
      const Index j = b * kRandomBlock, left = r.columns - j;
      random_block(r.random, std::uint64_t((r.random.first_row + i) * blocks + b), words);
      act(r.x + i * r.x_stride + j, r.y + i * r.stride + j, r.slope + i * r.stride + j,
          left < kRandomBlock ? left : kRandomBlock, words);
    }
  }
}

/// y = x / (1 - p) where a word of 32 bits is at least p 2^32, else 0.
template <class T>
void dropout(const RandomRows<T>& rows, double probability) {
  const std::uint32_t threshold = std::uint32_t(probability * 4294967296.0);
  const T kept = T(1 / (1 - probability));
  for_random_blocks(rows,
                    [&](const T* x, T* y, T* slope, Index count, const std::uint32_t* words) SIMDNN_LAMBDA_INLINE {
                      SIMDNN_VECTORIZE
                      for (Index j = 0; j < count; ++j) {
                        slope[j] = words[j] >= threshold ? kept : T(0);
                        y[j] = x[j] * slope[j];
                      }
                    });
}

/// y = 1 with probability x, else 0: where a uniform number of [0, 1) with T's precision is below x.
template <class T>
void bernoulli(const RandomRows<T>& rows) {
  constexpr int spare = sizeof(T) == 4 ? 8 : 0;  // bits of a word that T does not hold
  constexpr T unit = sizeof(T) == 4 ? T(0x1p-24) : T(0x1p-32);
  for_random_blocks(rows, [&](const T* x, T* y, T*, Index count, const std::uint32_t* words) SIMDNN_LAMBDA_INLINE {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < count; ++j) y[j] = T(words[j] >> spare) * unit < x[j] ? T(1) : T(0);
  });
}

SIMDNN_LEVEL_END
