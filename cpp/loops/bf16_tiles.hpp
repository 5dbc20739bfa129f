// Register tiles of a product of bfloat16 factors by float32 arithmetic; see Bf16Product.
#pragma once

#include "../math/bf16.hpp"
#include "../simd/flushing.hpp"
#include "tiles.hpp"

SIMDNN_LEVEL_BEGIN

/// True if a bit of the vector is set.
SIMDNN_INLINE bool any(U32Vector x) {
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask(__m512i(x), __m512i(x)) != 0;
#elif defined(__AVX2__)
  return !_mm256_testz_si256(__m256i(x), __m256i(x));
#elif defined(__aarch64__)
  return vmaxvq_u32(uint32x4_t(x)) != 0;
#else
  return !_mm_testz_si128(__m128i(x), __m128i(x));
#endif
}

/// a b + c of each lane, flushed.
SIMDNN_NOINLINE inline F32Vector flush_lanes(F32Vector a, F32Vector b, F32Vector c) {
  for (int l = 0; l < kWidth<float>; ++l) c[l] = flushed_fma(a[l], b[l], c[l]);
  return c;
}

/// a b + c, flushed. Within `Flushing` the processor flushes; else lanes are looked at if one may need it.
SIMDNN_INLINE F32Vector flushed_fma(F32Vector a, F32Vector b, F32Vector c) {
  const F32Vector sum = fma(a, b, c);
  if constexpr (kHardwareFlushes) return sum;
  const U32Vector below = (U32Vector(sum) & ~broadcast(kSignBit)) - 1;  // 0 becomes the largest
  return any(U32Vector(below < broadcast(kLeastNormalBits))) ? flush_lanes(a, b, c) : sum;
}

/// x, but zeros of their sign where it is subnormal. Within `Flushing` operations on x do that.
SIMDNN_INLINE F32Vector flushed(F32Vector x) {
  if constexpr (kHardwareFlushes) return x;
  const U32Vector bits = U32Vector(x), exponent = broadcast(kExponentBits), sign = broadcast(kSignBit);
  const U32Vector normal = U32Vector((bits & exponent) != 0);
  return F32Vector(bits & (normal | sign));
}

/// Rows of b that were widened to a panel, which is padded to whole vectors.
struct WideRows {
  const float* at;
  Index stride;
  SIMDNN_INLINE F32Vector load(Index row, int vector, int) const {
    return load_vector(at + row * stride + vector * kWidth<float>);
  }
};

/// Rows of b where they are; only `count` lanes of a vector are read.
struct PlainRows {
  const Bf16* at;
  Index stride;
  SIMDNN_INLINE F32Vector load(Index row, int vector, int count) const {
    return load_bf16(at + row * stride + vector * kWidth<float>, count);
  }
};

/// sum [R, V vectors] += a b over `steps` values of k of one parity: every second element of a, every second row of b.
template <int R, int V, class Rows>
SIMDNN_INLINE void accumulate_half(const float* a, Index a_row, const Rows& b, Index k, Index steps, int last,
                                   F32Vector (&sum)[R][V]) {
  for (const Index end = k + 2 * steps; k < end; k += 2) {
    F32Vector row[V];
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) row[v] = b.load(k, v, v + 1 < V ? kWidth<float> : last);
    SIMDNN_UNROLL
    for (int r = 0; r < R; ++r) {
      const F32Vector x = broadcast(a[r * a_row + k]);
      SIMDNN_UNROLL
      for (int v = 0; v < V; ++v) sum[r][v] = flushed_fma(x, row[v], sum[r][v]);
    }
  }
}

/// Sums of both parities over `steps` values of k. Small tiles compute them side by side, to have more chains at once.
template <int R, int V, class Rows>
SIMDNN_INLINE void accumulate_block(const float* a, Index a_row, const Rows& b, Index k, Index steps, int last,
                                    F32Vector (&even)[R][V], F32Vector (&odd)[R][V]) {
  constexpr bool small = R * V <= 4;
  const Index pairs = small ? steps / 2 : 0;
  for (const Index end = k + 2 * pairs; k < end; k += 2) {
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) {
      const int count = v + 1 < V ? kWidth<float> : last;
      const F32Vector first = b.load(k, v, count), second = b.load(k + 1, v, count);
      SIMDNN_UNROLL
      for (int r = 0; r < R; ++r) {
        even[r][v] = flushed_fma(broadcast(a[r * a_row + k]), first, even[r][v]);
        odd[r][v] = flushed_fma(broadcast(a[r * a_row + k + 1]), second, odd[r][v]);
      }
    }
  }
  steps -= 2 * pairs;
  accumulate_half(a, a_row, b, k, (steps + 1) / 2, last, even);
  accumulate_half(a, a_row, b, k + 1, steps / 2, last, odd);
}

/// A tile c [R, V vectors] of a product; `last` columns of its last vector exist, and `stored` may be written.
struct Bf16Tile {
  const float* a;  ///< widened rows
  Index a_row, depth;
  const float* c_init;
  Index c_init_row;
  float* c;
  Index c_row;
  int last, stored;
};

/// Computes a tile within `Flushing`. k begins at a block's first.
template <int R, int V, class Rows>
SIMDNN_NOINLINE void bf16_tile(const Bf16Tile& t, const Rows& b) {
  constexpr int width = kWidth<float>;
  const F32Vector zero = {}, nan = F32Vector(broadcast(kQuietNan));
  F32Vector sum[R][V];
  SIMDNN_UNROLL
  for (int r = 0; r < R; ++r) {
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) {
      const float* const from = t.c_init + r * t.c_init_row + v * width;
      sum[r][v] = t.c_init ? flushed(load_part(from, v + 1 < V ? width : t.last, 0.0f)) : zero;
    }
  }
  Index k = 0;
  do {
    const Index steps = least(kBf16Block, t.depth - k);
    F32Vector even[R][V] = {}, odd[R][V] = {};
    accumulate_block(t.a, t.a_row, b, k, steps, t.last, even, odd);
    SIMDNN_UNROLL
    for (int r = 0; r < R; ++r) {
      SIMDNN_UNROLL
      for (int v = 0; v < V; ++v) {
        if (steps < kBf16Block) {  // products of padding make 0 of -0
          even[r][v] += zero;
          odd[r][v] += zero;
        }
        sum[r][v] = flushed(sum[r][v] + flushed(even[r][v] + odd[r][v]));
      }
    }
    k += kBf16Block;
  } while (k < t.depth);
  SIMDNN_UNROLL
  for (int r = 0; r < R; ++r) {
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) {
      const F32Vector x = sum[r][v];
      store_lanes(t.c + r * t.c_row + v * width, x == x ? x : nan, v + 1 < V ? width : t.stored);
    }
  }
}

/// Tiles of widened factors, whose b is read by `Rows`.
template <class Rows>
struct Bf16Tiles {
  using Function = void (*)(const Bf16Tile&, const Rows&);
  template <int R, int V>
  static constexpr Function tile = bf16_tile<R, V, Rows>;
};

SIMDNN_LEVEL_END
