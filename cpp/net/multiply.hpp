// A matrix product across threads: outputs are split, the sums never.
#pragma once

#include <algorithm>

#include "../dispatch.hpp"
#include "../threads/parallel.hpp"
#include "stop_token.hpp"

namespace simdnn {

/// Estimated time of a product on one core.
template <class T>
Nanoseconds product_work(const Product<T>& p) {
  return 2.0 * double(p.rows) * double(p.columns) * double(p.depth) * kFlop<T>;
}

/// Rows [begin, end) of a product.
template <class T>
Product<T> rows_of(Product<T> p, Index begin, Index end) {
  p.a += begin * p.a_row;
  p.c += begin * p.c_row;
  if (p.start) p.start += begin * p.start_row;
  if (p.finish.beside) p.finish.beside += begin * p.c_row;
  p.rows = end - begin;
  return p;
}

/// Columns [begin, end) of a product.
template <class T>
Product<T> columns_of(Product<T> p, Index begin, Index end) {
  p.b += begin * p.b_column;
  p.c += begin;
  if (p.start) p.start += begin;
  if (p.finish.beside) p.finish.beside += begin;
  p.columns = end - begin;
  return p;
}

/// Columns [begin, end) of a product, or rows.
template <class T>
Product<T> part_of(const Product<T>& p, bool by_columns, Index begin, Index end) {
  return by_columns ? columns_of(p, begin, end) : rows_of(p, begin, end);
}

/// Computes p, split over threads by columns or by rows; long products ask the interrupt between pieces. Parts by rows
/// would each copy the whole of a b that is read by its columns.
template <class T>
void multiply(const Product<T>& p, const Context& context) {
  constexpr Index row_grain = 12, column_grain = 64, page = 4096 / Index(sizeof(T));
  const auto& run = typed_kernels<T>().product;
  const Nanoseconds work = product_work(p);
  if (work < kSerialBelow) {
    run(p);
    context.after(work);
    return;
  }
  const bool packs = p.b_column != 1 || p.b_row >= page;
  const bool by_columns = p.columns >= 2 * column_grain && (packs || p.columns / column_grain > p.rows / row_grain);
  const Index n = by_columns ? p.columns : p.rows, grain = by_columns ? column_grain : row_grain;
  const Index grains = (n + grain - 1) / grain, pieces = std::min(grains, Index(work / kInterruptiblePiece) + 1);
  for (Index i = 0; i < pieces && !context.stopped(); ++i) {
    const Index first = grains * i / pieces * grain, beyond = std::min(n, grains * (i + 1) / pieces * grain);
    parallel_for(beyond - first, grain, work / double(pieces),
                 [&](Index begin, Index end) { run(part_of(p, by_columns, first + begin, first + end)); });
    context.after(work / double(pieces));
  }
}

}  // namespace simdnn
