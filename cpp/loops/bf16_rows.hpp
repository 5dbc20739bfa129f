// The product of one or two rows with a row-major matrix of bfloat16 numbers, which is widened where it is read:
// packing it would take longer than the product.
#pragma once

#include "../math/bf16.hpp"
#include "../simd/flushing.hpp"
#include "bf16_product.hpp"

SIMDNN_LEVEL_BEGIN

/// Most rows that take less time so than in tiles: measured on an AMD EPYC (Zen 4).
constexpr Index kFewRows = 2;
/// Rows that read a block of b while it is in the first-level cache, columns of their sums, and values of k of their
/// widened factors.
constexpr Index kRowGroup = kFewRows, kRowColumns = 512, kRowDepth = 512;
/// Columns of a tile: a register of bfloat16 numbers holds those of two registers of sums.
constexpr Index kPairColumns = 2 * kWidth<float>, kRowTile = 2 * kPairColumns;

/// Sums of a tile stand in pair order: even columns, then odd ones, of every kPairColumns columns.
SIMDNN_INLINE void load_pairs(const float* from, Index columns, float* sums) {
  constexpr Index width = kWidth<float>;
  alignas(64) float part[kPairColumns] = {};
  if (columns < kPairColumns) {
    for (Index j = 0; j < columns; ++j) part[j] = from[j];
    from = part;
  }
  SIMDNN_VECTORIZE
  for (Index j = 0; j < width; ++j) {
    sums[j] = from[2 * j];
    sums[width + j] = from[2 * j + 1];
  }
}
SIMDNN_INLINE void store_pairs(const float* sums, float* to, Index columns) {
  constexpr Index width = kWidth<float>;
  alignas(64) float part[kPairColumns];
  const auto number = [](float x) SIMDNN_LAMBDA_INLINE { return x == x ? x : from_bits<float>(kQuietNan); };
  float* const all = columns < kPairColumns ? part : to;
  SIMDNN_VECTORIZE
  for (Index j = 0; j < width; ++j) {
    all[2 * j] = number(sums[j]);
    all[2 * j + 1] = number(sums[width + j]);
  }
  if (columns < kPairColumns) {
    for (Index j = 0; j < columns; ++j) to[j] = part[j];
  }
}

/// sums [rows, P pairs] += a b over one block of k, of which `given` values are there; a is widened.
template <int P, bool kWhole>
SIMDNN_NOINLINE void bf16_row_block(const float* a, Index rows, Index given, const Bf16* b, Index b_row, float* sums) {
  const Index count = kWhole ? kBf16Block : given;
  for (Index i = 0; i < rows; ++i, a += kRowDepth, sums += kRowColumns) {
    F32Vector even[2 * P] = {}, odd[2 * P] = {};
    const auto add = [&](F32Vector(&sum)[2 * P], Index k) SIMDNN_LAMBDA_INLINE {
      const F32Vector factor = broadcast(a[k]);
      SIMDNN_UNROLL
      for (int j = 0; j < P; ++j) {
        U32Vector pairs;
        __builtin_memcpy(&pairs, b + k * b_row + j * kPairColumns, sizeof pairs);
        sum[2 * j] = fma(factor, F32Vector(pairs << 16), sum[2 * j]);
        sum[2 * j + 1] = fma(factor, F32Vector(pairs & 0xffff0000u), sum[2 * j + 1]);
      }
    };
    for (Index k = 0; k + 1 < count; k += 2) {
      add(even, k);
      add(odd, k + 1);
    }
    if (count % 2 == 1) add(even, count - 1);
    const F32Vector zero = {};
    SIMDNN_UNROLL
    for (int v = 0; v < 2 * P; ++v) {
      if (count + 1 < kBf16Block) even[v] = even[v] + zero;  // products of zeros fill the block up: -0 becomes 0
      if (count < kBf16Block) odd[v] = odd[v] + zero;
      float* const sum = sums + v * kWidth<float>;
      store_vector(load_vector(sum) + (even[v] + odd[v]), sum);
    }
  }
}

