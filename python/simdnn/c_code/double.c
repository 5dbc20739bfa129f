// Written by `python -m tests.tools.c_functions --write` from cpp/math/ and cpp/ops/.

#define simdnn_MaxShiftConstants_lift 53.0

#define simdnn_MaxShiftConstants_near 4096.0

#define simdnn_MaxShiftConstants_above 0x1p54

#define simdnn_ExpConstants_bias 1023.0

#define simdnn_ExpConstants_infinity INFINITY

#define simdnn_ExpConstants_ln2_high (0x1.62e42fefa39efp-1)

#define simdnn_ExpConstants_per_ln2 0x1.71547652b82fep+0

#define simdnn_ExpConstants_round 0x1.8p52

#define simdnn_ExpConstants_unlift 0x1p-900

#define simdnn_ExpConstants_limit 1300.0

typedef struct {
  double r;
  double rest;
} simdnn_Logistic;

#define simdnn_ExpConstants_lift 900.0

typedef struct {
  uint64_t power;
  double high, tail, p;
} simdnn_ReducedExp;

#define simdnn_ExpConstants_ln2_low (0x1.abc9e3b39803fp-56)

// (exp(r) - 1 - r) / r^2; the pairs keep the chain of dependent operations short.
static inline double simdnn_exp_tail(double r, double r2) {
  double c01 = simdnn_fma(r, 0x1.5555555555558p-3, 0x1.0000000000000p-1);
  double c23 = simdnn_fma(r, 0x1.111111110f965p-7, 0x1.555555555555ap-5);
  double c45 = simdnn_fma(r, 0x1.a01a01aee933cp-13, 0x1.6c16c16c14825p-10);
  double c67 = simdnn_fma(r, 0x1.71ddfaa1d6065p-19, 0x1.a01a01afbf3bep-16);
  double c89 = simdnn_fma(r, 0x1.af5af800af3a4p-26, 0x1.27e4c7637a87dp-22);
  double c8 = simdnn_fma(r2, 0x1.1f93032ffa2f0p-29, c89);
  double r4 = r2 * r2;
  return simdnn_fma(r4, simdnn_fma(r4, c8, simdnn_fma(r2, c67, c45)), simdnn_fma(r2, c23, c01));
}

// A shorter tail for exp(r), too inaccurate for exp(r) - 1: error 2^-27.7 (float).
static inline double simdnn_short_exp_tail(double r, double r2) {
  return simdnn_exp_tail(r, r2);
}

// Reduces x + low; kRelative says that exp(x) - 1 is needed as accurately as exp(x).
static inline simdnn_ReducedExp simdnn_reduce_exp_not_relative(double x, double low, double offset) {
  double magic = simdnn_ExpConstants_round + offset;
  double shifted = simdnn_fma(x, simdnn_ExpConstants_per_ln2, magic);
  double n = shifted - magic;
  double high = simdnn_fma(n, -simdnn_ExpConstants_ln2_high, x);
  double rest = simdnn_fma(n, -simdnn_ExpConstants_ln2_low, low);
  double r = high + rest;
  double r2 = r * r;
  double tail = simdnn_fma(r2, simdnn_short_exp_tail(r, r2), rest);
  return (simdnn_ReducedExp){simdnn_to_bits(shifted), high, tail, high + tail};
}

#define simdnn_ExpConstants_mantissa 52

typedef struct {
  double value, error;
} simdnn_Pair;

// scale p + base and its rounding error.
static inline simdnn_Pair simdnn_scale_and_add(double scale, simdnn_ReducedExp e, double base) {
  const double value = simdnn_fma(scale, e.p, base);
  return (simdnn_Pair){value, simdnn_fma(scale, e.p, base - value)};
}

static inline simdnn_Logistic simdnn_logistic1(simdnn_ReducedExp e) {
  const double scale = simdnn_from_bits(e.power << simdnn_ExpConstants_mantissa);
  const double base = scale + simdnn_ExpConstants_unlift;
  const simdnn_Pair d = simdnn_scale_and_add(scale, e, base);
  const double d_error = d.error + (simdnn_ExpConstants_unlift - (base - scale));
  const double r = -1.0 / d.value;
  return (simdnn_Logistic){r, simdnn_fma(r, d_error, simdnn_fma(r, d.value, 1.0))};
}

static inline simdnn_Logistic simdnn_logistic2(double a, double low) {
  return simdnn_logistic1(simdnn_reduce_exp_not_relative(a, low, simdnn_ExpConstants_bias - simdnn_ExpConstants_lift));
}

