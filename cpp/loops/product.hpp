// The matrix product: register tiles of an outer-product form that serves X W, X^T dY and dY W^T by strides.
//
// Every output is one chain of FMAs over k in order, whatever the tile it falls in, so tiles may be chosen freely.
#pragma once

#include "../math/vector.hpp"
#include "../ops/spans.hpp"

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
  } else {
    for (int i = 0; i < count; ++i) to[i] = x[i];
  }
#endif
}

/// A tile of R rows and V vectors at c, over `depth` steps; the last vector holds `last` wanted lanes.
template <class T, int R, int V>
__attribute__((noinline)) void tile(const T* a, Index a_row, Index a_column, const T* b, Index b_row, Index depth,
                                    const T* start, Index start_row, T* c, Index c_row, int last) {
  constexpr int width = kWidth<T>;
  Vector<T> sum[R][V];
  SIMDNN_UNROLL
  for (int r = 0; r < R; ++r) {
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) sum[r][v] = start ? load_vector(start + r * start_row + v * width) : Vector<T>{};
  }
  for (Index k = 0; k < depth; ++k, a += a_column, b += b_row) {
    Vector<T> row[V];
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) row[v] = load_vector(b + v * width);
    SIMDNN_UNROLL
    for (int r = 0; r < R; ++r) {
      const Vector<T> x = broadcast(a[r * a_row]);
      SIMDNN_UNROLL
      for (int v = 0; v < V; ++v) sum[r][v] = fma(x, row[v], sum[r][v]);
    }
  }
  SIMDNN_UNROLL
  for (int r = 0; r < R; ++r) {
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) store_lanes(c + r * c_row + v * width, sum[r][v], v + 1 < V ? width : last);
  }
}

template <class T>
using TileFunction = void (*)(const T*, Index, Index, const T*, Index, Index, const T*, Index, T*, Index, int);

/// Rows of the tallest tile of V vectors whose accumulators, b vectors and broadcast stay in registers.
constexpr int tallest(int vectors) {
  const int rows = (kRegisters - vectors - 1) / vectors;
  return rows < 8 ? rows : 8;
}

template <class T, int V>
struct TileRow {
  TileFunction<T> of_rows[9] = {};
  template <int R>
  constexpr void fill() {
    of_rows[R] = tile<T, R, V>;
    if constexpr (R > 1) fill<R - 1>();
  }
  constexpr TileRow() { fill<tallest(V)>(); }
};

template <class T>
TileFunction<T> choose_tile(int rows, int vectors) {
  static constexpr TileRow<T, 1> one;
  static constexpr TileRow<T, 2> two;
  static constexpr TileRow<T, (kTileVectors < 3 ? 2 : 3)> three;
  static constexpr TileRow<T, kTileVectors> four;
  return vectors == 1   ? one.of_rows[rows]
         : vectors == 2 ? two.of_rows[rows]
         : vectors == 3 ? three.of_rows[rows]
                        : four.of_rows[rows];
}

/// Splits n into the fewest parts of at most `most`, as equal as can be; part(i) begins at i * n / parts.
SIMDNN_INLINE Index parts_of(Index n, Index most) { return (n + most - 1) / most; }

template <class T>
void product(const Product<T>& p) {
  constexpr int width = kWidth<T>;
  const Index vectors = parts_of(p.columns, width);
  const Index panels = parts_of(vectors, kTileVectors);
  for (Index j = 0; j < panels; ++j) {
    const Index first = j * vectors / panels, beyond = (j + 1) * vectors / panels;
    const int wide = int(beyond - first);
    const Index column = first * width;
    const Index columns = (beyond * width < p.columns ? beyond * width : p.columns) - column;
    const int last = int(columns - (wide - 1) * width);
    const Index blocks = parts_of(p.rows, tallest(wide));
    for (Index i = 0; i < blocks; ++i) {
      const Index row = i * p.rows / blocks, rows = (i + 1) * p.rows / blocks - row;
      T* const c = p.c + row * p.c_row + column;
      const T* const start = p.start ? p.start + row * p.start_row + column : nullptr;
      choose_tile<T>(int(rows), wide)(p.a + row * p.a_row, p.a_row, p.a_column, p.b + column, p.b_row, p.depth, start,
                                      p.start_row, c, p.c_row, last);
      if (p.finish.apply) {
        T* const beside = p.finish.beside ? p.finish.beside + row * p.c_row + column : nullptr;
        p.finish.apply(c, beside, p.c_row, rows, columns, p.finish.parameters);
      }
    }
  }
}

/// b[j, i] = a[i, j].
template <class T>
void transpose(const T* a, Index a_row, Index rows, Index columns, T* b, Index b_row) {
  constexpr Index block = 4;
  const Index whole_rows = rows / block * block, whole_columns = columns / block * block;
  for (Index i = 0; i < whole_rows; i += block) {
    const T* const row[block] = {a + i * a_row, a + (i + 1) * a_row, a + (i + 2) * a_row, a + (i + 3) * a_row};
    for (Index j = 0; j < whole_columns; j += block) {
      T* const column[block] = {b + j * b_row, b + (j + 1) * b_row, b + (j + 2) * b_row, b + (j + 3) * b_row};
      turn_block(row, j, column, i);
    }
  }
  for (Index i = 0; i < rows; ++i) {
    for (Index j = i < whole_rows ? whole_columns : 0; j < columns; ++j) b[j * b_row + i] = a[i * a_row + j];
  }
}

SIMDNN_LEVEL_END
