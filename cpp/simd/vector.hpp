// Vector registers as values, for matrix products, transposition and sums in lanes; compilers vectorize other loops.
#pragma once

#include "level.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

SIMDNN_LEVEL_BEGIN

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#elif defined(__aarch64__)
constexpr int kVectorBytes = 16;
#else
constexpr int kVectorBytes = 16;
#endif

typedef float F32Vector __attribute__((vector_size(kVectorBytes)));
typedef double F64Vector __attribute__((vector_size(kVectorBytes)));
typedef std::uint32_t U32Vector __attribute__((vector_size(kVectorBytes)));
typedef std::uint64_t U64Vector __attribute__((vector_size(kVectorBytes)));
template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  using type = F32Vector;
};
template <>
struct VectorOf<double> {
  using type = F64Vector;
};
template <>
struct VectorOf<std::uint32_t> {
  using type = U32Vector;
};
template <>
struct VectorOf<std::uint64_t> {
  using type = U64Vector;
};
template <class T>
using Vector = typename VectorOf<T>::type;
template <class T>
constexpr int kWidth = kVectorBytes / int(sizeof(T));

template <class T>
SIMDNN_INLINE Vector<T> load_vector(const T* from) {
  Vector<T> x;
  __builtin_memcpy(&x, from, sizeof x);
  return x;
}
template <class T>
SIMDNN_INLINE void store_vector(Vector<T> x, T* to) {
  __builtin_memcpy(to, &x, sizeof x);
}

/// Stops GCC from reloading the value from memory on each use.
template <class V>
SIMDNN_INLINE V keep_in_register(V x) {
#if defined(__x86_64__)
  __asm__("" : "+v"(x));
#else
  __asm__("" : "+w"(x));
#endif
  return x;
}

/// Converts a register of floats to two of doubles, and back. (GCC splits __builtin_convertvector into scalars.)
#if defined(__AVX512F__)
SIMDNN_INLINE void widen(F32Vector x, F64Vector& low, F64Vector& high) {
  low = _mm512_cvtps_pd(_mm512_castps512_ps256(x));
  high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
}
SIMDNN_INLINE F32Vector narrow(F64Vector low, F64Vector high) {
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low)), _mm512_cvtpd_ps(high), 1);
}
#elif defined(__AVX2__)
SIMDNN_INLINE void widen(F32Vector x, F64Vector& low, F64Vector& high) {
  low = _mm256_cvtps_pd(_mm256_castps256_ps128(x));
  high = _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
}
SIMDNN_INLINE F32Vector narrow(F64Vector low, F64Vector high) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(low)), _mm256_cvtpd_ps(high), 1);
}
#elif defined(__aarch64__)
SIMDNN_INLINE void widen(F32Vector x, F64Vector& low, F64Vector& high) {
  low = vcvt_f64_f32(vget_low_f32(x));
  high = vcvt_high_f64_f32(x);
}
SIMDNN_INLINE F32Vector narrow(F64Vector low, F64Vector high) { return vcvt_high_f32_f64(vcvt_f32_f64(low), high); }
#else
SIMDNN_INLINE void widen(F32Vector x, F64Vector& low, F64Vector& high) {
  low = _mm_cvtps_pd(x);
  high = _mm_cvtps_pd(_mm_movehl_ps(x, x));
}
SIMDNN_INLINE F32Vector narrow(F64Vector low, F64Vector high) {
  return _mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high));
}
#endif

template <class T>
SIMDNN_INLINE Vector<T> broadcast(T x) {
  return x - Vector<T>{};  // x - 0 is x for every x, including -0
}

/// The vector 0, 1, 2 ...
template <class T>
SIMDNN_INLINE Vector<T> iota() {
  Vector<T> x;
  for (int l = 0; l < kWidth<T>; ++l) x[l] = T(l);
  return x;
}

/// Masked load and store of the first `count` elements, clamped to [0, kWidth]. A load fills up with `rest`; memory
/// beyond `count` is untouched.
#if defined(__AVX512F__)
template <class T>
SIMDNN_INLINE unsigned mask_of(int count) {
  return count >= kWidth<T> ? ~0u : (count <= 0 ? 0u : (1u << count) - 1);
}
SIMDNN_INLINE F32Vector load_part(const float* from, int count, float rest) {
  return _mm512_mask_loadu_ps(_mm512_set1_ps(rest), __mmask16(mask_of<float>(count)), from);
}
SIMDNN_INLINE F64Vector load_part(const double* from, int count, double rest) {
  return _mm512_mask_loadu_pd(_mm512_set1_pd(rest), __mmask8(mask_of<double>(count)), from);
}
SIMDNN_INLINE void store_part(F32Vector x, float* to, int count) {
  _mm512_mask_storeu_ps(to, __mmask16(mask_of<float>(count)), x);
}
SIMDNN_INLINE void store_part(F64Vector x, double* to, int count) {
  _mm512_mask_storeu_pd(to, __mmask8(mask_of<double>(count)), x);
}
#else
template <class T>
SIMDNN_INLINE Vector<T> load_part(const T* from, int count, T rest) {
  if (count >= kWidth<T>) return load_vector(from);
  T x[kWidth<T>];
  for (int l = 0; l < kWidth<T>; ++l) x[l] = l < count ? from[l] : rest;
  return load_vector(x);
}
template <class T>
SIMDNN_INLINE void store_part(Vector<T> x, T* to, int count) {
  if (count >= kWidth<T>) return store_vector(x, to);
  for (int l = 0; l < count; ++l) to[l] = x[l];
}
#endif