// sigmoid(-|x|) = t. Max error 0.91 ULP (float, double).
static inline double simdnn_sigmoid(double x) {
  const simdnn_Logistic s = simdnn_logistic2(simdnn_abs(x), 0.0);
  const double y = simdnn_abs(simdnn_fma(s.r, s.rest, s.r)) * simdnn_ExpConstants_unlift;
  const double t = simdnn_abs(x) > simdnn_ExpConstants_limit ? 0.0 : y;
  return x < 0 ? t : 1 - t;
}

#define simdnn_ExpConstants_saturated 40.0

// min(a, most) for a >= 0 and most > 0; `most` for NaN. Integers are compared, which is faster in vector units.
static inline double simdnn_clamp_size(double a, double most) {
  const uint64_t bits = simdnn_to_bits(a), limit = simdnn_to_bits(most);
  return simdnn_from_bits(bits < limit ? bits : limit);
}

static inline double simdnn_tanh_tail(double v) {
  const double v2 = v * v, v4 = v2 * v2;
  const double c01 = simdnn_fma(v, 0x1.11111111110f8p-3, -0x1.5555555555555p-2);
  const double c23 = simdnn_fma(v, 0x1.664f4881f8e4ep-6, -0x1.ba1ba1ba1948ep-5);
  const double c45 = simdnn_fma(v, 0x1.d6d3c83f5334cp-9, -0x1.226e35393546cp-7);
  const double c67 = simdnn_fma(v, 0x1.354f19f8148d2p-11, -0x1.7da2ba0327b10p-10);
  const double c89 = simdnn_fma(v, 0x1.91f85bddd68e0p-14, -0x1.f4d10f7bf35dcp-13);
  const double cab = simdnn_fma(v, 0x1.8f894cb567169p-17, -0x1.34516d88d073fp-15);
  const double high = simdnn_fma(v4, simdnn_fma(v4, -0x1.36c137ea98b77p-19, simdnn_fma(v2, cab, c89)), simdnn_fma(v2, c67, c45));
  return simdnn_fma(v4, high, simdnn_fma(v2, c23, c01));
}

// 1 - 2 / (1 + exp(2|x|)), whose last operation hides the roundings before it; below |x| = 5/8 an odd polynomial.
// The range reduction needs only the leading part of ln 2. Max error 1.2 ULP (float), 1.3 (double).
static inline double simdnn_tanh(double x) {
  const double a = simdnn_abs(x) + simdnn_abs(x);
  const double bounded = simdnn_clamp_size(a, simdnn_ExpConstants_saturated);
  const double shifted = simdnn_fma(bounded, simdnn_ExpConstants_per_ln2, simdnn_ExpConstants_round + simdnn_ExpConstants_bias);
  const double r = simdnn_fma(shifted - (simdnn_ExpConstants_round + simdnn_ExpConstants_bias), -simdnn_ExpConstants_ln2_high, bounded);
  const double scale = simdnn_from_bits(simdnn_to_bits(shifted) << simdnn_ExpConstants_mantissa);
  const double r2 = r * r;
  const double far_value = simdnn_fma(-2.0, 1 / simdnn_fma(scale, simdnn_fma(r2, simdnn_short_exp_tail(r, r2), r), scale + 1), 1.0);
  const double v = x * x;
  const double near_value = simdnn_fma(x * v, simdnn_tanh_tail(v), x);
  return simdnn_copysign(a >= 1.25 ? far_value : near_value, x);
}

typedef struct {
  double scale, high, tail;
} simdnn_ScaledExp;

// 2^offset exp(x) for an integer offset, where it is normal; the power of two below those becomes 0. In single
// precision n = round(16 x / ln 2) and |r| <= ln 2 / 32: the table takes the place of half the polynomial, and leaves
// so little to add to 1 that its rounding does not count.
static inline simdnn_ScaledExp simdnn_scaled_exp(double x, double offset) {
  simdnn_ReducedExp e = simdnn_reduce_exp_not_relative(x, 0.0, offset + simdnn_ExpConstants_bias);
  return (simdnn_ScaledExp){simdnn_from_bits(e.power << simdnn_ExpConstants_mantissa), e.high, e.tail};
}

// x
static inline double simdnn_identity_value(double x) {
  return x;
}

// max(x, 0)
static inline double simdnn_relu_value(double x) {
  return x <= 0 ? 0.0 : x;
}

// x if x > 0 else negative_slope * x
static inline double simdnn_leaky_relu_value(double x, double negative_slope) {
  const double leaked = negative_slope * x;
  return x > 0 ? x : leaked;
}

