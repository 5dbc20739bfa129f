// gelu, x times the normal distribution function, its tanh form, and the derivatives of both.
//
// With a = |x|, bounded where f is 0 or x: gelu and its derivative are exp(-a^2 / 2) times polynomials in a / (a + K);
// the tanh form is a gate. Coefficients: minimax.py. Errors: ACCURACY.md.
#pragma once

#include "gates.hpp"

SIMDNN_LEVEL_BEGIN

/// Constants: f(-most) rounds to 0; shift is K; f' is 0 at -root; for the tanh form z = gamma a (beta + a^2) and
/// linear = gamma beta.
template <class T>
struct NormalConstants;

template <>
struct NormalConstants<float> {
  static constexpr float most = 14.75f, tanh_most = 11;
  static constexpr float shift = 1.5f, center = 134 / 256.f, constant = -0x1.15a726p-1f;
  static constexpr float slope_shift = 3, slope_center = 139 / 256.f, slope_constant = 0x1.df9d7cp-2f;
  static constexpr float root = 0x1.80ead2p-1f, root_low = -0x1.a03fd4p-27f;
  static constexpr float gamma = 0x1.2444f2p-4f, per_ln2 = 0x1.a5a7dp-4f;
  static constexpr float ln2_high = 0x1.36d9d6p+3f, ln2_low = -0x1.25115cp-22f;
  static constexpr float beta = 0x1.65d28p+4f, beta_low = -0x1.09130ap-15f;
  static constexpr float linear = 0x1.988454p+0f, linear_low = -0x1.857936p-25f;
};

template <>
struct NormalConstants<double> {
  static constexpr double most = 38.75, tanh_most = 21.75;
  static constexpr double shift = 2, center = 0.5, constant = -0x1.4f7446a5ab563p+0;
  static constexpr double slope_shift = 4, slope_center = 35 / 64., slope_constant = 0x1.cfe703817bd93p-2;
  static constexpr double root = 0x1.80ead197f00b4p-1, root_low = -0x1.13e74c58cada8p-56;
  static constexpr double gamma = 0x1.2444f2a4d8b4bp-4, per_ln2 = 0x1.a5a7cf7572a98p-4;
  static constexpr double ln2_high = 0x1.36d9d56d77525p+3, ln2_low = -0x1.ec6f30aff2b84p-51;
  static constexpr double beta = 0x1.65d25edd9ee00p+4, beta_low = -0x1.f80ac36638f72p-42;
  static constexpr double linear = 0x1.9884533d43651p+0, linear_low = -0x1.cbc0d30ebfd15p-54;
};

/// (exp(gamma r) - 1 - gamma r) / r^2, |gamma r| <= ln 2 / 2.
SIMDNN_INLINE float gelu_exp_tail(float r, float r2) {
  const float c12 = fma(r, 0x1.21f244p-20f, 0x1.fbef1ep-15f);
  const float c34 = fma(r, 0x1.94d1f2p-33f, 0x1.09bf14p-26f);
  return fma(r, fma(r2, c34, c12), 0x1.4dad5cp-9f);
}
SIMDNN_INLINE double gelu_exp_tail(double r, double r2) {
  constexpr double gamma = NormalConstants<double>::gamma;
  return gamma * gamma * exp_tail(gamma * r, gamma * gamma * r2);
}

/// exp(z), z = 2 sqrt(2 / pi) (a + 0.044715 a^3): reduced in units of gamma, in which z is easily computed to twice T's
/// precision.
template <class T>
SIMDNN_INLINE ReducedExp<T> reduce_gelu_exp(T a) {
  using C = ExpConstants<T>;
  using N = NormalConstants<T>;
  const T c = fma(a, a, N::beta);
  const T c_low = fma(a, a, N::beta - c) + N::beta_low;
  const T z = a * c;
  const T low = fma(a, c_low, fma(a, c, -z));
  const T magic = C::round + (C::bias - C::lift);
  const T shifted = fma(z, N::per_ln2, magic), n = shifted - magic;
  const T high = fma(n, -N::ln2_high, z), rest = fma(n, -N::ln2_low, low);
  const T r = high + rest, r2 = r * r;
  const T p = fma(high, N::gamma, fma(r2, gelu_exp_tail(r, r2), rest * N::gamma));
  return {to_bits(shifted), p, T(0), p};
}

/// x / 2 (1 + tanh(z / 2)) = relu(x) - a / (1 + exp(z)). Max error 1.1 ULP (float, double).
template <class T>
SIMDNN_INLINE T gelu_tanh(T x) {
  const T a = clamp_size(abs(x), NormalConstants<T>::tanh_most);
  const Logistic<T> s = logistic(reduce_gelu_exp(a));
  return fma(fma(a, s.r, a * (s.r * s.rest)), ExpConstants<T>::unlift, x < 0 ? T(-0.0) : x);
}