#if defined(__AVX512F__)
SIMDNN_INLINE F32Vector fma(F32Vector a, F32Vector b, F32Vector c) { return _mm512_fmadd_ps(a, b, c); }
SIMDNN_INLINE F64Vector fma(F64Vector a, F64Vector b, F64Vector c) { return _mm512_fmadd_pd(a, b, c); }
#elif defined(__FMA__)
SIMDNN_INLINE F32Vector fma(F32Vector a, F32Vector b, F32Vector c) { return _mm256_fmadd_ps(a, b, c); }
SIMDNN_INLINE F64Vector fma(F64Vector a, F64Vector b, F64Vector c) { return _mm256_fmadd_pd(a, b, c); }
#elif defined(__aarch64__)
SIMDNN_INLINE F32Vector fma(F32Vector a, F32Vector b, F32Vector c) { return vfmaq_f32(c, a, b); }
SIMDNN_INLINE F64Vector fma(F64Vector a, F64Vector b, F64Vector c) { return vfmaq_f64(c, a, b); }
#else
template <class V>
SIMDNN_NOINLINE V fma(V a, V b, V c) {  // calls for each element, which would be most of the code that surrounds them
  for (int i = 0; i < int(sizeof(V) / sizeof(a[0])); ++i) c[i] = fma(a[i], b[i], c[i]);
  return c;
}
#endif

/// Looks up elements of a table of sixteen by the low four bits of each index.
#if defined(__AVX512F__)
SIMDNN_INLINE F32Vector lookup(const float* table, U32Vector index) {
  return _mm512_permutexvar_ps(__m512i(index), load_vector(table));
}
#elif defined(__AVX2__)
SIMDNN_INLINE F32Vector lookup(const float* table, U32Vector index) {
  const F32Vector low = _mm256_permutevar8x32_ps(load_vector(table), __m256i(index));
  const F32Vector high = _mm256_permutevar8x32_ps(load_vector(table + 8), __m256i(index));
  return _mm256_blendv_ps(low, high, F32Vector(index << 28));  // blend by the fourth bit of the index
}
#elif defined(__aarch64__)
SIMDNN_INLINE F32Vector lookup(const float* table, U32Vector index) {
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(table);
  const U32Vector first = (index & 15) * 0x04040404 + 0x03020100;  // indices of the four bytes of an element
  return F32Vector(vqtbl4q_u8(vld1q_u8_x4(bytes), uint8x16_t(first)));
}
#else
SIMDNN_INLINE F32Vector lookup(const float* table, U32Vector index) {
  index &= 15;
  return F32Vector{table[index[0]], table[index[1]], table[index[2]], table[index[3]]};
}
#endif

/// Interleaves elements of a and b, from the low or the high half of every sixteen bytes.
#if defined(__AVX512F__)
SIMDNN_INLINE F32Vector zip_low(F32Vector a, F32Vector b) { return _mm512_unpacklo_ps(a, b); }
SIMDNN_INLINE F32Vector zip_high(F32Vector a, F32Vector b) { return _mm512_unpackhi_ps(a, b); }
SIMDNN_INLINE F64Vector zip_low(F64Vector a, F64Vector b) { return _mm512_unpacklo_pd(a, b); }
SIMDNN_INLINE F64Vector zip_high(F64Vector a, F64Vector b) { return _mm512_unpackhi_pd(a, b); }
#elif defined(__AVX2__)
SIMDNN_INLINE F32Vector zip_low(F32Vector a, F32Vector b) { return _mm256_unpacklo_ps(a, b); }
SIMDNN_INLINE F32Vector zip_high(F32Vector a, F32Vector b) { return _mm256_unpackhi_ps(a, b); }
SIMDNN_INLINE F64Vector zip_low(F64Vector a, F64Vector b) { return _mm256_unpacklo_pd(a, b); }
SIMDNN_INLINE F64Vector zip_high(F64Vector a, F64Vector b) { return _mm256_unpackhi_pd(a, b); }
#elif defined(__aarch64__)
SIMDNN_INLINE F32Vector zip_low(F32Vector a, F32Vector b) { return vzip1q_f32(a, b); }
SIMDNN_INLINE F32Vector zip_high(F32Vector a, F32Vector b) { return vzip2q_f32(a, b); }
SIMDNN_INLINE F64Vector zip_low(F64Vector a, F64Vector b) { return vzip1q_f64(a, b); }
SIMDNN_INLINE F64Vector zip_high(F64Vector a, F64Vector b) { return vzip2q_f64(a, b); }
#else
SIMDNN_INLINE F32Vector zip_low(F32Vector a, F32Vector b) { return _mm_unpacklo_ps(a, b); }
SIMDNN_INLINE F32Vector zip_high(F32Vector a, F32Vector b) { return _mm_unpackhi_ps(a, b); }
SIMDNN_INLINE F64Vector zip_low(F64Vector a, F64Vector b) { return _mm_unpacklo_pd(a, b); }
SIMDNN_INLINE F64Vector zip_high(F64Vector a, F64Vector b) { return _mm_unpackhi_pd(a, b); }
#endif