// Returns a, or `most` if a is between it and `end`, the infinity of its sign; a NaN stays. Integers counted from that
// infinity are compared: NaN come first, then numbers of the other sign, then those of this sign by their magnitude.
static inline double simdnn_bound_size(double a, double most, double end) {
  const uint64_t above = simdnn_to_bits(end) + 1;
  const uint64_t bits = simdnn_to_bits(a) - above, limit = simdnn_to_bits(most) - above;
  return simdnn_from_bits((bits < limit ? bits : limit) + above);
}

// min(max(x, 0), 6)
static inline double simdnn_relu6_value(double x) {
  return simdnn_bound_size(simdnn_relu_value(x), 6.0, simdnn_ExpConstants_infinity);
}

// min(max(x, min_val), max_val)
static inline double simdnn_hard_tanh_value(double x, double min_val, double max_val) {
  const double low = x < min_val ? min_val : x;
  return low > max_val ? max_val : low;
}

// (t + low) / 6 with nearly one rounding: a product with 1/6, corrected by its remainder, is cheaper than a division.
static inline double simdnn_sixth(double t, double low) {
  const double part = 1.0 / 6;
  const double q = t * part;
  return simdnn_fma(simdnn_fma(-6.0, q, t) + low, part, q);
}

// min(max(x + 3, 0), 6) / 6
static inline double simdnn_hard_sigmoid_value(double x) {
  const double t = x + 3;
  const double low = x - (t - 3);
  const double line = x >= 3 ? 1.0 : simdnn_sixth(t, low);
  return x <= -3 ? 0.0 : line;
}

// x * min(max(x + 3, 0), 6) / 6
static inline double simdnn_hard_swish_value(double x) {
  const double bounded = simdnn_bound_size(x, -3.0, -simdnn_ExpConstants_infinity);
  return bounded * simdnn_sixth(simdnn_clamp_size(bounded + 3, 6.0), 0.0);
}

#define simdnn_ExpConstants_linear 0x1p-60

// x / (1 + |x|), which tends to +-1. Max error 1.5 ULP (float, double).
static inline double simdnn_softsign(double x) {
  const double a = simdnn_abs(x);
  const double q = a / (1 + a);
  return simdnn_copysign(a > 1 / simdnn_ExpConstants_linear ? 1.0 : q, x);
}

// x / (1 + |x|)
static inline double simdnn_softsign_value(double x) {
  return simdnn_softsign(x);
}

// 1 if x >= 0 else 0
static inline double simdnn_binary_step_value(double x) {
  const double below = x < 0 ? 0.0 : x;
  return x >= 0 ? 1.0 : below;
}

// 1 / (1 + exp(-x))
static inline double simdnn_sigmoid_value(double x) {
  return simdnn_sigmoid(x);
}

// tanh(x)
static inline double simdnn_tanh_value(double x) {
  return simdnn_tanh(x);
}

#define simdnn_ExpConstants_smallest_expm1 (-38.0)

// x if it is in [least, -0.0], else `least`, also for NaN. Integers are compared, which is faster in vector units.
static inline double simdnn_clamp_fall(double x, double least) {
  const int64_t bits = (int64_t)simdnn_to_bits(x), limit = (int64_t)simdnn_to_bits(least);
  return simdnn_from_bits(bits < limit ? bits : limit);
}

// Reduces x + low; kRelative says that exp(x) - 1 is needed as accurately as exp(x).
static inline simdnn_ReducedExp simdnn_reduce_exp(double x, double low, double offset) {
  double magic = simdnn_ExpConstants_round + offset;
  double shifted = simdnn_fma(x, simdnn_ExpConstants_per_ln2, magic);
  double n = shifted - magic;
  double high = simdnn_fma(n, -simdnn_ExpConstants_ln2_high, x);
  double rest = simdnn_fma(n, -simdnn_ExpConstants_ln2_low, low);
  double r = high + rest;
  double r2 = r * r;
  double tail = simdnn_fma(r2, simdnn_exp_tail(r, r2), rest);
  return (simdnn_ReducedExp){simdnn_to_bits(shifted), high, tail, high + tail};
}

// scale (1 + high + tail) - one and its rounding error; the rounding of p is left out.
static inline simdnn_Pair simdnn_scale_and_subtract(double scale, simdnn_ReducedExp e, double one) {
  const double base = scale - one;
  const double value = simdnn_fma(scale, e.p, base);
  return (simdnn_Pair){value, simdnn_fma(scale, e.tail, simdnn_fma(scale, e.high, base - value))};
}