/// Adds a block of k to columns [column, column + columns) of the sums, in pair order; row 0 of b is its first one.
inline void add_row_block(const Operand<Bf16>& b, const float* a, Index rows, Index count, Index column, Index columns,
                          float* sums) {
  alignas(64) Bf16 copy[kBf16Block * kRowTile];
  for (Index j = 0; j < columns; j += kRowTile) {
    const Index width = least(kRowTile, columns - j), read = width <= kPairColumns ? kPairColumns : kRowTile;
    const Bf16* from = b.data + column + j;
    Index from_row = b.row_stride;
    if ((b.rows - count) * from_row + b.columns < column + j + read) {  // the last row would be read beyond b
      for (Index l = 0; l < count; ++l) {
        Bf16* const to = copy + l * kRowTile;
        __builtin_memcpy(to, from + l * from_row, std::size_t(width) * sizeof(Bf16));
        __builtin_memset(to + width, 0, std::size_t(kRowTile - width) * sizeof(Bf16));
      }
      from = copy;
      from_row = kRowTile;
    }
    const auto run = count < kBf16Block ? (read == kRowTile ? bf16_row_block<2, false> : bf16_row_block<1, false>)
                                        : (read == kRowTile ? bf16_row_block<2, true> : bf16_row_block<1, true>);
    run(a, rows, count, from, from_row, sums + j);
  }
}

/// Columns [column, column + columns) of a group of rows: adds all k to the sums.
SIMDNN_NOINLINE void sum_rows(const Bf16Product& p, Index column, Index columns, float* sums) {
  alignas(64) float a[kRowGroup * kRowDepth];
  const Flushing flushing;
  for (Index k = 0; k < p.a.columns; k += kRowDepth) {
    const Index depth = least(kRowDepth, p.a.columns - k);
    widen_rows(p.a.column_range(k, depth), a, kRowDepth);
    for (Index l = 0; l < depth; l += kBf16Block) {
      add_row_block(p.b.row_range(k + l, p.b.rows - k - l), a + l, p.c.rows, least(kBf16Block, depth - l), column,
                    columns, sums);
    }
  }
}

/// Calls body(i, j, columns, sums) for every kPairColumns columns of the sums of a group of rows.
template <class Body>
SIMDNN_INLINE void for_pairs(Index rows, Index columns, float* sums, const Body& body) {
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < columns; j += kPairColumns) body(i, j, columns - j, sums + i * kRowColumns + j);
  }
}

/// Computes a group of rows.
inline void bf16_row_group(const Bf16Product& p) {
  alignas(64) float sums[kRowGroup * kRowColumns];
  for (Index column = 0; column < p.c.columns; column += kRowColumns) {
    const Index columns = least(kRowColumns, p.c.columns - column);
    for_pairs(p.c.rows, columns, sums, [&](Index i, Index j, Index count, float* to) SIMDNN_LAMBDA_INLINE {
      load_pairs(p.c_init.data ? p.c_init.row(i) + column + j : nullptr, p.c_init.data ? count : 0, to);
    });
    sum_rows(p, column, columns, sums);
    for_pairs(p.c.rows, columns, sums, [&](Index i, Index j, Index count, const float* from) SIMDNN_LAMBDA_INLINE {
      store_pairs(from, p.c.row(i) + column + j, count);
    });
  }
  if (p.post_op.apply) {
    const Index width = parts_of(p.c.columns, kWidth<float>) * kWidth<float>;
    p.post_op.apply(p.c.data, p.post_op.aux, p.c.stride, p.c.rows, width, p.post_op.parameters);
  }
}

/// Computes a product, in groups of rows; rows of b are contiguous.
inline void bf16_rows(const Bf16Product& p) {
  if constexpr (!kHardwareFlushes) return bf16_product(p);
  for (Index row = 0; row < p.c.rows; row += kRowGroup) {
    Bf16Product part = p;
    const Index rows = least(kRowGroup, p.c.rows - row);
    part.a = p.a.row_range(row, rows);
    part.c = p.c.row_range(row, rows);
    part.c_init = p.c_init.row_range(row, rows);
    if (p.post_op.aux) part.post_op.aux += row * p.c.stride;
    bf16_row_group(part);
  }
}

SIMDNN_LEVEL_END
