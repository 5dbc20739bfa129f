// Views of matrices: a row-major matrix, and a factor of a product with a stride for each axis.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>

namespace simdnn {

using Index = std::ptrdiff_t;

/// Rows of matrices in an arena are padded to a multiple of this many elements; owned buffers end in as much slack.
constexpr Index kPad = 16;
constexpr Index padded(Index n) { return (n + kPad - 1) / kPad * kPad; }

/// A factor of a product: a matrix [rows, columns] that is only read. Kernels of every level use these views, so their
/// functions are always inlined.
template <class T>
struct Operand {
  const T* data = nullptr;
  Index rows = 0, columns = 0;
  Index row_stride = 0, column_stride = 1;

  /// Rows [begin, begin + count).
  [[gnu::always_inline]] Operand row_range(Index begin, Index count) const {
    return {data + begin * row_stride, count, columns, row_stride, column_stride};
  }
  /// Columns [begin, begin + count).
  [[gnu::always_inline]] Operand column_range(Index begin, Index count) const {
    return {data + begin * column_stride, rows, count, row_stride, column_stride};
  }
};

/// A matrix [rows, columns] in memory that somebody else owns, with `stride` elements from one row to the next. A
/// matrix without data is empty, and so are its parts.
template <class T>
struct Matrix {
  using Value = std::remove_const_t<T>;

  T* data = nullptr;
  Index rows = 0, columns = 0, stride = 0;

  [[gnu::always_inline]] operator Matrix<const T>() const
    requires(!std::is_const_v<T>)
  {
    return {data, rows, columns, stride};
  }
  [[gnu::always_inline]] operator Operand<Value>() const { return {data, rows, columns, stride, 1}; }

  /// Row i.
  [[gnu::always_inline]] T* row(Index i) const { return data + i * stride; }
  /// Rows [0, count).
  [[gnu::always_inline]] Matrix first_rows(Index count) const { return {data, count, columns, stride}; }
  /// Rows [begin, begin + count).
  [[gnu::always_inline]] Matrix row_range(Index begin, Index count) const {
    return {data ? data + begin * stride : nullptr, count, columns, stride};
  }
  /// Columns [begin, begin + count).
  [[gnu::always_inline]] Matrix column_range(Index begin, Index count) const {
    return {data ? data + begin : nullptr, rows, count, stride};
  }
};

/// The transpose of a factor, in the same memory.
template <class T>
[[gnu::always_inline]] inline Operand<T> transposed(const Operand<T>& m) {
  return {m.data, m.columns, m.rows, m.column_stride, m.row_stride};
}
template <class T>
[[gnu::always_inline]] inline Operand<std::remove_const_t<T>> transposed(const Matrix<T>& m) {
  return {m.data, m.columns, m.rows, 1, m.stride};
}

/// One row that stands for any number of rows equal to it.
template <class T>
Matrix<T> broadcast(const Matrix<T>& row) {
  return {row.data, row.rows, row.columns, 0};
}

/// 1^T [1, columns], whose product with a matrix is the sum of its rows.
template <class T>
Operand<T> row_of_ones(Index columns) {
  static constexpr T one = 1;
  return {&one, 1, columns, 0, 0};
}

/// Copies a matrix to rows of another stride.
template <class T>
void copy_rows(const Matrix<const T>& from, T* to, Index stride) {
  for (Index i = 0; i < from.rows; ++i) {
    std::memcpy(to + i * stride, from.data + i * from.stride, std::size_t(from.columns) * sizeof(T));
  }
}

}  // namespace simdnn
