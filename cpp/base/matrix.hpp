// A view of a row-major matrix.
#pragma once

#include <cstring>
#include <type_traits>

#include "views.hpp"

namespace simdnn {

/// A non-owning view of a matrix [rows, columns], with `stride` elements from one row to the next.
template <class T>
struct Matrix {
  T* data = nullptr;
  Index rows = 0, columns = 0, stride = 0;

  operator Matrix<const T>() const
    requires(!std::is_const_v<T>)
  {
    return {data, rows, columns, stride};
  }
};

/// Copies a matrix to rows of another stride.
template <class T>
void copy_rows(const Matrix<const T>& from, T* to, Index stride) {
  for (Index i = 0; i < from.rows; ++i) {
    std::memcpy(to + i * stride, from.data + i * from.stride, std::size_t(from.columns) * sizeof(T));
  }
}

}  // namespace simdnn
