// Register tiles of a product of bfloat16 factors, which are widened to float32 before; see Bf16Product.
#pragma once

#include "../math/bf16.hpp"
#include "../simd/flushing.hpp"
#include "tiles.hpp"

SIMDNN_LEVEL_BEGIN

/// a b + c, flushed. Within `Flushing` the processor flushes.
SIMDNN_INLINE F32Vector flushed_fma(F32Vector a, F32Vector b, F32Vector c) {
  if constexpr (kHardwareFlushes) return fma(a, b, c);
  for (int l = 0; l < kWidth<float>; ++l) c[l] = flushed_fma(a[l], b[l], c[l]);
  return c;
}

/// x, but zeros of their sign where it is subnormal. Within `Flushing` operations on x do that.
SIMDNN_INLINE F32Vector flushed(F32Vector x) {
  if constexpr (kHardwareFlushes) return x;
  const U32Vector bits = U32Vector(x), exponent = broadcast(kExponentBits), sign = broadcast(kSignBit);
  const U32Vector normal = U32Vector((bits & exponent) != 0);
  return F32Vector(bits & (normal | sign));
}

/// sum [R, V vectors] += a b over one parity of k in a block: every second element of a, every second row of b.
template <int R, int V>
SIMDNN_INLINE void accumulate_half(const float* a, Index a_row, const float* b, Index b_row, F32Vector (&sum)[R][V]) {
  for (Index k = 0; k < kBf16Block; k += 2, a += 2, b += 2 * b_row) {
    F32Vector row[V];
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) row[v] = load_vector(b + v * kWidth<float>);
    SIMDNN_UNROLL
    for (int r = 0; r < R; ++r) {
      const F32Vector x = broadcast(a[r * a_row]);
      SIMDNN_UNROLL
      for (int v = 0; v < V; ++v) sum[r][v] = flushed_fma(x, row[v], sum[r][v]);
    }
  }
}

/// Computes a tile c [R, V vectors] over whole blocks of k within `Flushing`; only `last` lanes of the last vector are
/// stored, and nothing beyond them is read from c_init.
template <int R, int V>
SIMDNN_NOINLINE void bf16_tile(const float* a, Index a_row, const float* b, Index b_row, Index blocks,
                               const float* c_init, Index c_init_row, float* c, Index c_row, int last) {
  constexpr int width = kWidth<float>;
  F32Vector sum[R][V];
  SIMDNN_UNROLL
  for (int r = 0; r < R; ++r) {
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) {
      sum[r][v] = F32Vector{};
      if (c_init) sum[r][v] = flushed(load_part(c_init + r * c_init_row + v * width, v + 1 < V ? width : last, 0.0f));
    }
  }
  for (Index i = 0; i < blocks; ++i, a += kBf16Block, b += kBf16Block * b_row) {
    F32Vector even[R][V] = {}, odd[R][V] = {};
    accumulate_half(a, a_row, b, b_row, even);
    accumulate_half(a + 1, a_row, b + b_row, b_row, odd);
    SIMDNN_UNROLL
    for (int r = 0; r < R; ++r) {
      SIMDNN_UNROLL
      for (int v = 0; v < V; ++v) sum[r][v] = flushed(sum[r][v] + flushed(even[r][v] + odd[r][v]));
    }
  }
  SIMDNN_UNROLL
  for (int r = 0; r < R; ++r) {
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) {
      const F32Vector x = sum[r][v], nan = F32Vector(broadcast(kQuietNan));
      store_lanes(c + r * c_row + v * width, x == x ? x : nan, v + 1 < V ? width : last);
    }
  }
}

using Bf16Tile = void (*)(const float*, Index, const float*, Index, Index, const float*, Index, float*, Index, int);

template <int V>
struct Bf16TileRow {
  Bf16Tile of_rows[9] = {};
  template <int R>
  constexpr void fill() {
    of_rows[R] = bf16_tile<R, V>;
    if constexpr (R > 1) fill<R - 1>();
  }
  constexpr Bf16TileRow() { fill<tallest(V)>(); }
};

inline Bf16Tile choose_bf16_tile(int rows, int vectors) {
  static constexpr Bf16TileRow<1> one;
  static constexpr Bf16TileRow<2> two;
  static constexpr Bf16TileRow<(kTileVectors < 3 ? 2 : 3)> three;
  static constexpr Bf16TileRow<kTileVectors> four;
  return vectors == 1   ? one.of_rows[rows]
         : vectors == 2 ? two.of_rows[rows]
         : vectors == 3 ? three.of_rows[rows]
                        : four.of_rows[rows];
}

SIMDNN_LEVEL_END
