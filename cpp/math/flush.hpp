// Flushes of tiny numbers to zero, because some processors spend a hundred cycles on each subnormal operand or result.
//
// Integers are compared, and masked: a floating-point comparison of a subnormal number sets the processor's status flag
// for such operands, and compilers move conversions and products before a select. NaN stays NaN, -0 becomes 0.
#pragma once

#include "../simd/lanes.hpp"

SIMDNN_LEVEL_BEGIN

/// The smallest magnitude of a gradient in a backward pass. A product of two such numbers is a normal number.
template <class T>
constexpr T kLeastGradient = kIsF32<T> ? T(0x1p-63) : T(0x1p-511);

/// The smallest normal number.
template <class T>
constexpr T kLeastNormal = kIsF32<T> ? T(0x1p-126) : T(0x1p-1022);

/// x, but 0 where |x| < |least|.
template <class T>
SIMDNN_INLINE T flush_below(T least, T x) {
  using Word = typename Bits<T>::type;
  using Signed = typename Bits<T>::signed_type;
  return from_bits<T>(to_bits(x) & -Word(Signed(to_bits(abs(x))) >= Signed(to_bits(abs(least)))));
}

template <class T>
SIMDNN_INLINE Vector<T> flush_register(Vector<T> least, Vector<T> x) {
  using Word = typename Bits<T>::type;
  using Signed = decltype(x < x);
  const Vector<Word> magnitude = broadcast<Word>(Word(-1) >> 1), bits = Vector<Word>(x);
  return Vector<T>(bits & Vector<Word>(Signed(bits & magnitude) >= Signed(Vector<Word>(least) & magnitude)));
}
SIMDNN_INLINE F32Vector flush_below(F32Vector least, F32Vector x) { return flush_register<float>(least, x); }
SIMDNN_INLINE F64Vector flush_below(F64Vector least, F64Vector x) { return flush_register<double>(least, x); }
template <class T, int kBlocks>
SIMDNN_INLINE Lanes<T, kBlocks> flush_below(const Lanes<T, kBlocks>& least, const Lanes<T, kBlocks>& x) {
  return Lanes<T, kBlocks>::map(
      [](Vector<T> least, Vector<T> x) SIMDNN_LAMBDA_INLINE { return flush_register<T>(least, x); }, least, x);
}

/// A gradient, or a factor of one, but 0 if it is tiny. V is a scalar or lanes.
template <class V>
SIMDNN_INLINE V flush_tiny(const V& x) {
  return flush_below(V(kLeastGradient<Scalar<V>>), x);
}

/// A factor of a gradient of type T, computed in double, but 0 if it is tiny there. Products of factors of floats are
/// normal numbers in double.
template <class T, class D>
SIMDNN_INLINE D flush_wide(const D& x) {
  if constexpr (kIsF32<T>) return x;
  return flush_tiny(x);
}

/// Conversion of a gradient, or of a factor of one, from double to T, which is never subnormal. D is double or lanes.
template <class T, class D>
SIMDNN_INLINE auto narrow_gradient(const D& x) {
  return narrow<T>(flush_below(D(kLeastGradient<T>), x));
}

/// Conversion of a coefficient of a gradient's formula, whose products with numbers of all sizes are added up. It
/// counts far below a gradient, and is 0 before its products with differences of rounded numbers are subnormal.
template <class T>
SIMDNN_INLINE T narrow_coefficient(double x) {
  return narrow<T>(flush_below(kIsF32<T> ? 0x1p-100 : 0x1p-960, x));
}

SIMDNN_LEVEL_END
