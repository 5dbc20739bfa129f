// The matrix product: register tiles of an outer-product form that serves X W, X^T dY and dY W^T by strides.
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

/// Rows of the largest tile of this width whose accumulators, b vectors and broadcast fit in registers.
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

/// The least number of nearly equal parts of n with at most `most` each. (Divisions are a noticeable part of the time
/// of a tiny product, hence the shortcut.)
SIMDNN_INLINE Index parts_of(Index n, Index most) { return n <= most ? n > 0 : (n + most - 1) / most; }

/// Columns of a panel of b, which are those of the widest tile.
template <class T>
constexpr Index kPanel = kTileVectors * kWidth<T>;

/// Rows of a panel that are packed together, so that they stay in the second-level cache while all tiles read them.
template <class T>
constexpr Index kSteps = (64 << 10) / Index(sizeof(T)) / kPanel<T>;

/// Packs b [depth, columns] into rows of kPanel elements, filled up to whole vectors with zeros.
template <class T>
void pack(const T* b, Index b_row, Index b_column, Index depth, Index columns, T* to) {
  const Index whole = parts_of(columns, kWidth<T>) * kWidth<T>;
  if (b_column != 1) transpose(b, b_column, columns, depth, to, kPanel<T>);
  if (b_column != 1 && whole == columns) return;
  for (Index k = 0; k < depth; ++k, b += b_row, to += kPanel<T>) {
    if (b_column == 1) {
      SIMDNN_VECTORIZE
      for (Index j = 0; j < columns; ++j) to[j] = b[j];
    }
    for (Index j = columns; j < whole; ++j) to[j] = 0;
  }
}

/// True if tiles read b from a packed copy: if b is transposed, or if its rows are far apart, because they then compete
/// for the same cache sets and take one page each, above all if a panel takes only one cache line of each.
template <class T>
bool wants_packing(const Product<T>& p) {
  constexpr Index far = (kVectorBytes == 64 ? 4096 : 2048) / Index(sizeof(T)), enough = 4 * tallest(kTileVectors);
  return p.b.column_stride != 1 || (p.b.row_stride >= far && p.c.rows >= enough);
}

/// Prefetches the i-th of `parts` parts of the panel that is packed next, while tiles compute.
template <class T>
void prefetch(const T* b, Index b_row, Index b_column, Index depth, Index columns, Index i, Index parts) {
  constexpr Index line = 64 / Index(sizeof(T));
  const bool by_rows = b_column == 1;
  const Index rows = by_rows ? depth : columns, length = by_rows ? columns : depth, stride = by_rows ? b_row : b_column;
  for (Index r = i * rows / parts; r < (i + 1) * rows / parts; ++r) {
    for (Index j = 0; j < length; j += line) __builtin_prefetch(b + r * stride + j, 0, 2);
  }
}

/// Computes columns [column, column + columns) of a product with tiles of `vectors` vectors.
template <class T>
void panel(const Product<T>& p, Index column, Index columns, int vectors) {
  alignas(64) T packed[kSteps<T> * kPanel<T>];
  constexpr Index cached = (256 << 10) / Index(sizeof(T));  // elements that stay in the second-level cache
  const bool packs = wants_packing(p), fetches = packs && p.a.columns * p.c.columns > cached;
  const int last = p.padded ? kWidth<T> : int(columns - (vectors - 1) * kWidth<T>);
  const Index blocks = parts_of(p.c.rows, tallest(vectors)), most = packs ? kSteps<T> : p.a.columns;
  const Index height = blocks == 1 ? p.c.rows : p.c.rows / blocks;
  const Index taller = p.c.rows - height * blocks;  // number of tiles with one row more
  Index k = 0;
  do {
    const Index depth = p.a.columns - k < most ? p.a.columns - k : most;
    const T* b = p.b.data + k * p.b.row_stride + column * p.b.column_stride;
    if (packs) pack(b, p.b.row_stride, p.b.column_stride, depth, columns, packed);
    const bool more = k + depth < p.a.columns;
    const Index rest = more ? p.a.columns - k - depth : p.a.columns, next_depth = rest < most ? rest : most;
    const T* const next = more ? b + depth * p.b.row_stride : p.b.data + (column + columns) * p.b.column_stride;
    for (Index i = 0, row = 0, rows = 0; i < blocks; ++i, row += rows) {
      rows = height + (i < taller);
      if (fetches) prefetch(next, p.b.row_stride, p.b.column_stride, next_depth, columns, i, blocks);
      T* const c = p.c.row(row) + column;
      const T* const c_init = k ? c : p.c_init.data ? p.c_init.row(row) + column : nullptr;
      choose_tile<T>(int(rows), vectors)(p.a.data + row * p.a.row_stride + k * p.a.column_stride, p.a.row_stride,
                                         p.a.column_stride, packs ? packed : b, packs ? kPanel<T> : p.b.row_stride,
                                         depth, c_init, k ? p.c.stride : p.c_init.stride, c, p.c.stride, last);
      if (p.post_op.apply && k + depth == p.a.columns) {
        T* const aux = p.post_op.aux ? p.post_op.aux + row * p.c.stride + column : nullptr;
        p.post_op.apply(c, aux, p.c.stride, rows, vectors * kWidth<T>, p.post_op.parameters);
      }
    }
    k += most;
  } while (k < p.a.columns);
}

