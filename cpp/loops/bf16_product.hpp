// The product of bfloat16 factors by float32 arithmetic.
#pragma once

#include "bf16_parts.hpp"
#include "bf16_tiles.hpp"

SIMDNN_LEVEL_BEGIN

/// Widens a factor; subnormal elements become zeros of their sign, at the latest where the processor reads them.
SIMDNN_INLINE float widen_factor(Bf16 x) { return kHardwareFlushes ? from_bf16(x) : flush_subnormal(from_bf16(x)); }
inline void widen_factors(const Bf16* from, Index n, float* to) {
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) to[i] = widen_factor(from[i]);
}

/// Widens a matrix with contiguous columns, and transposes strips of it.
inline void widen_transposed(const Operand<Bf16>& m, float* to, Index stride) {
  constexpr Index strip = 16, longest = 256;
  alignas(64) float wide[strip * longest];
  for (Index j = 0; j < m.columns; j += strip) {
    const Index columns = least(strip, m.columns - j);
    for (Index i = 0; i < m.rows; i += longest) {
      const Index rows = least(longest, m.rows - i);
      for (Index l = 0; l < columns; ++l) {
        widen_factors(m.data + (j + l) * m.column_stride + i, rows, wide + l * longest);
      }
      transpose<float>(wide, longest, columns, rows, to + i * stride + j, stride);
    }
  }
}

/// Widens m, row by row, to rows of `stride` elements.
SIMDNN_INLINE void widen_rows(const Operand<Bf16>& m, float* to, Index stride) {
  for (Index i = 0; i < m.rows; ++i, to += stride) {
    const Bf16* const from = m.data + i * m.row_stride;
    if (m.column_stride == 1) {
      widen_factors(from, m.columns, to);
    } else {
      for (Index j = 0; j < m.columns; ++j) to[j] = widen_factor(from[j * m.column_stride]);
    }
  }
}

/// Widens m to rows of `stride` elements, whatever its order in memory.
inline void widen_matrix(const Operand<Bf16>& m, float* to, Index stride) {
  if (m.row_stride == 1 && m.column_stride != 1) return widen_transposed(m, to, stride);
  widen_rows(m, to, stride);
}

/// Computes rows of a part in tiles, from widened rows of a with `a_stride` elements.
template <class Rows>
void bf16_tiles(const Bf16Part& part, const float* a, Index a_stride, const Rows& b) {
  constexpr int width = kWidth<float>;
  const int vectors = int(parts_of(part.columns, width)), last = int(part.columns - (vectors - 1) * width);
  const Index tiles = parts_of(part.rows, tallest(vectors));
  for (Index i = 0; i < tiles; ++i) {
    const Index row = part.rows * i / tiles, rows = part.rows * (i + 1) / tiles - row;
    const Bf16Tile tile{.a = a + row * a_stride,
                        .a_row = a_stride,
                        .depth = part.depth,
                        .c_init = part.c_init(row),
                        .c_init_row = part.c_init_stride(),
                        .c = part.c(row),
                        .c_row = part.product.c.stride,
                        .last = last,
                        .stored = part.product.padded ? width : last};
    {
      const Flushing flushing;
      choose_tile<Bf16Tiles<Rows>>(int(rows), vectors)(tile, b);
    }
    part.finish(row, rows, vectors * width);
  }
}

/// Arithmetic of float32 for parts of at most `kDepth` values of k.
template <Index kDepth>
struct Float32Arithmetic {
  static constexpr Index kUnit = kWidth<float>, kPanelUnits = kTileVectors, kPanel = kUnit * kPanelUnits;

  static void pack_a(const Operand<Bf16>& m, float* to) { widen_matrix(m, to, kDepth); }

  static void pack_b(const Operand<Bf16>& m, float* to) {
    widen_matrix(m, to, kPanel);
    const Index whole = parts_of(m.columns, kUnit) * kUnit;
    for (Index k = 0; k < m.rows; ++k) {
      for (Index j = m.columns; j < whole; ++j) to[k * kPanel + j] = 0;
    }
  }

  static void multiply(const Bf16Part& part, const float* a, const float* b) {
    bf16_tiles(part, a, kDepth, WideRows{b, kPanel});
  }
};

/// Arithmetic for a few rows, which reads b where it is.
struct FewRowsArithmetic : Float32Arithmetic<1024> {
  static void pack_b(const Operand<Bf16>& m, float*) { (void)m; }
  static void multiply(const Bf16Part& part, const float* a, const float*) {
    const Operand<Bf16>& b = part.product.b;
    bf16_tiles(part, a, 1024, PlainRows{b.data + part.k * b.row_stride + part.column, b.row_stride});
  }
};

/// Computes a product; without scratch memory in small parts.
inline void bf16_product(const Bf16Product& p) {
  if (p.c.rows == 0 || p.c.columns == 0) return;
  constexpr Index few = 12;
  if (p.c.rows <= few && p.b.column_stride == 1) {
    alignas(64) float a[few * 1024];
    return bf16_parts<FewRowsArithmetic, float>(p, {1024, few}, a, nullptr);
  }
  if (void* const memory = p.scratch ? p.scratch() : nullptr) {
    using Arithmetic = Float32Arithmetic<256>;
    constexpr Index rows = Index(kProductScratch / sizeof(float)) / 256 - Arithmetic::kPanel;
    float* const b = static_cast<float*>(memory);
    return bf16_parts<Arithmetic>(p, {256, rows}, b + 256 * Arithmetic::kPanel, b);
  }
  using Arithmetic = Float32Arithmetic<64>;
  constexpr Index rows = 48;
  alignas(64) float a[64 * rows], b[64 * Arithmetic::kPanel];
  bf16_parts<Arithmetic>(p, {64, rows}, a, b);
}

SIMDNN_LEVEL_END
