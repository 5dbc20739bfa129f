// The order of loops of a product of bfloat16 factors: parts whose packed factors stay in the caches.
#pragma once

#include "tiles.hpp"

SIMDNN_LEVEL_BEGIN

/// A part of a product: it adds values [k, k + depth) to rows [row, row + rows) and columns [column, column + columns).
struct Bf16Part {
  const Bf16Product& product;
  Index k, depth, row, rows, column, columns;

  bool first() const { return k == 0; }
  bool last() const { return k + depth == product.a.columns; }
  /// c at a row of the part.
  float* c(Index i) const { return product.c.row(row + i) + column; }
  /// The matrix that the part is added to, at a row of the part; nullptr: zeros.
  const float* c_init(Index i) const {
    const Matrix<const float>& init = product.c_init;
    return !first() ? c(i) : init.data ? init.row(row + i) + column : nullptr;
  }
  Index c_init_stride() const { return first() ? product.c_init.stride : product.c.stride; }
  /// Applies the post-op to `count` finished rows of the part, and to `width` columns.
  void finish(Index i, Index count, Index width) const {
    const PostOp<float>& f = product.post_op;
    if (!f.apply || !last()) return;
    float* const aux = f.aux ? f.aux + (row + i) * product.c.stride + column : nullptr;
    f.apply(c(i), aux, product.c.stride, count, width, f.parameters);
  }
};

/// Most values of k and most rows of a part.
struct Bf16PartSize {
  Index depth, rows;
};

/// Computes a product in parts. The arithmetic packs rows of a, and panels of at most `kPanelUnits` times `kUnit`
/// columns of b, into buffers of its elements.
template <class Arithmetic, class Element>
void bf16_parts(const Bf16Product& p, const Bf16PartSize& size, Element* a, Element* b) {
  constexpr Index unit = Arithmetic::kUnit;
  const Index units = parts_of(p.c.columns, unit), panels = parts_of(units, Arithmetic::kPanelUnits);
  Index k = 0;
  do {
    const Index depth = least(size.depth, p.a.columns - k);
    for (Index row = 0; row < p.c.rows; row += size.rows) {
      const Index rows = least(size.rows, p.c.rows - row);
      Arithmetic::pack_a(p.a.row_range(row, rows).column_range(k, depth), a);
      for (Index j = 0; j < panels; ++j) {
        const Index column = j * units / panels * unit;
        const Index columns = least((j + 1) * units / panels * unit, p.c.columns) - column;
        Arithmetic::pack_b(p.b.row_range(k, depth).column_range(column, columns), b);
        Arithmetic::multiply({p, k, depth, row, rows, column, columns}, a, b);
      }
    }
    k += size.depth;
  } while (k < p.a.columns);
}

SIMDNN_LEVEL_END
