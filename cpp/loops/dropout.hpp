// Elementwise passes of random layers and of the straight-through step: y and the slope dy/dx.
#pragma once

#include "../math/cosine.hpp"
#include "../math/log.hpp"
#include "../ops/piecewise.hpp"
#include "philox.hpp"

SIMDNN_LEVEL_BEGIN

/// Calls act(x, y, slope, count, words) for blocks of up to kRandomBlock elements of each row, with kWords random words
/// per element.
template <int kWords = 1, class T, class Act>
SIMDNN_INLINE void for_random_blocks(const RandomRows<T>& r, const Act& act) {
  const Index blocks = (r.x.columns + kRandomBlock - 1) / kRandomBlock;
  alignas(64) std::uint32_t words[kWords * kRandomBlock];
  for (Index i = 0; i < r.x.rows; ++i) {
    for (Index b = 0; b < blocks; ++b) {
      const Index j = b * kRandomBlock, left = r.x.columns - j;
      const std::uint64_t first_block = std::uint64_t((r.random.first_row + i) * blocks + b) * kWords;
      for (int w = 0; w < kWords; ++w) random_block(r.random, first_block + std::uint64_t(w), words + w * kRandomBlock);
      act(r.x.row(i) + j, r.y.row(i) + j, r.slope.row(i) + j, left < kRandomBlock ? left : kRandomBlock, words);
    }
  }
}

/// y = x / (1 - p) if a random word of 32 bits is at least p 2^32, else 0.
template <class T>
void dropout(const RandomRows<T>& rows, double probability) {
  const std::uint32_t threshold = std::uint32_t(probability * 4294967296.0);
  const T kept = T(1 / (1 - probability));
  for_random_blocks(rows,
                    [&](const T* x, T* y, T* slope, Index count, const std::uint32_t* words) SIMDNN_LAMBDA_INLINE {
                      SIMDNN_VECTORIZE
                      for (Index j = 0; j < count; ++j) {
                        const bool keeps = words[j] >= threshold;
                        const T scaled = x[j] * kept;
                        slope[j] = keeps ? kept : T(0);
                        y[j] = keeps ? scaled : T(0);
                      }
                    });
}

/// y = 1 with probability x, else 0: a uniform number in [0, 1) with T's precision is compared with x.
template <class T>
void bernoulli(const RandomRows<T>& rows) {
  constexpr int spare = sizeof(T) == 4 ? 8 : 0;  // bits of a word beyond T's precision
  constexpr T unit = sizeof(T) == 4 ? T(0x1p-24) : T(0x1p-32);
  for_random_blocks(rows, [&](const T* x, T* y, T*, Index count, const std::uint32_t* words) SIMDNN_LAMBDA_INLINE {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < count; ++j) y[j] = T(words[j] >> spare) * unit < x[j] ? T(1) : T(0);
  });
}

/// y = a x + b, where x is replaced by selu(-inf) with probability p; a and b keep mean 0 and variance 1.
template <class T>
void alpha_dropout(const RandomRows<T>& rows, double probability) {
  constexpr double limit = -0x1.c212cc640f030p+0;  // -scale alpha of selu
  const double kept = 1 - probability;
  const double factor = 1 / sqrt(kept * fma(limit * limit, probability, 1.0)), shift = -factor * probability * limit;
  const std::uint32_t threshold = std::uint32_t(probability * 4294967296.0);
  const T a = T(factor), b = T(shift), dropped = T(fma(factor, limit, shift));
  for_random_blocks(rows,
                    [&](const T* x, T* y, T* slope, Index count, const std::uint32_t* words) SIMDNN_LAMBDA_INLINE {
                      SIMDNN_VECTORIZE
                      for (Index j = 0; j < count; ++j) {
                        const bool keeps = words[j] >= threshold;
                        const T moved = fma(a, x[j], b);
                        y[j] = keeps ? moved : dropped;
                        slope[j] = keeps ? a : T(0);
                      }
                    });
}

/// Uniform number in [0, 1) from 24 bits of a word, equal in both precisions.
template <class T>
SIMDNN_INLINE T unit(std::uint32_t word) {
  return T(std::int32_t(word >> 8)) * T(0x1p-24);
}

/// y = x for x > 0, else x times a random slope, drawn per element.
template <class T>
void rrelu(const RandomRows<T>& rows, const SlopeLaw& law) {
  const auto leak = [](const T* x, T* y, T* slope, Index count) SIMDNN_LAMBDA_INLINE {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < count; ++j) {
      const T factor = x[j] > 0 ? T(1) : slope[j];
      const T product = x[j] * factor;
      slope[j] = factor;
      y[j] = factor == 0 && x[j] == x[j] ? T(0) : product;
    }
  };
  if (law.normal) {
    // Box & Muller 1958. Angles of half a circle suffice: their cosines are distributed like those of a whole one.
    const double mean = (law.lower + law.upper) / 2, deviation = (law.upper - law.lower) * 0x1.279a74590331cp-2;
    return for_random_blocks<2>(
        rows, [&](const T* x, T* y, T* slope, Index count, const std::uint32_t* words) SIMDNN_LAMBDA_INLINE {
          for (Index j = 0; j < count; ++j) {
            const double radius = sqrt(-2 * log(unit<double>(words[j]) + 0x1p-24));
            slope[j] = T(fma(deviation, radius * cos_pi(unit<double>(words[kRandomBlock + j])), mean));
          }
          leak(x, y, slope, count);
        });
  }
  const T lower = T(law.lower), width = T(law.upper - law.lower);
  for_random_blocks(rows,
                    [&](const T* x, T* y, T* slope, Index count, const std::uint32_t* words) SIMDNN_LAMBDA_INLINE {
                      SIMDNN_VECTORIZE
                      for (Index j = 0; j < count; ++j) slope[j] = fma(width, unit<T>(words[j]), lower);
                      leak(x, y, slope, count);
                    });
}

/// y = 1 for x >= 0, else 0. The slope is 1 everywhere; if clipped, only for |x| <= 1, else 0.
template <class T>
void straight_through(const RandomRows<T>& rows, bool clipped) {
  const T bound = clipped ? T(1) : T(__builtin_inf());
  for (Index i = 0; i < rows.x.rows; ++i) {
    const T* const x = rows.x.row(i);
    T *const y = rows.y.row(i), *const slope = rows.slope.row(i);
    SIMDNN_VECTORIZE
    for (Index j = 0; j < rows.x.columns; ++j) {
      slope[j] = abs(x[j]) <= bound ? T(1) : T(0);
      y[j] = BinaryStep::value(x[j]);
    }
  }
}

SIMDNN_LEVEL_END
