// Registers as values: for the matrix product, and for sums that a loop carries in lanes. All else is left to the
// compiler's vectoriser.
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

typedef float FloatVector __attribute__((vector_size(kVectorBytes)));
typedef double DoubleVector __attribute__((vector_size(kVectorBytes)));
template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  using type = FloatVector;
};
template <>
struct VectorOf<double> {
  using type = DoubleVector;
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

/// As many floats as a register holds doubles, and back. (GCC takes __builtin_convertvector apart.)
#if defined(__AVX512F__)
SIMDNN_INLINE DoubleVector widen(const float* from) { return _mm512_cvtps_pd(_mm256_loadu_ps(from)); }
SIMDNN_INLINE void narrow(DoubleVector x, float* to) { _mm256_storeu_ps(to, _mm512_cvtpd_ps(x)); }
#elif defined(__AVX2__)
SIMDNN_INLINE DoubleVector widen(const float* from) { return _mm256_cvtps_pd(_mm_loadu_ps(from)); }
SIMDNN_INLINE void narrow(DoubleVector x, float* to) { _mm_storeu_ps(to, _mm256_cvtpd_ps(x)); }
#elif defined(__aarch64__)
SIMDNN_INLINE DoubleVector widen(const float* from) { return vcvt_f64_f32(vld1_f32(from)); }
SIMDNN_INLINE void narrow(DoubleVector x, float* to) { vst1_f32(to, vcvt_f32_f64(x)); }
#else
SIMDNN_INLINE DoubleVector widen(const float* from) { return DoubleVector{double(from[0]), double(from[1])}; }
SIMDNN_INLINE void narrow(DoubleVector x, float* to) {
  to[0] = float(x[0]);
  to[1] = float(x[1]);
}
#endif
SIMDNN_INLINE DoubleVector widen(const double* from) {
  DoubleVector x;
  __builtin_memcpy(&x, from, sizeof x);
  return x;
}
SIMDNN_INLINE void narrow(DoubleVector x, double* to) { __builtin_memcpy(to, &x, sizeof x); }

template <class T>
SIMDNN_INLINE Vector<T> broadcast(T x) {
  return x - Vector<T>{};  // x - 0 is x for every x, -0 included
}

#if defined(__AVX512F__)
SIMDNN_INLINE FloatVector fma(FloatVector a, FloatVector b, FloatVector c) { return _mm512_fmadd_ps(a, b, c); }
SIMDNN_INLINE DoubleVector fma(DoubleVector a, DoubleVector b, DoubleVector c) { return _mm512_fmadd_pd(a, b, c); }
#elif defined(__FMA__)
SIMDNN_INLINE FloatVector fma(FloatVector a, FloatVector b, FloatVector c) { return _mm256_fmadd_ps(a, b, c); }
SIMDNN_INLINE DoubleVector fma(DoubleVector a, DoubleVector b, DoubleVector c) { return _mm256_fmadd_pd(a, b, c); }
#elif defined(__aarch64__)
SIMDNN_INLINE FloatVector fma(FloatVector a, FloatVector b, FloatVector c) { return vfmaq_f32(c, a, b); }
SIMDNN_INLINE DoubleVector fma(DoubleVector a, DoubleVector b, DoubleVector c) { return vfmaq_f64(c, a, b); }
#else
template <class V>
SIMDNN_INLINE V fma(V a, V b, V c) {
  for (int i = 0; i < int(sizeof(V) / sizeof(a[0])); ++i) c[i] = fma(a[i], b[i], c[i]);
  return c;
}
#endif

/// Four columns of four rows, rows becoming columns: written so that it becomes shuffles.
template <class T>
SIMDNN_INLINE void turn_block(const T* const* from, std::ptrdiff_t from_offset, T* const* to,
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
