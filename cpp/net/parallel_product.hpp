// A matrix product across threads, which share the outputs; one thread computes the whole sum of an output.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <memory>

#include "../dispatch.hpp"
#include "../threads/parallel.hpp"
#include "buffer.hpp"
#include "stop_token.hpp"

namespace simdnn {

/// Estimated time of a product on one core.
template <class T>
Nanoseconds product_work(const Product<T>& p) {
  return 2.0 * double(p.c.rows) * double(p.c.columns) * double(p.a.columns) * kFlop<T>;
}

/// Rows [begin, end) of a product: a Product<T> or a Bf16Product.
template <class P>
P product_rows(P p, Index begin, Index end) {
  p.a = p.a.row_range(begin, end - begin);
  p.c_init = p.c_init.row_range(begin, end - begin);
  if (p.post_op.aux) p.post_op.aux += begin * p.c.stride;
  p.c = p.c.row_range(begin, end - begin);
  return p;
}

/// Columns [begin, end) of a product.
template <class P>
P product_columns(P p, Index begin, Index end) {
  p.b = p.b.column_range(begin, end - begin);
  p.c_init = p.c_init.column_range(begin, end - begin);
  if (p.post_op.aux) p.post_op.aux += begin;
  p.c = p.c.column_range(begin, end - begin);
  return p;
}

/// Columns [begin, end) of a product if `by_columns`, else rows [begin, end).
template <class P>
P product_part(const P& p, bool by_columns, Index begin, Index end) {
  return by_columns ? product_columns(p, begin, end) : product_rows(p, begin, end);
}

/// Memory of this thread for packed operands, which it keeps; nullptr if there is none.
inline void* product_scratch() {
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  static thread_local std::unique_ptr<void, Free> scratch;
  if (!scratch) scratch.reset(std::aligned_alloc(kAlignment, kProductScratch));
  return scratch.get();
}

/// Runs a long product on several threads, split by columns or by rows. Parts by rows would each fetch the whole of b,
/// or pack it if `packs`. Very long products ask the stop token between pieces.
template <class P>
void multiply_in_parts(const P& p, void (*run)(const P&), bool packs, Nanoseconds work, const StopToken& stop) {
  constexpr Index row_grain = 12, column_grain = 64;
  const bool by_columns =
      p.c.columns >= 2 * column_grain && (packs || p.c.columns / column_grain > p.c.rows / row_grain);
  const Index n = by_columns ? p.c.columns : p.c.rows, grain = by_columns ? column_grain : row_grain;
  const Index grains = (n + grain - 1) / grain, num_pieces = std::min(grains, Index(work / kInterruptiblePiece) + 1);
  for (Index i = 0; i < num_pieces && !stop.stopped(); ++i) {
    const Index first = grains * i / num_pieces * grain, beyond = std::min(n, grains * (i + 1) / num_pieces * grain);
    parallel_for(beyond - first, grain, work / double(num_pieces), [&](Index begin, Index end) {
      P part = product_part(p, by_columns, first + begin, first + end);
      part.scratch = product_scratch;
      run(part);
    });
    stop.after(work / double(num_pieces));
  }
}

/// Computes c [rows, columns] = a [rows, depth] b [depth, columns]. Packing b costs most if its rows are far apart.
template <class T>
void multiply(const Product<T>& p, const StopToken& stop) {
  constexpr Index far = 2048 / Index(sizeof(T));
  assert(p.a.columns == p.b.rows && p.a.rows == p.c.rows && p.b.columns == p.c.columns);
  assert(p.c_init.data == nullptr || p.c_init.columns == p.c.columns);
  const auto& run = typed_kernels<T>().product;
  const Nanoseconds work = product_work(p);
  if (work < kSerialBelow) {
    run(p);
    stop.after(work);
    return;
  }
  multiply_in_parts(p, run, p.b.column_stride != 1 || p.b.row_stride >= far, work, stop);
}

/// Computes a product of bf16 factors, which packs b.
inline void multiply(const Bf16Product& p, const StopToken& stop) {
  assert(p.a.columns == p.b.rows && p.a.rows == p.c.rows && p.b.columns == p.c.columns);
  const auto run = kernels().bf16.product;
  const Nanoseconds flop = has_matrix_unit() ? kFlopOfUnit : kFlop<float>;
  const Nanoseconds work = 2.0 * double(p.c.rows) * double(p.c.columns) * double(p.a.columns) * flop;
  if (work < kSerialBelow) {
    run(p);
    stop.after(work);
    return;
  }
  multiply_in_parts(p, run, true, work, stop);
}

}  // namespace simdnn
