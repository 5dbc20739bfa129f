// The product of one or two rows with a row-major matrix of bfloat16 numbers, which is widened where it is read:
// packing it would take longer than the product.
#pragma once

#include "../math/bf16.hpp"
#include "../simd/flushing.hpp"
#include "bf16_product.hpp"

SIMDNN_LEVEL_BEGIN

/// Most rows that take less time so than in tiles: measured on an AMD EPYC (Zen 4).
constexpr Index kFewRows = 2;
/// Columns of their sums, and values of k of their widened factors.
constexpr Index kRowColumns = 512, kRowDepth = 512;
/// Columns of a tile: a register of bfloat16 numbers holds those of two registers of sums.
constexpr Index kPairColumns = 2 * kWidth<float>, kRowTile = 2 * kPairColumns;

#if defined(__x86_64__) && defined(__FMA__)
#if defined(__AVX512F__)
/// Stores the even elements of two adjacent vectors, then the odd ones.
SIMDNN_INLINE void store_split(F32Vector low, F32Vector high, float* to) {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  store_vector(F32Vector(_mm512_permutex2var_ps(low, even, high)), to);
  store_vector(F32Vector(_mm512_permutex2var_ps(low, odd, high)), to + kWidth<float>);
}
/// Makes adjacent vectors of the vectors of their even and of their odd elements.
SIMDNN_INLINE void join(F32Vector& even, F32Vector& odd) {
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
  const F32Vector first = _mm512_permutex2var_ps(even, low, odd);
  odd = _mm512_permutex2var_ps(even, high, odd);
  even = first;
}
#else
SIMDNN_INLINE void store_split(F32Vector low, F32Vector high, float* to) {
  const auto in_order = [](__m256 x) SIMDNN_LAMBDA_INLINE {
    return F32Vector(_mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(x), 0xd8)));
  };
  store_vector(in_order(_mm256_shuffle_ps(low, high, 0x88)), to);
  store_vector(in_order(_mm256_shuffle_ps(low, high, 0xdd)), to + kWidth<float>);
}
SIMDNN_INLINE void join(F32Vector& even, F32Vector& odd) {
  const __m256 low = zip_low(even, odd), high = zip_high(even, odd);
  even = _mm256_permute2f128_ps(low, high, 0x20);
  odd = _mm256_permute2f128_ps(low, high, 0x31);
}
#endif

/// Sums of a tile stand in pair order: even columns, then odd ones, of every kPairColumns columns. The `columns` that
/// there are, at most kPairColumns, are read or written.
SIMDNN_INLINE void load_pairs(const float* from, Index columns, float* sums) {
  constexpr int width = kWidth<float>;
  const int first = int(least(width, columns)), second = int(columns) - first;
  store_split(load_part(from, first, 0.0f), load_part(from + first, second, 0.0f), sums);
}
SIMDNN_INLINE void store_pairs(const float* sums, float* to, Index columns) {
  constexpr int width = kWidth<float>;
  const int first = int(least(width, columns)), second = int(columns) - first;
  const F32Vector nan = F32Vector(broadcast(kQuietNan));
  F32Vector even = load_vector(sums), odd = load_vector(sums + width);
  join(even, odd);
  store_part(even == even ? even : nan, to, first);
  store_part(odd == odd ? odd : nan, to + first, second);
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

/// Columns [column, column + columns) of the rows: adds all k to the sums.
SIMDNN_NOINLINE void sum_rows(const Bf16Product& p, Index column, Index columns, float* sums) {
  alignas(64) float a[kFewRows * kRowDepth];
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

/// Calls body(i, j, columns, sums) for every kPairColumns columns, or the last of them, of the sums of rows.
template <class Body>
SIMDNN_INLINE void for_pairs(Index rows, Index columns, float* sums, const Body& body) {
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < columns; j += kPairColumns) {
      body(i, j, least(kPairColumns, columns - j), sums + i * kRowColumns + j);
    }
  }
}

/// Computes a product of at most kFewRows rows; rows of b are contiguous.
inline void bf16_rows(const Bf16Product& p) {
  alignas(64) float sums[kFewRows * kRowColumns];
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
#else
inline void bf16_rows(const Bf16Product& p) { bf16_product(p); }
#endif

SIMDNN_LEVEL_END
