// The product of bfloat16 factors by the matrix unit: its tiles, and the packing of factors to them.
//
// A tile register holds sixteen rows of 64 bytes. Of a it holds sixteen rows, each with 32 values of k; of b sixteen
// pairs of k, each a 32-bit word (even k, odd k) for sixteen columns; of c sixteen rows and columns.
#pragma once

#include "bf16_parts.hpp"

SIMDNN_LEVEL_BEGIN

constexpr Index kTileRows = 16, kTileStride = 64;
constexpr Index kTileFactors = kTileRows * kBf16Block, kTileSums = kTileRows * kTileRows;

/// Memory format of the tile registers' shapes.
struct alignas(64) TileShapes {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};

  constexpr TileShapes() {
    for (int i = 0; i < 8; ++i) {
      row_bytes[i] = kTileStride;
      rows[i] = kTileRows;
    }
  }
};

/// A scope in which this thread's tile registers have shapes; they are released at its end.
class TileScope {
 public:
  SIMDNN_INLINE TileScope() {
    static constexpr TileShapes shapes;
    _tile_loadconfig(&shapes);
  }
  SIMDNN_INLINE ~TileScope() { _tile_release(); }
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;
};

/// Sixteen vectors of sixteen words; a word holds two bfloat16 numbers, the first one in its lower half.
struct Words {
  __m512i row[kTileRows];
};

