// exp, log and polynomials of lanes, for losses: in single precision sixteen a register, and without subnormal numbers.
//
// Lanes of double take the functions of math/exp.hpp and math/log.hpp. Coefficients: minimax.py.
#pragma once

#include "../simd/lanes.hpp"
#include "exp.hpp"
#include "flush.hpp"
#include "log.hpp"

SIMDNN_LEVEL_BEGIN

/// Polynomial of x, its coefficients from the lowest power; even and odd powers are two chains of operations.
template <class V, int kCount>
SIMDNN_INLINE V polynomial(const V& x, const V& square, const Scalar<V> (&c)[kCount]) {
  constexpr int last_even = (kCount - 1) / 2 * 2, last_odd = kCount / 2 * 2 - 1;
  V even = c[last_even], odd = c[last_odd];
  unroll<last_even / 2>([&](int k) SIMDNN_LAMBDA_INLINE { even = fma(even, square, V(c[last_even - 2 - 2 * k])); });
  unroll<last_odd / 2>([&](int k) SIMDNN_LAMBDA_INLINE { odd = fma(odd, square, V(c[last_odd - 2 - 2 * k])); });
  return fma(odd, x, even);
}

template <int kBlocks>
SIMDNN_INLINE Lanes<double, kBlocks> exp_lanes(const Lanes<double, kBlocks>& x) {
  return each_lane([](double v) SIMDNN_LAMBDA_INLINE { return exp(v); }, x);
}
template <int kBlocks>
SIMDNN_INLINE Lanes<double, kBlocks> log_lanes(const Lanes<double, kBlocks>& x) {
  return each_lane([](double v) SIMDNN_LAMBDA_INLINE { return log(v); }, x);
}
template <int kBlocks>
SIMDNN_INLINE Lanes<double, kBlocks> log1p_lanes(const Lanes<double, kBlocks>& x) {
  return each_lane([](double v) SIMDNN_LAMBDA_INLINE { return log1p(v); }, x);
}

/// exp(x) within 0.6 ULP; 0 below 2^-125.
template <int kBlocks>
SIMDNN_INLINE Lanes<float, kBlocks> exp_lanes(const Lanes<float, kBlocks>& x) {
  using V = Lanes<float, kBlocks>;
  using C = ExpConstants<float>;
  V bounded = min(x, 0.25f + C::overflow);
  V kept = select_less(bounded, -124.5f * C::ln2_high, -126.0f * C::ln2_high, bounded);
  ScaledExp<V> half = scaled_exp(kept, V(-1.0f));  // the largest power of 2 is half the result's
  V y = fma(half.scale, half.high, half.scale);
  return y + y;
}

/// exp(x) for x <= 0; 0 below 2^kLeast.
template <int kLeast, class V>
SIMDNN_INLINE V exp_falling(const V& x) {
  using C = ExpConstants<float>;
  V kept = select_less(x, (kLeast + 0.5f) * C::ln2_high, -127.0f * C::ln2_high, x);
  ScaledExp<V> e = scaled_exp(kept, V(0.0f));
  return fma(e.scale, e.high, e.scale);
}

/// Table of c near the middle of each sixteenth of [0.7, 1.4) in the order of the bits: 1 / c and log c, which has so
/// few bits that its sum with k ln 2 is exact. c = 1 around 1, so that a logarithm keeps its digits there.
struct LogSixteenths {
  static constexpr std::uint32_t least = 0x3f330000u;  ///< bits of the least number
  static constexpr int shift = 19;
  alignas(64) static constexpr float inverse[16] = {0x1.656f92p+0f, 0x1.572d3ap+0f, 0x1.49b860p+0f, 0x1.3c3818p+0f,
                                                    0x1.303762p+0f, 0x1.25d36ap+0f, 0x1.1c483ap+0f, 0x1.126834p+0f,
                                                    0x1.093672p+0f, 0x1.000000p+0f, 0x1.e5ce9ap-1f, 0x1.ca474ep-1f,
                                                    0x1.b2f40cp-1f, 0x1.9c190ap-1f, 0x1.87ab66p-1f, 0x1.75a016p-1f};
  alignas(64) static constexpr float log[16] = {-0x1.55ca00p-2f, -0x1.2c1a00p-2f, -0x1.032400p-2f, -0x1.b0a800p-3f,
                                                -0x1.616800p-3f, -0x1.1a3c00p-3f, -0x1.ad3800p-4f, -0x1.1c6800p-4f,
                                                -0x1.21a000p-5f, 0x0.000000p+0f,  0x1.ae3000p-5f,  0x1.c60800p-4f,
                                                0x1.4e0000p-3f,  0x1.bc8c00p-3f,  0x1.125600p-2f,  0x1.42a200p-2f};
};

/// A logarithm as an unevaluated sum: high is exact, |low| < 1/30 has an error of 2^-29; high is 0 around log 1, and
/// low accurate to 1 ULP.
template <class V>
struct LogParts {
  V high, low;
};

/// log(x + lost) for a positive normal x and a lost below half an ULP of x; another x has no meaning.
template <bool kLost = false, class V>
SIMDNN_INLINE LogParts<V> log_parts(const V& x, [[maybe_unused]] const V& lost) {
  using Words = typename Bits<V>::type;
  using C = LogConstants<float>;
  using S = LogSixteenths;
  Words above = to_bits(x) + Words(C::unit - S::least), index = above >> S::shift;
  V k = from_bits<V>((above >> C::mantissa) | Words(to_bits(C::integer))) - (C::integer + C::bias);
  V m = from_bits<V>((above & Words((1u << C::mantissa) - 1)) + Words(S::least));
  V inverse = lookup(S::inverse, index);
  V r = fma(m, inverse, V(-1.0f)), low = fma(k, C::ln2_low, r);
  if constexpr (kLost) {
    Words power = Words(254u << C::mantissa) - (above & Words(~0u << C::mantissa));
    low = fma(lost, inverse * from_bits<V>(power), low);
  }
  V tail = fma(r, fma(r, fma(r, 0x1.9a0bc6p-3f, -0x1.003174p-2f), 0x1.555550p-2f), -0x1.fffffep-2f);
  return {fma(k, C::ln2_high, lookup(S::log, index)), fma(r * r, tail, low)};
}

SIMDNN_LEVEL_END
