// The matrix product, which serves X W, X^T dY and dY W^T by strides: the choice between the orders of its loops, and
// the usual order, one panel of columns after the other.
#pragma once

#include "block_product.hpp"

SIMDNN_LEVEL_BEGIN

/// Sizes that suit a processor; they change no bit of a result.
struct Blocking {
  Index panel_bytes;  ///< size of a packed panel of b
  Index far_bytes;    ///< distance of rows of b from which panels are packed
  Index block_rows;   ///< rows of c from which blocks of b are packed
};

/// For a first-level data cache of 48 KB or more, where panels stay: the processors that have it read the second-level
/// cache too slowly for their two wide FMAs a cycle.
constexpr Blocking kResidentPanels{32 << 10, 2 << 10, 512};
/// For a smaller one: panels stream from the second-level cache, and long ones reload c less often. With wide vectors a
/// panel takes whole groups of lines, and little is gained by packing it or by reading a less often.
constexpr Blocking kStreamedPanels =
    kVectorBytes == 64 ? Blocking{64 << 10, 4 << 10, 2048} : Blocking{64 << 10, 2 << 10, 512};

enum class Order {
  narrow,         ///< c^T = b^T a^T: the rows of c are in the lanes
  blocks,         ///< rows of c outermost, blocks of b packed
  packed_panels,  ///< panels of columns outermost, packed
  panels,         ///< panels of columns outermost, where they are
};

/// True if there are so few columns that c^T = b^T a^T is faster, with the rows in the lanes. A transposed a may not be
/// read beyond its last row; transposing an a costs as much as a quarter of the lanes.
template <class T>
bool is_narrow(const Product<T>& p) {
  constexpr Index width = kWidth<T>;
  if (p.b.column_stride != 1 || p.c.rows < 2 * width) return false;
  return p.a.row_stride == 1 ? p.c.columns <= 3 * width / 4 && p.c.rows % width == 0 : p.c.columns <= width / 4;
}

/// Elements that stay in the second-level cache, wherever they are.
template <class T>
constexpr Index kCached = (256 << 10) / Index(sizeof(T));

/// The fastest order of a product.
///
/// Rows of b that are far apart share a few sets of the caches and take a page each, so a panel of them does not stay
/// in the caches until the next tile reads it, above all if it takes only one or two lines of each row. A packed panel
/// does, and pays off after a few tiles.
///
/// The gradient w.r.t. weights has a transposed a, of which each tile reads a few elements of every row of the batch:
/// every panel of b fetches as many lines and pages again. With the rows outermost, a is fetched once.
template <class T, Blocking kBlocking>
Order order_of(const Product<T>& p) {
  constexpr Index a_few_tiles = 4 * tallest(kTileVectors);
  if (is_narrow(p)) return Order::narrow;
  if (p.b.column_stride != 1) return Order::packed_panels;
  const Index distance = p.b.row_stride * Index(sizeof(T));
  const bool gradient = p.a.row_stride == 1 && !p.post_op.apply, large = p.a.columns * p.c.columns > kCached<T>;
  if (gradient && large && distance >= 2048 && p.c.rows >= kBlocking.block_rows) return Order::blocks;
  const bool stays = kVectorBytes == 64 && p.a.columns * p.b.row_stride <= kCached<T>;
  const bool packs = distance >= kBlocking.far_bytes && p.c.rows >= a_few_tiles && !stays;
  return packs ? Order::packed_panels : Order::panels;
}

/// Columns of a panel of b, which are those of the widest tile.
template <class T>
constexpr Index kPanel = kTileVectors * kWidth<T>;

/// Prefetches the i-th of `parts` parts of the panel that is packed next, while tiles compute. (GCC drops calls of a
/// function that only prefetches, hence inline.)
template <class T>
SIMDNN_INLINE void prefetch(const Operand<T>& b, Index i, Index parts) {
  constexpr Index line = 64 / Index(sizeof(T));
  const Operand<T> m = b.column_stride == 1 ? b : transposed(b);
  for (Index r = i * m.rows / parts; r < (i + 1) * m.rows / parts; ++r) {
    for (Index j = 0; j < m.columns; j += line) __builtin_prefetch(m.data + r * m.row_stride + j, 0, 2);
  }
}

