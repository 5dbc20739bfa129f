// Loops over blocks of columns or rows of a matrix, in parallel; a sum over the rows is never split.
#pragma once

#include <algorithm>

#include "../../threads/parallel.hpp"
#include "../layer.hpp"

namespace simdnn {

/// Number of columns in a block, which stays in cache from one operation to the next.
constexpr Index kColumns = 64;
static_assert(kColumns % kPad == 0);

/// Calls body(first, count) for blocks of the columns of a matrix [rows, columns].
template <class Body>
void for_columns(Index columns, Index rows, const StopToken& stop, const Body& body) {
  const Nanoseconds work = kLayerElement * double(rows) * double(columns);
  parallel_for(columns, kColumns, work, [&](Index begin, Index end) {
    for (Index j = begin; j < end; j += kColumns) body(j, std::min(kColumns, end - j));
  });
  stop.after(work);
}

/// Applies a post-op to columns [first, first + count) of m, and to the padding after the last of them.
template <class T>
void apply_to_columns(const PostOp<T>& post_op, const Matrix<T>& m, Index first, Index count) {
  if (!post_op.apply) return;
  T* const aux = post_op.aux ? post_op.aux + first : nullptr;
  post_op.apply(m.data + first, aux, m.stride, m.rows, padded(count), post_op.parameters);
}

/// Calls body(first, count) for blocks of the rows of a matrix [rows, columns].
template <class Body>
void for_rows(Index rows, Index columns, const StopToken& stop, const Body& body) {
  constexpr Index grain = 16;
  const Nanoseconds work = kLayerElement * double(rows) * double(columns);
  parallel_for(rows, grain, work, [&](Index begin, Index end) {
    for (Index i = begin; i < end; i += grain) body(i, std::min(grain, end - i));
  });
  stop.after(work);
}

/// Applies a post-op to rows [first, first + count) of m.
template <class T>
void apply_to_rows(const PostOp<T>& post_op, const Matrix<T>& m, Index first, Index count) {
  if (!post_op.apply) return;
  T* const aux = post_op.aux ? post_op.aux + first * m.stride : nullptr;
  post_op.apply(m.data + first * m.stride, aux, m.stride, count, m.stride, post_op.parameters);
}

/// m += from, a matrix of m's shape whose rows are `stride` apart.
template <class T>
void add_to(const T* from, Index stride, const Matrix<T>& m) {
  typed_kernels<T>().layers.add(m.data, m.stride, from, stride, m.data, m.stride, m.rows, m.columns);
}

}  // namespace simdnn