// exp(x + low) - 1 for smallest_expm1 <= x <= 0; callers replace the result outside that range.
static inline simdnn_Pair simdnn_falling_expm1(double x, double low) {
  const simdnn_ReducedExp e = simdnn_reduce_exp(x, low, simdnn_ExpConstants_bias);
  return simdnn_scale_and_subtract(simdnn_from_bits(e.power << simdnn_ExpConstants_mantissa), e, 1.0);
}

// x for x > 0, else alpha (exp(x) - 1). Max error 0.9 ULP (float, double).
static inline double simdnn_elu(double x, double alpha) {
  const simdnn_Pair m = simdnn_falling_expm1(simdnn_clamp_fall(x, simdnn_ExpConstants_smallest_expm1), 0.0);
  const double curve = simdnn_fma(alpha, m.value, alpha * m.error);
  return x < 0 ? curve : x;
}

// x if x > 0 else alpha * (exp(x) - 1)
static inline double simdnn_elu_value(double x, double alpha) {
  return simdnn_elu(x, alpha);
}

#define simdnn_SeluConstants_lambda_alpha 0x1.c212cc640f031p+0

#define simdnn_SeluConstants_lambda_alpha_low (0x1.05161b045a1f1p-56)

#define simdnn_SeluConstants_lambda_minus_1 (0x1.9f57ad5222646p-5)

// lambda x for x > 0, else lambda alpha (exp(x) - 1). Max error 0.9 ULP (float, double).
static inline double simdnn_selu(double x) {
  const simdnn_Pair m = simdnn_falling_expm1(simdnn_clamp_fall(x, simdnn_ExpConstants_smallest_expm1), 0.0);
  const double curve = simdnn_fma(simdnn_SeluConstants_lambda_alpha, m.value, simdnn_fma(simdnn_SeluConstants_lambda_alpha_low, m.value, simdnn_SeluConstants_lambda_alpha * m.error));
  return x < 0 ? curve : simdnn_fma(simdnn_SeluConstants_lambda_minus_1, x, x);
}

// lambda * (x if x > 0 else alpha * (exp(x) - 1)), lambda = 1.0507009873554805, alpha = 1.6732632423543772
static inline double simdnn_selu_value(double x) {
  return simdnn_selu(x);
}

// max(x / alpha, -least) and its rounding error; alpha > 0 is normal and least alpha finite. A loop with one alpha
// divides only once.
static inline simdnn_Pair simdnn_quotient(double x, double alpha, double least) {
  const double largest = simdnn_from_bits(simdnn_to_bits(simdnn_ExpConstants_infinity) - 1);
  const double per_alpha = 1 / alpha;
  const double edge = least * alpha < largest ? least * alpha : largest;
  const double bounded = x < -edge ? -edge : x;
  const double z = bounded * per_alpha;
  return (simdnn_Pair){z, simdnn_fma(-z, alpha, bounded) * per_alpha};
}

// x for x > 0, else alpha (exp(x / alpha) - 1). Max error 1.1 ULP (float, double).
static inline double simdnn_celu(double x, double alpha) {
  const simdnn_Pair z = simdnn_quotient(x, alpha, -simdnn_ExpConstants_smallest_expm1);
  const simdnn_Pair m = simdnn_falling_expm1(z.value, z.error);
  const double curve = simdnn_fma(alpha, m.value, alpha * m.error);
  return z.value >= -simdnn_ExpConstants_linear ? x : curve;
}

// x if x > 0 else alpha * (exp(x / alpha) - 1)
static inline double simdnn_celu_value(double x, double alpha) {
  return simdnn_celu(x, alpha);
}

typedef struct {
  simdnn_ReducedExp e;
  double scale;
  double lifted;
} simdnn_ExpNegative;

// Variant of exp_negative() that is too inaccurate for exp(x) - 1.
static inline simdnn_ExpNegative simdnn_short_exp_negative(double x) {
  const simdnn_ReducedExp e = simdnn_reduce_exp_not_relative(x, 0.0, simdnn_ExpConstants_bias + simdnn_ExpConstants_lift);
  const double lifted = simdnn_from_bits(e.power << simdnn_ExpConstants_mantissa);
  return (simdnn_ExpNegative){e, lifted * simdnn_ExpConstants_unlift, lifted};
}

// exp(-|x|) and its rounding error; NaN for NaN.
static inline simdnn_Pair simdnn_fading_exp(double x) {
  const simdnn_ExpNegative decayed = simdnn_short_exp_negative(-(simdnn_abs(x) > simdnn_ExpConstants_limit ? simdnn_ExpConstants_limit : simdnn_abs(x)));
  return simdnn_scale_and_add(decayed.scale, decayed.e, decayed.scale);
}

