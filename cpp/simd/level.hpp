// The namespace of code that is compiled once per instruction-set level, and scalar primitives for it.
//
// Everything in simd/, math/, ops/ and loops/ lives in simdnn::<level>::(anonymous): internal linkage, so the
// linker can never hand an AVX-512 copy of a function to a CPU without it. No std function is called here.
#pragma once

#include <cstddef>
#include <cstdint>

#ifndef SIMDNN_LEVEL
#error "compile with -DSIMDNN_LEVEL=v2, v3, v4 or neon"
#endif

#define SIMDNN_LEVEL_BEGIN \
  namespace simdnn {       \
  namespace SIMDNN_LEVEL { \
  namespace {
#define SIMDNN_LEVEL_END \
  }                      \
  }                      \
  }

// Elementwise loops may run in place (output equal to an input), never with a shifted overlap.
#if defined(__clang__)
#define SIMDNN_VECTORIZE _Pragma("clang loop vectorize(assume_safety)")
#define SIMDNN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define SIMDNN_VECTORIZE _Pragma("GCC ivdep")
#define SIMDNN_UNROLL _Pragma("GCC unroll 16")
#endif

// Everything is inlined where fma is an instruction. Where it is a call, other calls cost little, and code stays small.
#if defined(__FMA__) || defined(__aarch64__)
#define SIMDNN_INLINE inline __attribute__((always_inline))
#define SIMDNN_LAMBDA_INLINE __attribute__((always_inline))
#else
#define SIMDNN_INLINE inline
#define SIMDNN_LAMBDA_INLINE
#endif
#define SIMDNN_NOINLINE __attribute__((noinline))

SIMDNN_LEVEL_BEGIN

/// Number of virtual lanes of a reduction at every level, so that the order of its additions never changes.
constexpr int kLanes = 16;

/// True at a level without a fused multiply-add, where fma is a call for each element.
#if defined(__FMA__) || defined(__aarch64__)
constexpr bool kEmulatedFma = false;
#else
constexpr bool kEmulatedFma = true;
#endif

SIMDNN_INLINE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
SIMDNN_INLINE double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
SIMDNN_INLINE float sqrt(float x) { return __builtin_sqrtf(x); }
SIMDNN_INLINE double sqrt(double x) { return __builtin_sqrt(x); }
SIMDNN_INLINE float abs(float x) { return __builtin_fabsf(x); }
SIMDNN_INLINE double abs(double x) { return __builtin_fabs(x); }
SIMDNN_INLINE float copysign(float magnitude, float sign) { return __builtin_copysignf(magnitude, sign); }
SIMDNN_INLINE double copysign(double magnitude, double sign) { return __builtin_copysign(magnitude, sign); }

/// Sign of x: 1, +-0 or -1; NaN for NaN.
template <class T>
SIMDNN_INLINE T sign(T x) {
  return copysign(abs(x) > 0 ? T(1) : abs(x), x);
}

/// Scalar type of a value, which is a scalar or a block of lanes.
template <class V>
struct ScalarOf {
  using type = V;
};
template <class V>
using Scalar = typename ScalarOf<V>::type;
template <class V>
constexpr bool kIsF32 = sizeof(Scalar<V>) == sizeof(float);

template <class T, class Word, class Signed>
struct ScalarBits {
  using type = Word;
  using signed_type = Signed;
  static SIMDNN_INLINE Word of(T x) { return __builtin_bit_cast(Word, x); }
  static SIMDNN_INLINE T back(Word bits) { return __builtin_bit_cast(T, bits); }
};

template <class V>
struct Bits;
template <>
struct Bits<float> : ScalarBits<float, std::uint32_t, std::int32_t> {};
template <>
struct Bits<double> : ScalarBits<double, std::uint64_t, std::int64_t> {};

template <class V>
SIMDNN_INLINE typename Bits<V>::type to_bits(V x) {
  return Bits<V>::of(x);
}
template <class V>
SIMDNN_INLINE V from_bits(typename Bits<V>::type bits) {
  return Bits<V>::back(bits);
}

SIMDNN_LEVEL_END