/// Side of a square block whose rows are sixteen bytes.
template <class T>
constexpr int kSquare = 16 / int(sizeof(T));

/// Loads sixteen bytes from each of the rows 0, kSquare, 2 kSquare ... into one register, and stores them back.
template <class T>
SIMDNN_INLINE Vector<T> load_rows(const T* const* row, std::ptrdiff_t column) {
  [[maybe_unused]] const auto part = [&](int k) SIMDNN_LAMBDA_INLINE {
    return reinterpret_cast<const float*>(row[k * kSquare<T>] + column);
  };
#if defined(__AVX512F__)
  __m512 x = _mm512_castps128_ps512(_mm_loadu_ps(part(0)));
  x = _mm512_insertf32x4(x, _mm_loadu_ps(part(1)), 1);
  x = _mm512_insertf32x4(x, _mm_loadu_ps(part(2)), 2);
  return Vector<T>(_mm512_insertf32x4(x, _mm_loadu_ps(part(3)), 3));
#elif defined(__AVX2__)
  return Vector<T>(_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(part(0))), _mm_loadu_ps(part(1)), 1));
#else
  return load_vector(row[0] + column);
#endif
}
template <class T>
SIMDNN_INLINE void store_rows(Vector<T> x, T* const* row, std::ptrdiff_t column) {
  [[maybe_unused]] const auto part = [&](int k) SIMDNN_LAMBDA_INLINE {
    return reinterpret_cast<float*>(row[k * kSquare<T>] + column);
  };
#if defined(__AVX512F__)
  _mm_storeu_ps(part(0), _mm512_castps512_ps128(__m512(x)));
  _mm_storeu_ps(part(1), _mm512_extractf32x4_ps(__m512(x), 1));
  _mm_storeu_ps(part(2), _mm512_extractf32x4_ps(__m512(x), 2));
  _mm_storeu_ps(part(3), _mm512_extractf32x4_ps(__m512(x), 3));
#elif defined(__AVX2__)
  _mm_storeu_ps(part(0), _mm256_castps256_ps128(__m256(x)));
  _mm_storeu_ps(part(1), _mm256_extractf128_ps(__m256(x), 1));
#else
  store_vector(x, row[0] + column);
#endif
}

/// Transposes the squares that kSquare registers hold, each square in sixteen bytes of every register.
SIMDNN_INLINE void transpose_squares(F32Vector* x) {
  const F32Vector even_low = zip_low(x[0], x[2]), even_high = zip_high(x[0], x[2]);
  const F32Vector odd_low = zip_low(x[1], x[3]), odd_high = zip_high(x[1], x[3]);
  x[0] = zip_low(even_low, odd_low);
  x[1] = zip_high(even_low, odd_low);
  x[2] = zip_low(even_high, odd_high);
  x[3] = zip_high(even_high, odd_high);
}
SIMDNN_INLINE void transpose_squares(F64Vector* x) {
  const F64Vector low = zip_low(x[0], x[1]);
  x[1] = zip_high(x[0], x[1]);
  x[0] = low;
}

/// Transposes four rows of four columns; compilers turn this form into shuffles.
template <class T>
SIMDNN_INLINE void transpose_4x4(const T* const* from, std::ptrdiff_t from_offset, T* const* to,
                                 std::ptrdiff_t to_offset) {
  T x[4][4];
  SIMDNN_UNROLL
  for (int r = 0; r < 4; ++r) __builtin_memcpy(x[r], from[r] + from_offset, sizeof x[r]);
  SIMDNN_UNROLL
  for (int c = 0; c < 4; ++c) {
    const T y[4] = {x[0][c], x[1][c], x[2][c], x[3][c]};
    __builtin_memcpy(to[c] + to_offset, y, sizeof y);
  }
}

SIMDNN_LEVEL_END
