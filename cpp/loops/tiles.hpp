// Register tiles of a matrix product, in an outer-product form, and the packing of their operands.
//
// Every output is one chain of FMAs over k in order in any tile, so tiles may be chosen freely.
#pragma once

#include "transpose.hpp"

SIMDNN_LEVEL_BEGIN

#if defined(__AVX512F__)
constexpr int kTileVectors = 4, kRegisters = 32;
#elif defined(__AVX2__)
constexpr int kTileVectors = 2, kRegisters = 16;
#elif defined(__aarch64__)
constexpr int kTileVectors = 4, kRegisters = 32;
#else
constexpr int kTileVectors = 2, kRegisters = 16;
#endif

/// Stores the first `count` lanes.
template <class T>
SIMDNN_INLINE void store_lanes(T* to, Vector<T> x, int count) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    _mm512_mask_storeu_ps(to, __mmask16((1u << count) - 1), x);
  } else {
    _mm512_mask_storeu_pd(to, __mmask8((1u << count) - 1), x);
  }
#else
  if (count == kWidth<T>) {
    __builtin_memcpy(to, &x, sizeof x);
    return;
  }
#if defined(__AVX2__)
  if constexpr (sizeof(T) == 4) {
    const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_maskstore_ps(to, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), places), x);
  } else {
    const __m256i places = _mm256_setr_epi64x(0, 1, 2, 3);
    _mm256_maskstore_pd(to, _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), places), x);
  }
#else
  for (int i = 0; i < count; ++i) to[i] = x[i];
#endif
#endif
}

/// sum [R, V vectors] += a b, over `depth` values of k.
template <class T, int R, int V>
SIMDNN_INLINE void accumulate(const T* a, Index a_row, Index a_column, const T* b, Index b_row, Index depth,
                              Vector<T> (&sum)[R][V]) {
  for (Index k = 0; k < depth; ++k, a += a_column, b += b_row) {
    Vector<T> row[V];
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) row[v] = load_vector(b + v * kWidth<T>);
    SIMDNN_UNROLL
    for (int r = 0; r < R; ++r) {
      const Vector<T> x = broadcast(a[r * a_row]);
      SIMDNN_UNROLL
      for (int v = 0; v < V; ++v) sum[r][v] = fma(x, row[v], sum[r][v]);
    }
  }
}

/// Computes a tile c [R, V vectors] over `depth` values of k; only `last` lanes of the last vector are stored.
template <class T, int R, int V>
__attribute__((noinline)) void tile(const T* a, Index a_row, Index a_column, const T* b, Index b_row, Index depth,
                                    const T* c_init, Index c_init_row, T* c, Index c_row, int last) {
  constexpr int width = kWidth<T>;
  Vector<T> sum[R][V];
  SIMDNN_UNROLL
  for (int r = 0; r < R; ++r) {
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) sum[r][v] = c_init ? load_vector(c_init + r * c_init_row + v * width) : Vector<T>{};
  }
  accumulate(a, a_row, a_column, b, b_row, depth, sum);
  SIMDNN_UNROLL
  for (int r = 0; r < R; ++r) {
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) store_lanes(c + r * c_row + v * width, sum[r][v], v + 1 < V ? width : last);
  }
}

template <class T>
using TileFunction = void (*)(const T*, Index, Index, const T*, Index, Index, const T*, Index, T*, Index, int);

/// Rows of the largest tile of this width whose accumulators, b vectors and broadcast fit in registers.
constexpr int fitting_rows(int vectors) { return (kRegisters - vectors - 1) / vectors; }

/// Rows of the tallest tile of this width that is compiled.
constexpr int tallest(int vectors) { return fitting_rows(vectors) < 8 ? fitting_rows(vectors) : 8; }

/// The functions of tiles of so many vectors, by rows. A kind of tiles has a type `Function`, and a function `tile<R,
/// V>` for each size.
template <class Kind, int V>
struct TileRow {
  typename Kind::Function of_rows[9] = {};
  template <int R>
  constexpr void fill() {
    of_rows[R] = Kind::template tile<R, V>;
    if constexpr (R > 1) fill<R - 1>();
  }
  constexpr TileRow() { fill<tallest(V)>(); }
};

/// Tiles of factors of T.
template <class T>
struct Tiles {
  using Function = TileFunction<T>;
  template <int R, int V>
  static constexpr Function tile = SIMDNN_LEVEL::tile<T, R, V>;
};

template <class Kind>
typename Kind::Function choose_tile(int rows, int vectors) {
  static constexpr TileRow<Kind, 1> one;
  static constexpr TileRow<Kind, 2> two;
  static constexpr TileRow<Kind, (kTileVectors < 3 ? 2 : 3)> three;
  static constexpr TileRow<Kind, kTileVectors> four;
  return vectors == 1   ? one.of_rows[rows]
         : vectors == 2 ? two.of_rows[rows]
         : vectors == 3 ? three.of_rows[rows]
                        : four.of_rows[rows];
}

/// The least number of nearly equal parts of n with at most `most` each. (Divisions are a noticeable part of the time
/// of a tiny product, hence the shortcut.)
SIMDNN_INLINE Index parts_of(Index n, Index most) { return n <= most ? n > 0 : (n + most - 1) / most; }

SIMDNN_INLINE Index least(Index x, Index y) { return x < y ? x : y; }

/// Packs b [depth, columns] into rows of `width` elements, of which it fills `whole`, with zeros beyond the columns.
template <class T>
void pack(const Operand<T>& b, T* to, Index width, Index whole) {
  const Index depth = b.rows, columns = b.columns;
  if (b.column_stride != 1) transpose(b.data, b.column_stride, columns, depth, to, width);
  if (b.column_stride != 1 && whole == columns) return;
  const T* from = b.data;
  for (Index k = 0; k < depth; ++k, from += b.row_stride, to += width) {
    if (b.column_stride == 1) {
      SIMDNN_VECTORIZE
      for (Index j = 0; j < columns; ++j) to[j] = from[j];
    }
    for (Index j = columns; j < whole; ++j) to[j] = 0;
  }
}

SIMDNN_LEVEL_END