static inline double simdnn_log1p_bend(double e, double half, double rest) {
  const double e2 = e * e, e4 = e2 * e2;
  const double c23 = simdnn_fma(e, 0x1.9999998f8c50ep-3, -0x1.ffffffffc71abp-3);
  const double c45 = simdnn_fma(e, 0x1.2492395c3ea2cp-3, -0x1.555554590728bp-3);
  const double c67 = simdnn_fma(e, 0x1.c711784644ec7p-4, -0x1.fffea2cfeb74bp-4);
  const double c89 = simdnn_fma(e, 0x1.7324b39e4a43bp-4, -0x1.99570993dd6ffp-4);
  const double cab = simdnn_fma(e, 0x1.2da698dbd0150p-4, -0x1.50d02308a3533p-4);
  const double ccd = simdnn_fma(e, 0x1.a178ff5ce997dp-5, -0x1.042b5f0e05705p-4);
  const double cef = simdnn_fma(e, 0x1.6dff7b01182e7p-6, -0x1.2b0684704a67cp-5);
  const double cgh = simdnn_fma(e, 0x1.19e074cc0067ep-8, -0x1.6d598f1493196p-7);
  const double cij = simdnn_fma(e, 0x1.b875f2c2fe025p-13, -0x1.38891d82b3bbap-10);
  const double cgk = simdnn_fma(e4, -0x1.27168384eaf68p-16, simdnn_fma(e2, cij, cgh));
  const double cck = simdnn_fma(e4, cgk, simdnn_fma(e2, cef, ccd));
  const double c8k = simdnn_fma(e4, cck, simdnn_fma(e2, cab, c89));
  const double c4k = simdnn_fma(e4, c8k, simdnn_fma(e2, c67, c45));
  return simdnn_fma(e, simdnn_fma(e2, 0x1.5555555555147p-2, half), simdnn_fma(e4, simdnn_fma(e2, c4k, c23), rest));
}

static inline double simdnn_softplus_sum(double e, double rise, double half, double rest) {
  const double sum = e + rise;
  const double large = rise > e ? rise : e, small = rise > e ? e : rise;
  const double lost = sum > 64 ? 0 : small - (sum - large);
  return sum + simdnn_log1p_bend(e, half, rest + lost);
}

// log(1 + exp(x)) = max(x, 0) + log(1 + e), e = exp(-|x|). Max error 1.5 ULP (float, double).
static inline double simdnn_softplus(double x) {
  const simdnn_Pair e = simdnn_fading_exp(x);
  const double half = -0.5 * e.value;
  return simdnn_softplus_sum(e.value, x < 0 ? 0.0 : x, half, simdnn_fma(half, e.error, e.error));
}

// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))
static inline double simdnn_softplus_value(double x) {
  return simdnn_softplus(x);
}

// -log(1 + exp(-x)) = -softplus(-x)
static inline double simdnn_log_sigmoid_value(double x) {
  return -simdnn_softplus(-x);
}

typedef struct {
  double size, most, lift, unlift;
} simdnn_GateScale;

typedef struct {
  double s, d;
  double lost;
} simdnn_RangeReduction;

#define simdnn_RangeReductionConstants_limit 765.0

#define simdnn_RangeReductionConstants_lift 100.0

#define simdnn_RangeReductionConstants_unlift 0x1p-100

#define simdnn_RangeReductionConstants_least_scale 0x1p-800

#define simdnn_RangeReductionConstants_most_scale 0x1p1022

#define simdnn_RangeReductionConstants_least_limit 700.0

// Selection by a condition on beta. With ?: GCC leaves a branch that is the same for every x, and no vector code.
static inline double simdnn_choose(int condition, double yes, double no) {
  const uint64_t mask = (uint64_t)0 - condition;
  return simdnn_from_bits((simdnn_to_bits(yes) & mask) | (simdnn_to_bits(no) & ~mask));
}

static inline simdnn_GateScale simdnn_gate_scale4(double beta, double limit, double lift, double unlift) {
  const double largest = simdnn_from_bits(simdnn_to_bits(simdnn_ExpConstants_infinity) - 1);
  const int tiny = simdnn_abs(beta) < simdnn_RangeReductionConstants_least_scale;
  const double size = simdnn_choose(simdnn_abs(beta) > simdnn_RangeReductionConstants_most_scale, simdnn_RangeReductionConstants_most_scale, simdnn_abs(beta));
  const double most = simdnn_choose(tiny, simdnn_RangeReductionConstants_least_limit, limit) / size;
  return (simdnn_GateScale){size, simdnn_choose(most < largest, most, largest), simdnn_choose(tiny, 0.0, lift), simdnn_choose(tiny, 1.0, unlift)};
}

