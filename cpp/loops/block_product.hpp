// A matrix product whose rows are outermost: the gradient w.r.t. large weights, c [rows, columns] = c_init + a b for
// an a whose columns are contiguous.
//
// A block of b is packed into the second-level cache, and each tile of rows passes all of its panels: a is read once
// and not once for every panel, and c is written row by row.
#pragma once

#include "tiles.hpp"

SIMDNN_LEVEL_BEGIN

/// The tile of a block: narrow panels and many rows take the fewest elements of b from the second-level cache.
constexpr int kBlockVectors = 2, kBlockRows = fitting_rows(kBlockVectors);

/// Columns of a panel of a block.
template <class T>
constexpr Index kBlockPanel = kBlockVectors * kWidth<T>;

/// Size of a block of b, in steps of k and in elements.
constexpr Index kBlockSteps = 256;
template <class T>
constexpr Index kBlock = (512 << 10) / Index(sizeof(T));

/// Rows of a that are copied together, so that each page of it is visited once for all of them.
constexpr Index kCopiedRows = 8 * kBlockRows;

/// Computes a tile c [rows, columns], cut to kBlockRows x kBlockPanel, from packed operands.
template <class T>
__attribute__((noinline)) void packed_tile(const T* a, const T* b, Index depth, const T* c_init, Index c_init_row, T* c,
                                           Index c_row, Index rows, Index columns) {
  constexpr int R = kBlockRows, V = kBlockVectors, width = kWidth<T>;
  Vector<T> sum[R][V];
  SIMDNN_UNROLL
  for (int r = 0; r < R; ++r) {
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) {
      const bool given = c_init && r < rows && v * width < columns;
      sum[r][v] = given ? load_vector(c_init + r * c_init_row + v * width) : Vector<T>{};
    }
  }
  accumulate(a, 1, R, b, V * width, depth, sum);
  SIMDNN_UNROLL
  for (int r = 0; r < R; ++r) {
    if (r == rows) return;
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) {
      const Index count = least(width, columns - v * width);
      if (count > 0) store_lanes(c + r * c_row + v * width, sum[r][v], int(count));
    }
  }
}

/// Copies a [rows, depth] into tiles of kBlockRows that are contiguous at each step, the last one filled with zeros.
template <class T>
void copy_tiles(const Operand<T>& a, T* to) {
  constexpr Index R = kBlockRows;
  const Index whole = a.rows / R * R, rest = a.rows - whole;
  for (Index k = 0; k < a.columns; ++k) {
    const T* const from = a.data + k * a.column_stride;
    T* const step = to + k * R;
    for (Index row = 0; row < whole; row += R) __builtin_memcpy(step + row * a.columns, from + row, R * sizeof(T));
    if (rest == 0) continue;
    for (Index r = 0; r < R; ++r) step[whole * a.columns + r] = r < rest ? from[whole + r] : T(0);
  }
}

/// Computes a product whose b fits a block, with room for the packed b and for the copy of some rows of a.
template <class T>
void multiply_block(const Product<T>& p, T* packed_b, T* packed_a) {
  constexpr Index panel = kBlockPanel<T>;
  const Index rows = p.c.rows, columns = p.c.columns, depth = p.a.columns;
  for (Index j = 0; j < columns; j += panel) {
    pack(p.b.column_range(j, least(panel, columns - j)), packed_b + j * depth, panel, panel);
  }
  for (Index first = 0; first < rows; first += kCopiedRows) {
    const Index beyond = least(first + kCopiedRows, rows);
    copy_tiles(p.a.row_range(first, beyond - first), packed_a);
    for (Index row = first; row < beyond; row += kBlockRows) {
      for (Index j = 0; j < columns; j += panel) {
        const T* const c_init = p.c_init.data ? p.c_init.row(row) + j : nullptr;
        packed_tile(packed_a + (row - first) * depth, packed_b + j * depth, depth, c_init, p.c_init.stride,
                    p.c.row(row) + j, p.c.stride, rows - row, columns - j);
      }
    }
  }
}

/// Computes a product block by block, in kProductScratch bytes of memory for packed operands.
template <class T>
void block_product(const Product<T>& p, T* scratch) {
  static_assert((kBlock<T> + kCopiedRows * kBlockSteps) * sizeof(T) <= kProductScratch);
  const Index steps = least(kBlockSteps, p.a.columns), most = kBlock<T> / steps / kBlockPanel<T> * kBlockPanel<T>;
  for (Index j = 0; j < p.c.columns; j += most) {
    const Index columns = least(most, p.c.columns - j);
    for (Index k = 0; k < p.a.columns; k += steps) {
      const Index depth = least(steps, p.a.columns - k);
      multiply_block<T>({.a = p.a.column_range(k, depth),
                         .b = p.b.row_range(k, depth).column_range(j, columns),
                         .c_init = (k ? Matrix<const T>(p.c) : p.c_init).column_range(j, columns),
                         .c = p.c.column_range(j, columns)},
                        scratch, scratch + kBlock<T>);
    }
  }
}

SIMDNN_LEVEL_END
