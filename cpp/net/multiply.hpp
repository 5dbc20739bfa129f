// A matrix product across threads: outputs are split, the sums never.
#pragma once

#include "../dispatch.hpp"
#include "../parallel.hpp"
#include "interrupt.hpp"

namespace simdnn {

/// Estimated nanoseconds of a product on one core.
template <class T>
double product_nanoseconds(const Product<T>& p) {
  constexpr double flops_per_nanosecond = sizeof(T) == 4 ? 80 : 40;
  return 2.0 * double(p.rows) * double(p.columns) * double(p.depth) / flops_per_nanosecond;
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

/// Computes p, split over threads by rows or by columns; long products ask the interrupt between pieces.
template <class T>
void multiply(const Product<T>& p, const Context& context) {
  constexpr Index row_grain = 24, column_grain = 64;
  constexpr double piece = 2e7;  // nanoseconds between questions to the interrupt
  const auto& run = typed_kernels<T>().product;
  const double work = product_nanoseconds(p);
  if (work < kSerialBelow) {
    run(p);
    context.after(work);
    return;
  }
  const Index pieces = Index(work / piece) + 1;
  const Index rows = (p.rows + pieces - 1) / pieces;
  for (Index begin = 0; begin < p.rows && !context.stopped(); begin += rows) {
    const Product<T> part = rows_of(p, begin, begin + rows < p.rows ? begin + rows : p.rows);
    const double share = work / double(pieces);
    if (part.rows >= 2 * row_grain || part.columns < 2 * column_grain) {
      parallel_for(part.rows, row_grain, share, [&](Index i, Index j) { run(rows_of(part, i, j)); });
    } else {
      parallel_for(part.columns, column_grain, share, [&](Index i, Index j) { run(columns_of(part, i, j)); });
    }
    context.after(share);
  }
}

}  // namespace simdnn