static inline simdnn_GateScale simdnn_gate_scale1(double beta) {
  return simdnn_gate_scale4(beta, simdnn_RangeReductionConstants_limit, simdnn_RangeReductionConstants_lift, simdnn_RangeReductionConstants_unlift);
}

#define simdnn_RangeReductionConstants_ln2_high (0x1.62e42fefa38p-1)

#define simdnn_RangeReductionConstants_ln2_low (0x1.ef35793c7673p-45)

// Reduces a = scale * size in [0, limit]; with scale 1 all products are exact.
static inline simdnn_RangeReduction simdnn_reduce_range(double size, double scale, double lift, double unlift) {
  const double magic = simdnn_ExpConstants_round + (simdnn_ExpConstants_bias + lift);
  const double shifted = simdnn_fma(size, -simdnn_ExpConstants_per_ln2 * scale, magic);
  const double n = shifted - magic;
  const double high = simdnn_fma(size, scale, n * simdnn_RangeReductionConstants_ln2_high);
  const double r = simdnn_fma(n, simdnn_RangeReductionConstants_ln2_low, high);
  const double r2 = r * r;
  const double p = simdnn_fma(r2, simdnn_short_exp_tail(r, r2), r);
  const double s = simdnn_from_bits(simdnn_to_bits(shifted) << simdnn_ExpConstants_mantissa);
  const double more = simdnn_fma(s, unlift, p);
  const double d = 1 + more;
  return (simdnn_RangeReduction){s, d, (1 - d) + more};
}

// numerator / d with the rounding error of d corrected; (3 - d) / 2 approximates 1 / d within 30 %.
static inline double simdnn_over(double numerator, simdnn_RangeReduction f) {
  const double q = numerator / f.d;
  const double rest = simdnn_fma(-q, f.lost, simdnn_fma(-q, f.d, numerator));
  return simdnn_fma(rest, simdnn_fma(f.d, -0.5, 1.5), q);
}

// x with its sign flipped if `by` is negative.
static inline double simdnn_flipped(double x, double by) {
  return simdnn_from_bits(simdnn_to_bits(x) ^ (simdnn_to_bits(by) & simdnn_to_bits(-0.0)));
}

// x sigmoid(beta x) = max(x, -0.0) - |x| t for beta > 0. Max error 1.25 ULP for beta = 1, else 1.3.
static inline double simdnn_scaled_gate(double x, double beta) {
  const simdnn_GateScale by = simdnn_gate_scale1(beta);
  const double a = simdnn_bound_size(simdnn_abs(x), by.most, simdnn_ExpConstants_infinity);
  const simdnn_RangeReduction f = simdnn_reduce_range(a, by.size, by.lift, by.unlift);
  const double y = simdnn_fma(simdnn_over(a * f.s, f), -by.unlift, simdnn_clamp_size(simdnn_flipped(x, beta), -0.0));
  return simdnn_choose(beta == 0, x * 0.5, simdnn_flipped(y, beta));
}

// x * sigmoid(x)
static inline double simdnn_silu_value(double x) {
  return simdnn_scaled_gate(x, 1.0);
}

// x * sigmoid(beta * x)
static inline double simdnn_swish_value(double x, double beta) {
  return simdnn_scaled_gate(x, beta);
}

#define simdnn_MishConstants_largest 22.0

typedef struct {
  double x;
  double w;
  simdnn_Pair up;
  simdnn_Pair n;
  simdnn_Pair d;
  double r;
} simdnn_MishParts;

#define simdnn_MishConstants_smallest (-760.0)

static inline simdnn_MishParts simdnn_mish_parts(double x) {
  const double bounded = x < simdnn_MishConstants_smallest ? simdnn_MishConstants_smallest : x;
  const simdnn_ExpNegative decayed = simdnn_short_exp_negative(bounded);
  const double lifted = simdnn_fma(decayed.lifted, decayed.e.p, decayed.lifted);
  const double gap = simdnn_fma(decayed.lifted, decayed.e.high, decayed.lifted - lifted);
  const simdnn_Pair up = {lifted, simdnn_fma(decayed.lifted, decayed.e.tail, gap)};
  const double w = up.value * simdnn_ExpConstants_unlift;
  const double twice = up.value + up.value;
  const double n = simdnn_fma(up.value, w, twice);
  const double n_error = simdnn_fma(up.error, simdnn_fma(2.0, w, 2.0), simdnn_fma(up.value, w, twice - n));
  const double d = simdnn_fma(n, simdnn_ExpConstants_unlift, 2.0);
  const double d_error = simdnn_fma(n_error, simdnn_ExpConstants_unlift, simdnn_fma(n, simdnn_ExpConstants_unlift, 2 - d));
  return (simdnn_MishParts){bounded, w, up, {n, n_error}, {d, d_error}, 1 / d};
}