/// Computes columns [column, column + columns) of a product with tiles of `vectors` vectors.
template <class T, Blocking kBlocking>
void panel(const Product<T>& p, bool packs, Index column, Index columns, int vectors) {
  constexpr Index packed_steps = kBlocking.panel_bytes / Index(sizeof(T)) / kPanel<T>;
  alignas(64) T packed[packed_steps * kPanel<T>];
  const bool fetches = packs && p.a.columns * p.c.columns > kCached<T>;
  const int last = p.padded ? kWidth<T> : int(columns - (vectors - 1) * kWidth<T>);
  const Index tiles = parts_of(p.c.rows, tallest(vectors)), most = packs ? packed_steps : p.a.columns;
  const Index height = tiles == 1 ? p.c.rows : p.c.rows / tiles;
  const Index taller = p.c.rows - height * tiles;  // number of tiles with one row more
  const Operand<T> all = p.b.column_range(column, columns);
  Index k = 0;
  do {
    const Index depth = least(most, p.a.columns - k), rest = p.a.columns - k - depth;
    const Operand<T> b = all.row_range(k, depth);
    Operand<T> next;
    if (fetches && rest > 0) next = all.row_range(k + depth, least(most, rest));
    if (fetches && rest == 0) next = p.b.column_range(column + columns, columns).row_range(0, least(most, p.a.columns));
    if (packs) pack(b, packed, kPanel<T>, parts_of(columns, kWidth<T>) * kWidth<T>);
    for (Index i = 0, row = 0, rows = 0; i < tiles; ++i, row += rows) {
      rows = height + (i < taller);
      if (fetches) prefetch(next, i, tiles);
      T* const c = p.c.row(row) + column;
      const T* const c_init = k ? c : p.c_init.data ? p.c_init.row(row) + column : nullptr;
      choose_tile<Tiles<T>>(int(rows), vectors)(p.a.data + row * p.a.row_stride + k * p.a.column_stride, p.a.row_stride,
                                                p.a.column_stride, packs ? packed : b.data,
                                                packs ? kPanel<T> : p.b.row_stride, depth, c_init,
                                                k ? p.c.stride : p.c_init.stride, c, p.c.stride, last);
      if (p.post_op.apply && rest == 0) {
        T* const aux = p.post_op.aux ? p.post_op.aux + row * p.c.stride + column : nullptr;
        p.post_op.apply(c, aux, p.c.stride, rows, vectors * kWidth<T>, p.post_op.parameters);
      }
    }
    k += most;
  } while (k < p.a.columns);
}

/// Computes a product panel by panel.
template <class T, Blocking kBlocking>
void panel_product(const Product<T>& p, bool packs) {
  constexpr int width = kWidth<T>;
  const Index vectors = parts_of(p.c.columns, width), panels = parts_of(vectors, kTileVectors);
  if (panels == 1) return panel<T, kBlocking>(p, packs, 0, p.c.columns, int(vectors));
  for (Index j = 0; j < panels; ++j) {
    const Index first = j * vectors / panels, beyond = (j + 1) * vectors / panels;
    const Index columns = least(beyond * width, p.c.columns) - first * width;
    panel<T, kBlocking>(p, packs, first * width, columns, int(beyond - first));
  }
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
template <class T, Blocking kBlocking>
void narrow_product(const Product<T>& p) {
  constexpr Index most = kPanel<T>;
  alignas(64) T block[16 * most];
  for (Index i = 0; i < p.c.rows; i += most) {
    const Index rows = least(most, p.c.rows - i);
    const Matrix<T> c{block, p.c.columns, rows, most};
    if (p.c_init.data) transpose(p.c_init.row(i), p.c_init.stride, rows, p.c.columns, block, most);
    const bool packs = p.a.row_stride != 1;
    panel_product<T, kBlocking>({.a = transposed(p.b),
                                 .b = transposed(p.a.row_range(i, rows)),
                                 .c_init = p.c_init.data ? c : Matrix<T>{},
                                 .c = c,
                                 .padded = true},
                                packs);
    transpose(block, most, p.c.columns, rows, p.c.row(i), p.c.stride);
    if (p.post_op.apply) apply_post_op(p, i, rows);
  }
}

/// Computes a product; without scratch memory, blocks are panels.
template <class T, Blocking kBlocking>
void product(const Product<T>& p) {
  if (p.c.rows == 0) return;
  const Order order = order_of<T, kBlocking>(p);
  if (order == Order::narrow) return narrow_product<T, kBlocking>(p);
  void* const scratch = order == Order::blocks && p.scratch ? p.scratch() : nullptr;
  if (scratch) return block_product(p, static_cast<T*>(scratch));
  panel_product<T, kBlocking>(p, order != Order::panels);
}

SIMDNN_LEVEL_END
