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
Product<T> product_rows(Product<T> p, Index begin, Index end) {
  p.a += begin * p.a_row;
  p.c += begin * p.c_row;
  if (p.c_init) p.c_init += begin * p.c_init_row;
  if (p.post_op.aux) p.post_op.aux += begin * p.c_row;
  p.rows = end - begin;
  return p;
}

/// Columns [begin, end) of a product.
template <class T>
Product<T> product_columns(Product<T> p, Index begin, Index end) {
  p.b += begin * p.b_column;
  p.c += begin;
  if (p.c_init) p.c_init += begin;
  if (p.post_op.aux) p.post_op.aux += begin;
  p.columns = end - begin;
  return p;
}

/// Columns [begin, end) of a product, or rows.
template <class T>
Product<T> product_part(const Product<T>& p, bool by_columns, Index begin, Index end) {
  return by_columns ? product_columns(p, begin, end) : product_rows(p, begin, end);
}

/// Computes p, split over threads by columns or by rows; long products ask the stop token between pieces. Parts by rows
/// would each copy the whole of a b that is read by its columns.
template <class T>
void multiply(const Product<T>& p, const StopToken& stop) {
  constexpr Index row_grain = 12, column_grain = 64, page = 4096 / Index(sizeof(T));
  const auto& run = typed_kernels<T>().product;
  const Nanoseconds work = product_work(p);
  if (work < kSerialBelow) {
    run(p);
    stop.after(work);
    return;
  }
  const bool packs = p.b_column != 1 || p.b_row >= page;
  const bool by_columns = p.columns >= 2 * column_grain && (packs || p.columns / column_grain > p.rows / row_grain);
  const Index n = by_columns ? p.columns : p.rows, grain = by_columns ? column_grain : row_grain;
  const Index grains = (n + grain - 1) / grain, num_pieces = std::min(grains, Index(work / kInterruptiblePiece) + 1);
  for (Index i = 0; i < num_pieces && !stop.stopped(); ++i) {
    const Index first = grains * i / num_pieces * grain, beyond = std::min(n, grains * (i + 1) / num_pieces * grain);
    parallel_for(beyond - first, grain, work / double(num_pieces),
                 [&](Index begin, Index end) { run(product_part(p, by_columns, first + begin, first + end)); });
    stop.after(work / double(num_pieces));
  }
}

}  // namespace simdnn