// x tanh(softplus(x)). Max error 0.75 ULP (float, double).
static inline double simdnn_mish(double x) {
  const simdnn_MishParts m = simdnn_mish_parts(x);
  const double q = m.n.value * m.r;
  const double rest = (simdnn_fma(-q, m.d.value, m.n.value) + simdnn_fma(-q, m.d.error, m.n.error)) * m.r;
  const double y = simdnn_copysign(simdnn_fma(m.x, q, m.x * rest) * simdnn_ExpConstants_unlift, x);
  return x > simdnn_MishConstants_largest ? x : y;
}

// x * tanh(log(1 + exp(x)))
static inline double simdnn_mish_value(double x) {
  return simdnn_mish(x);
}

#define simdnn_NormalConstants_most 38.75

#define simdnn_NormalConstants_shift 2.0

#define simdnn_NormalConstants_center 0.5

#define simdnn_NormalConstants_constant (-0x1.4f7446a5ab563p+0)

// 2^lift exp(-a^2 / 2); the rounding error of a^2 is included, because exp would magnify it.
static inline simdnn_ReducedExp simdnn_reduce_bell(double a) {
  const double half = a * -0.5, square = half * a;
  return simdnn_reduce_exp_not_relative(square, simdnn_fma(half, a, -square), simdnn_ExpConstants_bias + simdnn_ExpConstants_lift);
}

static inline double simdnn_normal_tail(double q) {
  const double q2 = q * q, q4 = q2 * q2;
  const double c1 =
      simdnn_fma(q2, simdnn_fma(q, -0x1.2c089d489c53cp-2, 0x1.0d42163d13bb4p-3), simdnn_fma(q, 0x1.0b23b92927665p-1, -0x1.f3b480c8816e4p-6));
  const double c5 =
      simdnn_fma(q2, simdnn_fma(q, 0x1.f2857c32c2feap-3, 0x1.350f676632db6p-2), simdnn_fma(q, 0x1.9a4586dbdb281p-5, -0x1.19613567b62b8p-2));
  const double c9 = simdnn_fma(q2, simdnn_fma(q, -0x1.4c8a421576d08p-5, -0x1.6d88bf3c58984p-2), simdnn_fma(q, -0x1.6464ad795992fp-2, -0x1.01b8717011156p-4));
  const double c13 =
      simdnn_fma(q2, simdnn_fma(q, -0x1.1a2a55ab287dbp-2, 0x1.9f3deeae6449cp-2), simdnn_fma(q, 0x1.4107d490d0841p-1, 0x1.970c682d9979dp-2));
  const double c17 = simdnn_fma(q2, simdnn_fma(q, -0x1.13487eae9e10ep-2, -0x1.c8cc7daee8bbfp-4), simdnn_fma(q, -0x1.09976fe036328p+0, -0x1.0cfa6d58f2035p+0));
  const double c21 =
      simdnn_fma(q2, simdnn_fma(q, -0x1.a9de73d4af03cp+3, 0x1.f479a60078411p+2), simdnn_fma(q, 0x1.d197db86175c9p+2, 0x1.fc75876f70481p-3));
  const double c25 = simdnn_fma(q2, 0x1.de402e0b91adfp+3, simdnn_fma(q, 0x1.0d586680a4f72p+3, -0x1.363494b4075a4p+4));
  return simdnn_fma(q4, simdnn_fma(q4, simdnn_fma(q4, simdnn_fma(q4, simdnn_fma(q4, simdnn_fma(q4, c25, c21), c17), c13), c9), c5), c1);
}

static inline double simdnn_fade(double w) { return (1 - w) * (1 - w) * simdnn_fma(w, -0.75, 1.0); }

static inline double simdnn_gelu_part(double w, double s, double low, simdnn_ReducedExp e) {
  const double t = w * s, sum = w + t;
  const double sum_error = ((w - sum) + t) + (simdnn_fma(w, s, -t) + low);
  const double p_error = (e.high - e.p) + e.tail;
  return sum + simdnn_fma(e.p, sum, simdnn_fma(p_error, sum, simdnn_fma(e.p, sum_error, sum_error)));
}