/// Transposes words.
SIMDNN_INLINE void transpose_words(Words& w) {
  __m512i t[kTileRows];
  __m512i* const x = w.row;
  SIMDNN_UNROLL
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(x[2 * i], x[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(x[2 * i], x[2 * i + 1]);
  }
  SIMDNN_UNROLL
  for (int i = 0; i < 4; ++i) {
    x[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    x[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    x[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    x[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  SIMDNN_UNROLL
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xdd);
  }
  SIMDNN_UNROLL
  for (int i = 0; i < 4; ++i) {
    x[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    x[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    x[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    x[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

/// Row i of m, at most 32 contiguous values, with zeros beyond.
SIMDNN_INLINE __m512i load_line(const Operand<Bf16>& m, Index i) {
  if (i >= m.rows) return _mm512_setzero_si512();
  const __mmask32 lanes = __mmask32((std::uint64_t(1) << m.columns) - 1);
  return _mm512_maskz_loadu_epi16(lanes, m.data + i * m.row_stride);
}

/// Column k of m, at most sixteen contiguous values, with zeros beyond, each in a word.
SIMDNN_INLINE __m512i load_column(const Operand<Bf16>& m, Index k) {
  if (k >= m.columns) return _mm512_setzero_si512();
  const __mmask16 lanes = __mmask16((1u << m.rows) - 1);
  return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, m.data + k * m.column_stride));
}

/// Packs lines [at most 16, at most 32 values of k]: their words in rows of a line, or in rows of a pair of k.
template <bool kByPairs>
void pack_tile(const Operand<Bf16>& m, Bf16* to) {
  Words words;
  const bool by_lines = m.column_stride == 1, by_pairs = !by_lines && m.row_stride == 1;
  if (by_pairs) {
    SIMDNN_UNROLL
    for (int i = 0; i < 16; ++i) {
      words.row[i] = _mm512_or_si512(load_column(m, 2 * i), _mm512_slli_epi32(load_column(m, 2 * i + 1), 16));
    }
  } else if (by_lines) {
    SIMDNN_UNROLL
    for (int i = 0; i < 16; ++i) words.row[i] = load_line(m, i);
  } else {
    alignas(64) Bf16 lines[kTileRows][kBf16Block] = {};
    for (Index i = 0; i < m.rows; ++i) {
      for (Index k = 0; k < m.columns; ++k) lines[i][k] = m.data[i * m.row_stride + k * m.column_stride];
    }
    for (int i = 0; i < 16; ++i) words.row[i] = _mm512_load_si512(lines[i]);
  }
  if (by_pairs != kByPairs) transpose_words(words);
  SIMDNN_UNROLL
  for (int i = 0; i < 16; ++i) _mm512_store_si512(to + i * kBf16Block, words.row[i]);
}

/// Blocks of k of a product or a part of it; at least one.
SIMDNN_INLINE Index blocks_of(Index depth) { return depth > 0 ? parts_of(depth, kBf16Block) : 1; }

/// Packs lines [lines, depth] to tiles: all blocks of the first sixteen lines, then those of the next.
template <bool kByPairs>
void pack_tiles(const Operand<Bf16>& m, Bf16* to) {
  for (Index i = 0; i < m.rows; i += kTileRows) {
    const Operand<Bf16> lines = m.row_range(i, least(kTileRows, m.rows - i));
    for (Index block = 0; block < blocks_of(m.columns); ++block, to += kTileFactors) {
      const Index k = block * kBf16Block;
      pack_tile<kByPairs>(lines.column_range(k, least(kBf16Block, m.columns - k)), to);
    }
  }
}

/// Makes all earlier writes to memory before tiles are loaded, which some compilers take for independent of it.
SIMDNN_INLINE void finish_writes() { __asm__ volatile("" : : : "memory"); }

/// sums += a b for kRows by kColumns tiles, whose sums stand at 2 row + column; begins with zeros if `zero`.
template <int kRows, int kColumns>
SIMDNN_NOINLINE void multiply_tiles(const Bf16* a, const Bf16* b, Index blocks, bool zero, float (*sums)[kTileSums]) {
  const Index next = blocks * kTileFactors;
  finish_writes();
  if (zero) {
    _tile_zero(0);
    if constexpr (kColumns == 2) _tile_zero(1);
    if constexpr (kRows == 2) _tile_zero(2);
    if constexpr (kRows == 2 && kColumns == 2) _tile_zero(3);
  } else {
    _tile_loadd(0, sums[0], kTileStride);
    if constexpr (kColumns == 2) _tile_loadd(1, sums[1], kTileStride);
    if constexpr (kRows == 2) _tile_loadd(2, sums[2], kTileStride);
    if constexpr (kRows == 2 && kColumns == 2) _tile_loadd(3, sums[3], kTileStride);
  }
  for (Index block = 0; block < blocks; ++block, a += kTileFactors, b += kTileFactors) {
    _tile_loadd(4, a, kTileStride);
    _tile_loadd(6, b, kTileStride);
    if constexpr (kColumns == 2) _tile_loadd(7, b + next, kTileStride);
    if constexpr (kRows == 2) _tile_loadd(5, a + next, kTileStride);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (kColumns == 2) _tile_dpbf16ps(1, 4, 7);
    if constexpr (kRows == 2) _tile_dpbf16ps(2, 5, 6);
    if constexpr (kRows == 2 && kColumns == 2) _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, sums[0], kTileStride);
  if constexpr (kColumns == 2) _tile_stored(1, sums[1], kTileStride);
  if constexpr (kRows == 2) _tile_stored(2, sums[2], kTileStride);
  if constexpr (kRows == 2 && kColumns == 2) _tile_stored(3, sums[3], kTileStride);
}

/// Lanes of the column tile j that exist, of so many columns.
SIMDNN_INLINE __mmask16 lanes_of(Index columns, Index j) {
  const Index count = columns - j * kTileRows;
  return __mmask16(count >= kTileRows ? 0xffffu : count <= 0 ? 0u : (1u << count) - 1);
}

/// Copies rows [row, row + rows) of the matrix that a part is added to into tiles of sums, with zeros beyond.
inline void load_sums(const Bf16Part& part, Index row, Index rows, float (*sums)[kTileSums]) {
  const float* from = part.c_init(row);
  for (Index i = 0; i < 2 * kTileRows; ++i, from += part.c_init_stride()) {
    for (Index j = 0; j < 2; ++j) {
      const __mmask16 lanes = i < rows ? lanes_of(part.columns, j) : __mmask16(0);
      float* const to = sums[2 * (i / kTileRows) + j] + i % kTileRows * kTileRows;
      _mm512_store_ps(to, lanes ? _mm512_maskz_loadu_ps(lanes, from + j * kTileRows) : _mm512_setzero_ps());
    }
  }
}

/// Stores tiles of sums to rows of c; every NaN becomes the same one.
inline void store_sums(const Bf16Part& part, Index row, Index rows, float (*sums)[kTileSums]) {
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff), infinity = _mm512_set1_epi32(0x7f800000);
  const __m512i nan = _mm512_set1_epi32(0x7fc00000);
  const Index written = part.product.padded ? parts_of(part.columns, kTileRows) * kTileRows : part.columns;
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j * kTileRows < part.columns; ++j) {
      const __m512i x = _mm512_load_si512(sums[2 * (i / kTileRows) + j] + i % kTileRows * kTileRows);
      const __mmask16 wrong = _mm512_cmpgt_epi32_mask(_mm512_and_si512(x, magnitude), infinity);
      const __m512i y = _mm512_mask_mov_epi32(x, wrong, nan);
      _mm512_mask_storeu_epi32(part.c(row + i) + j * kTileRows, lanes_of(written, j), y);
    }
  }
}

/// Arithmetic of tiles.
struct TileArithmetic {
  static constexpr Index kUnit = kTileRows, kPanelUnits = 2;

  static void pack_a(const Operand<Bf16>& m, Bf16* to) { pack_tiles<false>(m, to); }
  static void pack_b(const Operand<Bf16>& m, Bf16* to) { pack_tiles<true>(transposed(m), to); }

  static void multiply(const Bf16Part& part, const Bf16* a, const Bf16* b) {
    constexpr Index most = 2 * kTileRows;
    alignas(64) float sums[4][kTileSums];
    const Index blocks = blocks_of(part.depth);
    const bool wide = part.columns > kTileRows;
    for (Index row = 0; row < part.rows; row += most, a += 2 * blocks * kTileFactors) {
      const Index rows = least(most, part.rows - row);
      const bool zero = part.c_init(row) == nullptr;
      if (!zero) load_sums(part, row, rows, sums);
      const auto run = rows > kTileRows ? (wide ? multiply_tiles<2, 2> : multiply_tiles<2, 1>)
                                        : (wide ? multiply_tiles<1, 2> : multiply_tiles<1, 1>);
      run(a, b, blocks, zero, sums);
      store_sums(part, row, rows, sums);
      part.finish(row, rows, parts_of(part.columns, kTileRows) * kTileRows);
    }
  }
};

/// Computes a product by tiles; without scratch memory in small parts.
inline void tile_product(const Bf16Product& p) {
  const TileScope scope;
  if (void* const memory = p.scratch ? p.scratch() : nullptr) {
    constexpr Index depth = 512, panel = 2 * kTileRows;
    constexpr Index rows = (Index(kProductScratch / sizeof(Bf16)) / depth - panel) / panel * panel;
    Bf16* const b = static_cast<Bf16*>(memory);
    return bf16_parts<TileArithmetic>(p, {depth, rows}, b + depth * panel, b);
  }
  constexpr Index depth = 128, rows = 64;
  alignas(64) Bf16 a[depth * rows], b[depth * 2 * kTileRows];
  bf16_parts<TileArithmetic>(p, {depth, rows}, a, b);
}

SIMDNN_LEVEL_END
