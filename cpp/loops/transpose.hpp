// Transposition of matrices, in square blocks that stay in registers.
#pragma once

#include "../base/views.hpp"
#include "../simd/vector.hpp"

SIMDNN_LEVEL_BEGIN

/// b[j, i] = a[i, j] for a block of kSide rows and columns.
template <int kSide, class T>
SIMDNN_INLINE void transpose_block(const T* a, Index a_row, T* b, Index b_row) {
  if constexpr (kSide == 4) {
    const T* const row[4] = {a, a + a_row, a + 2 * a_row, a + 3 * a_row};
    T* const column[4] = {b, b + b_row, b + 2 * b_row, b + 3 * b_row};
    transpose_4x4(row, 0, column, 0);
  } else {
    *b = *a;
  }
}

#if defined(__AVX__)
/// Largest side of a block that is faster with shuffles than with scalar copies.
template <class T>
constexpr int kLargestSquare = sizeof(T) == 4 ? 8 : 4;

/// Block of eight floats with AVX: rows i and i + 4 share a register, so that shuffles stay within its halves.
template <>
SIMDNN_INLINE void transpose_block<8>(const float* a, Index a_row, float* b, Index b_row) {
  SIMDNN_UNROLL
  for (int half = 0; half < 2; ++half, a += 4, b += 4 * b_row) {
    __m256 x[4];
    SIMDNN_UNROLL
    for (int i = 0; i < 4; ++i) {
      const __m256 low = _mm256_castps128_ps256(_mm_loadu_ps(a + i * a_row));
      x[i] = _mm256_insertf128_ps(low, _mm_loadu_ps(a + (i + 4) * a_row), 1);
    }
    const __m256 first = _mm256_unpacklo_ps(x[0], x[1]), second = _mm256_unpackhi_ps(x[0], x[1]);
    const __m256 third = _mm256_unpacklo_ps(x[2], x[3]), fourth = _mm256_unpackhi_ps(x[2], x[3]);
    _mm256_storeu_ps(b, _mm256_shuffle_ps(first, third, 0x44));
    _mm256_storeu_ps(b + b_row, _mm256_shuffle_ps(first, third, 0xee));
    _mm256_storeu_ps(b + 2 * b_row, _mm256_shuffle_ps(second, fourth, 0x44));
    _mm256_storeu_ps(b + 3 * b_row, _mm256_shuffle_ps(second, fourth, 0xee));
  }
}
#else
template <class T>
constexpr int kLargestSquare = 4;
#endif

/// b[j, i] = a[i, j], in blocks of kSide rows and columns, and the remainder in smaller blocks.
template <class T, int kSide = kLargestSquare<T>>
void transpose(const T* a, Index a_row, Index rows, Index columns, T* b, Index b_row) {
  const Index whole_rows = rows / kSide * kSide, whole_columns = columns / kSide * kSide;
  for (Index i = 0; i < whole_rows; i += kSide) {
    for (Index j = 0; j < whole_columns; j += kSide)
      transpose_block<kSide>(a + i * a_row + j, a_row, b + j * b_row + i, b_row);
  }
  if constexpr (kSide > 1) {
    constexpr int smaller = kSide == 8 ? 4 : 1;
    transpose<T, smaller>(a + whole_columns, a_row, whole_rows, columns - whole_columns, b + whole_columns * b_row,
                          b_row);
    transpose<T, smaller>(a + whole_rows * a_row, a_row, rows - whole_rows, columns, b + whole_rows, b_row);
  }
}

SIMDNN_LEVEL_END
