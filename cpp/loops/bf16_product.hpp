// The product of bfloat16 factors by float32 arithmetic: the order of its loops, and the widening of its factors.
#pragma once

#include "bf16_tiles.hpp"

SIMDNN_LEVEL_BEGIN

/// Columns of a panel of b.
constexpr Index kBf16Panel = kTileVectors * kWidth<float>;

/// The factors of a part of a product, widened: rows [rows, depth] of a, and a panel [depth, kBf16Panel] of b.
struct Bf16Buffers {
  Index depth, rows;  ///< most values of k, and most rows of a
  float *a, *b;
};

/// Widens a factor; subnormal elements become zeros of their sign, at the latest where the processor reads them.
SIMDNN_INLINE float widen_factor(Bf16 x) { return kHardwareFlushes ? from_bf16(x) : flush_subnormal(from_bf16(x)); }
SIMDNN_INLINE void widen_factors(const Bf16* from, Index n, float* to) {
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) to[i] = widen_factor(from[i]);
}

/// Widens m [rows, columns] to rows of `stride` elements, and fills up with zeros to [whole_rows, whole_columns].
inline void widen_matrix(const Operand<Bf16>& m, float* to, Index stride, Index whole_rows, Index whole_columns) {
  constexpr Index strip = 16, longest = 256;
  alignas(64) float wide[strip * longest];
  if (m.column_stride == 1) {
    for (Index i = 0; i < m.rows; ++i) widen_factors(m.data + i * m.row_stride, m.columns, to + i * stride);
  } else if (m.row_stride == 1) {
    for (Index j = 0; j < m.columns; j += strip) {
      const Index columns = least(strip, m.columns - j);
      for (Index i = 0; i < m.rows; i += longest) {
        const Index rows = least(longest, m.rows - i);
        for (Index l = 0; l < columns; ++l)
          widen_factors(m.data + (j + l) * m.column_stride + i, rows, wide + l * longest);
        transpose<float>(wide, longest, columns, rows, to + i * stride + j, stride);
      }
    }
  } else {
    for (Index i = 0; i < m.rows; ++i) {
      const Bf16* const from = m.data + i * m.row_stride;
      for (Index j = 0; j < m.columns; ++j) to[i * stride + j] = widen_factor(from[j * m.column_stride]);
    }
  }
  for (Index i = 0; i < whole_rows; ++i) {
    for (Index j = i < m.rows ? m.columns : 0; j < whole_columns; ++j) to[i * stride + j] = 0;
  }
}

/// The smallest whole number of blocks that holds this many values of k, in values; at least one block.
inline Index whole_blocks(Index depth) { return depth > 0 ? parts_of(depth, kBf16Block) * kBf16Block : kBf16Block; }

/// c += a b for widened rows and a panel; k begins at `k`.
inline void bf16_panel(const Bf16Product& p, const Bf16Buffers& buffers, Index row, Index rows, Index k, Index depth,
                       Index column, Index columns, int vectors) {
  const Index tiles = parts_of(rows, tallest(vectors));
  const int last = p.padded ? kWidth<float> : int(columns - (vectors - 1) * kWidth<float>);
  for (Index i = 0; i < tiles; ++i) {
    const Index first = rows * i / tiles, height = rows * (i + 1) / tiles - first;
    float* const c = p.c.row(row + first) + column;
    const float* const c_init = k ? c : p.c_init.data ? p.c_init.row(row + first) + column : nullptr;
    {
      const Flushing flushing;
      choose_bf16_tile(int(height), vectors)(buffers.a + first * buffers.depth, buffers.depth, buffers.b, kBf16Panel,
                                             whole_blocks(depth) / kBf16Block, c_init, k ? p.c.stride : p.c_init.stride,
                                             c, p.c.stride, last);
    }
    if (p.post_op.apply && k + depth == p.a.columns) {
      float* const aux = p.post_op.aux ? p.post_op.aux + (row + first) * p.c.stride + column : nullptr;
      p.post_op.apply(c, aux, p.c.stride, height, vectors * kWidth<float>, p.post_op.parameters);
    }
  }
}

/// Computes a product in parts that fit the buffers.
inline void bf16_parts(const Bf16Product& p, const Bf16Buffers& buffers) {
  constexpr int width = kWidth<float>;
  const Index all_vectors = parts_of(p.c.columns, width), panels = parts_of(all_vectors, kTileVectors);
  Index k = 0;
  do {
    const Index depth = least(buffers.depth, p.a.columns - k), whole = whole_blocks(depth);
    for (Index row = 0; row < p.c.rows; row += buffers.rows) {
      const Index rows = least(buffers.rows, p.c.rows - row);
      widen_matrix(p.a.row_range(row, rows).column_range(k, depth), buffers.a, buffers.depth, rows, whole);
      for (Index j = 0; j < panels; ++j) {
        const Index first = j * all_vectors / panels, beyond = (j + 1) * all_vectors / panels;
        const Index column = first * width, columns = least(beyond * width, p.c.columns) - column;
        widen_matrix(p.b.row_range(k, depth).column_range(column, columns), buffers.b, kBf16Panel, whole,
                     (beyond - first) * width);
        bf16_panel(p, buffers, row, rows, k, depth, column, columns, int(beyond - first));
      }
    }
    k += buffers.depth;
  } while (k < p.a.columns);
}

/// Computes a product; without scratch memory in small parts.
inline void bf16_product(const Bf16Product& p) {
  if (p.c.rows == 0 || p.c.columns == 0) return;
  constexpr Index depth = 256, small_depth = 64, small_rows = 48;
  if (void* const memory = p.scratch ? p.scratch() : nullptr) {
    constexpr Index rows = Index(kProductScratch / sizeof(float)) / depth - kBf16Panel;
    float* const b = static_cast<float*>(memory);
    return bf16_parts(p, {depth, rows, b + depth * kBf16Panel, b});
  }
  alignas(64) float a[small_depth * small_rows], b[small_depth * kBf16Panel];
  bf16_parts(p, {small_depth, small_rows, a, b});
}

SIMDNN_LEVEL_END
