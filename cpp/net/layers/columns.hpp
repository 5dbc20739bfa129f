// Work on columns or rows of a matrix, which threads may share: sums down the rows are never split.
#pragma once

#include <algorithm>

#include "../../threads/parallel.hpp"
#include "../layer.hpp"

namespace simdnn {

/// Columns that are worked on at once, so that the rows' parts stay in cache between one act and the next.
constexpr Index kColumns = 64;
static_assert(kColumns % kPad == 0);

/// Calls body(first, count) for blocks of columns, of so many rows.
template <class Body>
void for_columns(Index columns, Index rows, const Context& context, const Body& body) {
  const Nanoseconds work = kLayerElement * double(rows) * double(columns);
  parallel_for(columns, kColumns, work, [&](Index begin, Index end) {
    for (Index j = begin; j < end; j += kColumns) body(j, std::min(kColumns, end - j));
  });
  context.after(work);
}

/// A finish over columns [first, first + count) of m, and over the padding behind the last of them.
template <class T>
void finish_columns(const Finish<T>& finish, const Matrix<T>& m, Index first, Index count) {
  if (!finish.apply) return;
  T* const beside = finish.beside ? finish.beside + first : nullptr;
  finish.apply(m.data + first, beside, m.stride, m.rows, padded(count), finish.parameters);
}

/// Calls body(first, count) for blocks of rows.
template <class Body>
void for_rows(Index rows, Index columns, const Context& context, const Body& body) {
  constexpr Index grain = 16;
  const Nanoseconds work = kLayerElement * double(rows) * double(columns);
  parallel_for(rows, grain, work, [&](Index begin, Index end) {
    for (Index i = begin; i < end; i += grain) body(i, std::min(grain, end - i));
  });
  context.after(work);
}

/// A finish over rows [first, first + count) of m.
template <class T>
void finish_rows(const Finish<T>& finish, const Matrix<T>& m, Index first, Index count) {
  if (!finish.apply) return;
  T* const beside = finish.beside ? finish.beside + first * m.stride : nullptr;
  finish.apply(m.data + first * m.stride, beside, m.stride, count, m.stride, finish.parameters);
}

/// m += what begins at `from`.
template <class T>
void add_to(const T* from, Index stride, const Matrix<T>& m) {
  typed_kernels<T>().layers.add(m.data, m.stride, from, stride, m.data, m.stride, m.rows, m.columns);
}

}  // namespace simdnn