/// Derivative of gelu_tanh, by gate_slope(), where the slope is a dz/da = a (2 sqrt(2 / pi) + 3 gamma a^2).
/// Max error 2.7 ULP (float, double); within 20 % of its root x = -0.7525, 1.1e-8 absolute (float).
template <class T>
SIMDNN_INLINE T gelu_tanh_derivative(T x) {
  using N = NormalConstants<T>;
  const T a = abs(x) > N::tanh_most ? N::tanh_most : abs(x);  // NaN passes
  constexpr T cubic = 3 * N::gamma;
  const T a2 = a * a, k = fma(a2, cubic, N::linear);
  const T k_low = fma(a2, cubic, N::linear - k) + N::linear_low;
  const T slope = a * k;
  const T slope_low = fma(a, k_low, fma(a, k, -slope)) * T(0.774);  // 1 - t at the root, where it counts
  const T g = gate_slope(logistic(reduce_gelu_exp(a)), {slope, slope_low});
  return x <= 0 ? g : 1 - g;
}

/// 2^lift exp(-a^2 / 2); the rounding error of a^2 is included, because exp would magnify it.
template <class T>
SIMDNN_INLINE ReducedExp<T> reduce_bell(T a) {
  using C = ExpConstants<T>;
  const T half = a * T(-0.5), square = half * a;
  return reduce_exp<false>(square, fma(half, a, -square), C::bias + C::lift);
}

/// With w = a / (a + K), q = w - center: 2 a exp(a^2 / 2) Phi(-a) = w (K + w (constant + q tail(q))).
SIMDNN_INLINE float normal_tail(float q) {
  const float q2 = q * q, q4 = q2 * q2;
  const float c12 = fma(q, 0x1.bf79cap-4f, -0x1.fb01d4p-2f);
  const float c34 = fma(q, 0x1.24beccp-2f, 0x1.c48f32p-2f);
  const float c56 = fma(q, -0x1.0e468cp-1f, -0x1.441b98p-3f);
  const float c78 = fma(q, 0x1.8d9c9ap-4f, -0x1.fcb350p-2f);
  const float c9a = fma(q, 0x1.31a620p-1f, 0x1.8ff2aep-1f);
  const float high = fma(q4, c9a, fma(q2, c78, c56));
  return fma(q4, high, fma(q2, c34, c12));
}
SIMDNN_INLINE double normal_tail(double q) {
  const double q2 = q * q, q4 = q2 * q2;
  const double c1 =
      fma(q2, fma(q, -0x1.2c089d489c53cp-2, 0x1.0d42163d13bb4p-3), fma(q, 0x1.0b23b92927665p-1, -0x1.f3b480c8816e4p-6));
  const double c5 =
      fma(q2, fma(q, 0x1.f2857c32c2feap-3, 0x1.350f676632db6p-2), fma(q, 0x1.9a4586dbdb281p-5, -0x1.19613567b62b8p-2));
  const double c9 = fma(q2, fma(q, -0x1.4c8a421576d08p-5, -0x1.6d88bf3c58984p-2),
                        fma(q, -0x1.6464ad795992fp-2, -0x1.01b8717011156p-4));
  const double c13 =
      fma(q2, fma(q, -0x1.1a2a55ab287dbp-2, 0x1.9f3deeae6449cp-2), fma(q, 0x1.4107d490d0841p-1, 0x1.970c682d9979dp-2));
  const double c17 = fma(q2, fma(q, -0x1.13487eae9e10ep-2, -0x1.c8cc7daee8bbfp-4),
                         fma(q, -0x1.09976fe036328p+0, -0x1.0cfa6d58f2035p+0));
  const double c21 =
      fma(q2, fma(q, -0x1.a9de73d4af03cp+3, 0x1.f479a60078411p+2), fma(q, 0x1.d197db86175c9p+2, 0x1.fc75876f70481p-3));
  const double c25 = fma(q2, 0x1.de402e0b91adfp+3, fma(q, 0x1.0d586680a4f72p+3, -0x1.363494b4075a4p+4));
  return fma(q4, fma(q4, fma(q4, fma(q4, fma(q4, fma(q4, c25, c21), c17), c13), c9), c5), c1);
}