// x Phi(x) = relu(x) - a Phi(-a). Max error 1.45 ULP (float), 1.4 (double).
static inline double simdnn_gelu(double x) {
  const double a = simdnn_clamp_size(simdnn_abs(x), simdnn_NormalConstants_most);
  const simdnn_ReducedExp e = simdnn_reduce_bell(a);
  const double d = a + simdnn_NormalConstants_shift, w = a / d;
  const double rest = simdnn_fma(-w, a - (d - simdnn_NormalConstants_shift), simdnn_fma(-w, d, a));
  const double q = w - simdnn_NormalConstants_center;
  const double s = simdnn_fma(w * q, simdnn_normal_tail(q), simdnn_fma(w, simdnn_NormalConstants_constant, simdnn_NormalConstants_shift - 1));
  const double twice = simdnn_gelu_part(w, s, rest * simdnn_fade(w), e) * simdnn_from_bits(e.power << simdnn_ExpConstants_mantissa);
  return simdnn_fma(twice, -0.5 * simdnn_ExpConstants_unlift, x < 0 ? simdnn_copysign(0, x) : x);
}

// x * Phi(x) = x * (1 + erf(x / sqrt(2))) / 2
static inline double simdnn_gelu_value(double x) {
  return simdnn_gelu(x);
}

#define simdnn_NormalConstants_tanh_most 21.75

#define simdnn_NormalConstants_beta 0x1.65d25edd9ee00p+4

#define simdnn_NormalConstants_beta_low (-0x1.f80ac36638f72p-42)

#define simdnn_NormalConstants_per_ln2 (0x1.a5a7cf7572a98p-4)

#define simdnn_NormalConstants_ln2_high 0x1.36d9d56d77525p+3

#define simdnn_NormalConstants_ln2_low (-0x1.ec6f30aff2b84p-51)

#define simdnn_NormalConstants_gamma (0x1.2444f2a4d8b4bp-4)

static inline double simdnn_gelu_exp_tail(double r, double r2) {
  const double gamma = simdnn_NormalConstants_gamma;
  return gamma * gamma * simdnn_exp_tail(gamma * r, gamma * gamma * r2);
}

// exp(z), z = 2 sqrt(2 / pi) (a + 0.044715 a^3): reduced in units of gamma, in which z is easily computed to twice T's
// precision.
static inline simdnn_ReducedExp simdnn_reduce_gelu_exp(double a) {
  const double c = simdnn_fma(a, a, simdnn_NormalConstants_beta);
  const double c_low = simdnn_fma(a, a, simdnn_NormalConstants_beta - c) + simdnn_NormalConstants_beta_low;
  const double z = a * c;
  const double low = simdnn_fma(a, c_low, simdnn_fma(a, c, -z));
  const double magic = simdnn_ExpConstants_round + (simdnn_ExpConstants_bias - simdnn_ExpConstants_lift);
  const double shifted = simdnn_fma(z, simdnn_NormalConstants_per_ln2, magic), n = shifted - magic;
  const double high = simdnn_fma(n, -simdnn_NormalConstants_ln2_high, z), rest = simdnn_fma(n, -simdnn_NormalConstants_ln2_low, low);
  const double r = high + rest, r2 = r * r;
  const double p = simdnn_fma(high, simdnn_NormalConstants_gamma, simdnn_fma(r2, simdnn_gelu_exp_tail(r, r2), rest * simdnn_NormalConstants_gamma));
  return (simdnn_ReducedExp){simdnn_to_bits(shifted), p, 0.0, p};
}

// x / 2 (1 + tanh(z / 2)) = relu(x) - a / (1 + exp(z)). Max error 1.1 ULP (float, double).
static inline double simdnn_gelu_tanh(double x) {
  const double a = simdnn_clamp_size(simdnn_abs(x), simdnn_NormalConstants_tanh_most);
  const simdnn_Logistic s = simdnn_logistic1(simdnn_reduce_gelu_exp(a));
  return simdnn_fma(simdnn_fma(a, s.r, a * (s.r * s.rest)), simdnn_ExpConstants_unlift, x < 0 ? simdnn_copysign(0, x) : x);
}

// x * sigmoid(z), z = 2 * sqrt(2 / pi) * (x + 0.044715 * x^3)
static inline double simdnn_gelu_tanh_value(double x) {
  return simdnn_gelu_tanh(x);
}