/// Computes a product panel by panel.
template <class T>
void wide_product(const Product<T>& p) {
  constexpr int width = kWidth<T>;
  const Index vectors = parts_of(p.c.columns, width), panels = parts_of(vectors, kTileVectors);
  if (panels == 1) return panel(p, 0, p.c.columns, int(vectors));
  for (Index j = 0; j < panels; ++j) {
    const Index first = j * vectors / panels, beyond = (j + 1) * vectors / panels;
    const Index columns = (beyond * width < p.c.columns ? beyond * width : p.c.columns) - first * width;
    panel(p, first * width, columns, int(beyond - first));
  }
}

/// True if there are so few columns that c^T = b^T a^T is faster, with the rows in the lanes. A transposed a may not be
/// read beyond its last row; transposing an a costs as much as a quarter of the lanes.
template <class T>
bool is_narrow(const Product<T>& p) {
  constexpr Index width = kWidth<T>;
  if (p.b.column_stride != 1 || p.c.rows < 2 * width) return false;
  return p.a.row_stride == 1 ? p.c.columns <= 3 * width / 4 && p.c.rows % width == 0 : p.c.columns <= width / 4;
}

/// Applies the post-op to rows [row, row + rows) of a narrow product, whose padding holds leftovers of earlier
/// post-ops.
template <class T>
void apply_post_op(const Product<T>& p, Index row, Index rows) {
  T* const c = p.c.row(row);
  T* const aux = p.post_op.aux ? p.post_op.aux + row * p.c.stride : nullptr;
  const Index whole = padded(p.c.columns);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = p.c.columns; j < whole; ++j) c[i * p.c.stride + j] = 0;
  }
  p.post_op.apply(c, aux, p.c.stride, rows, whole, p.post_op.parameters);
}

/// c^T = c_init^T + b^T a^T, for as many rows of c at a time as a panel has columns.
template <class T>
void narrow_product(const Product<T>& p) {
  constexpr Index most = kPanel<T>;
  alignas(64) T block[16 * most];
  for (Index i = 0; i < p.c.rows; i += most) {
    const Index rows = p.c.rows - i < most ? p.c.rows - i : most;
    const Matrix<T> c{block, p.c.columns, rows, most};
    if (p.c_init.data) transpose(p.c_init.row(i), p.c_init.stride, rows, p.c.columns, block, most);
    wide_product<T>({.a = transposed(p.b),
                     .b = transposed(p.a.row_range(i, rows)),
                     .c_init = p.c_init.data ? c : Matrix<T>{},
                     .c = c,
                     .padded = true});
    transpose(block, most, p.c.columns, rows, p.c.row(i), p.c.stride);
    if (p.post_op.apply) apply_post_op(p, i, rows);
  }
}

template <class T>
void product(const Product<T>& p) {
  if (p.c.rows == 0) return;
  is_narrow(p) ? narrow_product(p) : wide_product(p);
}

SIMDNN_LEVEL_END