/// exp(a^2 / 2) gelu'(-a) = (root - a) (slope_constant + q tail(q)), where K is slope_shift; the root is a factor.
SIMDNN_INLINE float normal_slope_tail(float q) {
  const float q2 = q * q, q4 = q2 * q2;
  const float c12 = fma(q, 0x1.9976e2p-3f, -0x1.c6f62ep-3f);
  const float c34 = fma(q, 0x1.5a1d28p-7f, -0x1.c84d14p-4f);
  const float c56 = fma(q, -0x1.5a0dd2p-7f, 0x1.0d02e2p-5f);
  const float c78 = fma(q, 0x1.ae4a88p-9f, -0x1.eb14cap-7f);
  const float c9 = fma(q4, 0x1.76f9dcp-8f, fma(q2, c78, c56));
  return fma(q4, c9, fma(q2, c34, c12));
}
SIMDNN_INLINE double normal_slope_tail(double q) {
  const double q2 = q * q, q4 = q2 * q2;
  const double c1 =
      fma(q2, fma(q, 0x1.1b7e9a57c7790p-3, -0x1.9453fe40fb35ap-3), fma(q, 0x1.b297aea1d00abp-3, -0x1.7bdbd555addd8p-3));
  const double c5 = fma(q2, fma(q, -0x1.042c66b6b956bp-7, 0x1.5efd3e1d2afc8p-6),
                        fma(q, -0x1.404ce712f36afp-9, -0x1.e2d8efd1b6668p-5));
  const double c9 =
      fma(q2, fma(q, -0x1.c9d880e75471dp-9, 0x1.841f5b12efa57p-9), fma(q, 0x1.6e9454d43d591p-8, -0x1.cd7b2920794d8p-8));
  const double c13 = fma(q2, fma(q, -0x1.43dbc6928e632p-10, 0x1.9cdbfa1b28f2ap-10),
                         fma(q, 0x1.1ea1baba758c0p-9, -0x1.e2e8073996965p-10));
  const double c17 = fma(q2, fma(q, 0x1.773a13080c766p-12, 0x1.021a8f903205fp-10),
                         fma(q, 0x1.4847d09fdcac7p-12, -0x1.7f913b604efb2p-10));
  return fma(q4, fma(q4, fma(q4, fma(q4, fma(q4, -0x1.6156bbdc990f8p-16, c17), c13), c9), c5), c1);
}

/// Sensitivity of w (1 + s) to an error of w (a + K): approximately (1 - w)^2 for K = 1.5.
SIMDNN_INLINE float fade(float w) { return (1 - w) * (1 - w); }
SIMDNN_INLINE double fade(double w) { return (1 - w) * (1 - w) * fma(w, -0.75, 1.0); }

/// (w (1 + s) + low) (1 + e.p), including the rounding error of e.p; in double, whose K needs it, all errors but the
/// last.
SIMDNN_INLINE float gelu_part(float w, float s, float low, ReducedExp<float> e) {
  const float t = fma(w, s, fma((e.high - e.p) + e.tail, w, low));
  return w + fma(e.p, w + t, t);
}
SIMDNN_INLINE double gelu_part(double w, double s, double low, ReducedExp<double> e) {
  const double t = w * s, sum = w + t;
  const double sum_error = ((w - sum) + t) + (fma(w, s, -t) + low);
  const double p_error = (e.high - e.p) + e.tail;
  return sum + fma(e.p, sum, fma(p_error, sum, fma(e.p, sum_error, sum_error)));
}

/// x Phi(x) = relu(x) - a Phi(-a). Max error 1.45 ULP (float), 1.4 (double).
template <class T>
SIMDNN_INLINE T gelu(T x) {
  using C = ExpConstants<T>;
  using N = NormalConstants<T>;
  const T a = clamp_size(abs(x), N::most);
  const auto e = reduce_bell(a);
  const T d = a + N::shift, w = a / d;
  const T rest = fma(-w, a - (d - N::shift), fma(-w, d, a));
  const T q = w - N::center;
  const T s = fma(w * q, normal_tail(q), fma(w, N::constant, N::shift - 1));
  const T twice = gelu_part(w, s, rest * fade(w), e) * from_bits<T>(e.power << C::mantissa);
  return fma(twice, T(-0.5) * C::unlift, x < 0 ? T(-0.0) : x);
}

/// Phi(x) + x phi(x). Max error 2.4 ULP (float), 2.0 (double); near its root -0.7518, 9.2e-9 absolute (float).
template <class T>
SIMDNN_INLINE T gelu_derivative(T x) {
  using C = ExpConstants<T>;
  using N = NormalConstants<T>;
  const T a = abs(x) > N::most ? N::most : abs(x);  // NaN passes
  const auto e = reduce_bell(a);
  const T q = a / (a + N::slope_shift) - N::slope_center;
  const T left = N::root - a, left_low = ((N::root - left) - a) + N::root_low;
  const T rest = fma(left, q * normal_slope_tail(q), left_low * N::slope_constant);
  const T slope = fma(left, N::slope_constant, rest);
  const T g = fma(left, N::slope_constant, fma(e.p, slope, rest)) * from_bits<T>(e.power << C::mantissa) * C::unlift;
  return x <= 0 ? g : 1 - g;
}

SIMDNN_LEVEL_END
