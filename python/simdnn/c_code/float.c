// Written by `python -m tests.tools.c_functions --write` from cpp/math/ and cpp/ops/.

#define simdnn_MaxShiftConstants_lift 24.0f

#define simdnn_MaxShiftConstants_near 4096.0f

#define simdnn_MaxShiftConstants_above 0x1p25f

#define simdnn_ExpConstants_bias 127.0f

#define simdnn_ExpConstants_infinity INFINITY

#define simdnn_ExpConstants_ln2_high (0x1.62e43p-1f)

#define simdnn_ExpConstants_per_ln2 0x1.715476p+0f

#define simdnn_ExpConstants_round 0x1.8p23f

#define simdnn_ExpConstants_unlift 0x1p-96f

#define simdnn_ExpConstants_limit 153.0f

typedef struct {
  float r;
  float rest;
} simdnn_Logistic;

#define simdnn_ExpConstants_lift 96.0f

typedef struct {
  uint32_t power;
  float high, tail, p;
} simdnn_ReducedExp;

#define simdnn_ExpConstants_ln2_low (-0x1.05c61p-29f)

// A shorter tail for exp(r), too inaccurate for exp(r) - 1: error 2^-27.7 (float).
static inline float simdnn_short_exp_tail(float r, float r2) {
  float c12 = simdnn_fma(r, 0x1.55545ep-5f, 0x1.55548ep-3f);
  float c34 = simdnn_fma(r, 0x1.6db420p-10f, 0x1.123b54p-7f);
  return simdnn_fma(r, simdnn_fma(r2, c34, c12), 0x1p-1f);
}

// Reduces x + low; kRelative says that exp(x) - 1 is needed as accurately as exp(x).
static inline simdnn_ReducedExp simdnn_reduce_exp_not_relative(float x, float low, float offset) {
  float magic = simdnn_ExpConstants_round + offset;
  float shifted = simdnn_fma(x, simdnn_ExpConstants_per_ln2, magic);
  float n = shifted - magic;
  float high = simdnn_fma(n, -simdnn_ExpConstants_ln2_high, x);
  float rest = simdnn_fma(n, -simdnn_ExpConstants_ln2_low, low);
  float r = high + rest;
  float r2 = r * r;
  float tail = simdnn_fma(r2, simdnn_short_exp_tail(r, r2), rest);
  return (simdnn_ReducedExp){simdnn_to_bits(shifted), high, tail, high + tail};
}

#define simdnn_ExpConstants_mantissa 23

typedef struct {
  float value, error;
} simdnn_Pair;

// scale p + base and its rounding error.
static inline simdnn_Pair simdnn_scale_and_add(float scale, simdnn_ReducedExp e, float base) {
  const float value = simdnn_fma(scale, e.p, base);
  return (simdnn_Pair){value, simdnn_fma(scale, e.p, base - value)};
}

static inline simdnn_Logistic simdnn_logistic1(simdnn_ReducedExp e) {
  const float scale = simdnn_from_bits(e.power << simdnn_ExpConstants_mantissa);
  const float base = scale + simdnn_ExpConstants_unlift;
  const simdnn_Pair d = simdnn_scale_and_add(scale, e, base);
  const float d_error = d.error + (simdnn_ExpConstants_unlift - (base - scale));
  const float r = -1.0f / d.value;
  return (simdnn_Logistic){r, simdnn_fma(r, d_error, simdnn_fma(r, d.value, 1.0f))};
}

static inline simdnn_Logistic simdnn_logistic2(float a, float low) {
  return simdnn_logistic1(simdnn_reduce_exp_not_relative(a, low, simdnn_ExpConstants_bias - simdnn_ExpConstants_lift));
}

// sigmoid(-|x|) = t. Max error 0.91 ULP (float, double).
static inline float simdnn_sigmoid(float x) {
  const simdnn_Logistic s = simdnn_logistic2(simdnn_abs(x), 0.0f);
  const float y = simdnn_abs(simdnn_fma(s.r, s.rest, s.r)) * simdnn_ExpConstants_unlift;
  const float t = simdnn_abs(x) > simdnn_ExpConstants_limit ? 0.0f : y;
  return x < 0 ? t : 1 - t;
}

#define simdnn_ExpConstants_saturated 40.0f

// min(a, most) for a >= 0 and most > 0; `most` for NaN. Integers are compared, which is faster in vector units.
static inline float simdnn_clamp_size(float a, float most) {
  const uint32_t bits = simdnn_to_bits(a), limit = simdnn_to_bits(most);
  return simdnn_from_bits(bits < limit ? bits : limit);
}

// (tanh(x) / x - 1) / x^2 with v = x^2, |x| <= 5/8.
static inline float simdnn_tanh_tail(float v) {
  const float high = simdnn_fma(v, simdnn_fma(v, -0x1.79a0bep-8f, 0x1.531570p-6f), -0x1.b86600p-5f);
  return simdnn_fma(v, simdnn_fma(v, high, 0x1.11089ep-3f), -0x1.55553cp-2f);
}

// 1 - 2 / (1 + exp(2|x|)), whose last operation hides the roundings before it; below |x| = 5/8 an odd polynomial.
// The range reduction needs only the leading part of ln 2. Max error 1.2 ULP (float), 1.3 (double).
static inline float simdnn_tanh(float x) {
  const float a = simdnn_abs(x) + simdnn_abs(x);
  const float bounded = simdnn_clamp_size(a, simdnn_ExpConstants_saturated);
  const float shifted = simdnn_fma(bounded, simdnn_ExpConstants_per_ln2, simdnn_ExpConstants_round + simdnn_ExpConstants_bias);
  const float r = simdnn_fma(shifted - (simdnn_ExpConstants_round + simdnn_ExpConstants_bias), -simdnn_ExpConstants_ln2_high, bounded);
  const float scale = simdnn_from_bits(simdnn_to_bits(shifted) << simdnn_ExpConstants_mantissa);
  const float r2 = r * r;
  const float far_value = simdnn_fma(-2.0f, 1 / simdnn_fma(scale, simdnn_fma(r2, simdnn_short_exp_tail(r, r2), r), scale + 1), 1.0f);
  const float v = x * x;
  const float near_value = simdnn_fma(x * v, simdnn_tanh_tail(v), x);
  return simdnn_copysign(a >= 1.25f ? far_value : near_value, x);
}

typedef struct {
  float scale, high, tail;
} simdnn_ScaledExp;

static const float simdnn_Sixteenths_error[16] = {
  0x0.000000p+0f, 0x1.8d96d4p-25f, -0x1.9c0c22p-27f, 0x1.964904p-25f,
  0x1.125002p-25f, 0x1.370be4p-25f, -0x1.0a3550p-25f, -0x1.00d8acp-27f,
  0x1.26055cp-26f, -0x1.05cb44p-25f, 0x1.67a1cap-28f, 0x1.a3b5e4p-28f,
  -0x1.f9c304p-27f, -0x1.6961b4p-28f, -0x1.a5217cp-28f, 0x1.61428ep-28f,
};

#define simdnn_Sixteenths_shift 19

static const float simdnn_Sixteenths_less[16] = {
  0x1.0000000000000p+0f, 0x1.fb55860000000p-1f, 0x1.f72b840000000p-1f, 0x1.f387a60000000p-1f,
  0x1.f06fe00000000p-1f, 0x1.edea640000000p-1f, 0x1.ebfdae0000000p-1f, 0x1.eab07e0000000p-1f,
  0x1.ea09e60000000p-1f, 0x1.ea11480000000p-1f, 0x1.eace540000000p-1f, 0x1.ec49180000000p-1f,
  0x1.ee89fa0000000p-1f, 0x1.f199be0000000p-1f, 0x1.f5818e0000000p-1f, 0x1.fa4afa0000000p-1f,
};

// Element of a table of sixteen, chosen by the low four bits of the index.
static inline float simdnn_lookup(const float* table, uint32_t index) { return table[index & 15]; }

// 2^offset exp(x) for an integer offset, where it is normal; the power of two below those becomes 0. In single
// precision n = round(16 x / ln 2) and |r| <= ln 2 / 32: the table takes the place of half the polynomial, and leaves
// so little to add to 1 that its rounding does not count.
static inline simdnn_ScaledExp simdnn_scaled_exp(float x, float offset) {
  float magic = simdnn_fma(offset, 16, simdnn_ExpConstants_round);
  float shifted = simdnn_fma(x, 16 * simdnn_ExpConstants_per_ln2, magic);
  float n = shifted - magic;
  float high = simdnn_fma(n, -simdnn_ExpConstants_ln2_high / 16, x);
  uint32_t index = simdnn_to_bits(shifted);
  float r = high + simdnn_fma(n, -simdnn_ExpConstants_ln2_low / 16, simdnn_lookup(simdnn_Sixteenths_error, index));
  float p = simdnn_fma(r * r, simdnn_fma(r, 0x1.555762p-3f, 0x1.00021cp-1f), r);
  return (simdnn_ScaledExp){simdnn_from_bits((index << simdnn_Sixteenths_shift) + simdnn_to_bits(simdnn_lookup(simdnn_Sixteenths_less, index))), p, p};
}

// x
static inline float simdnn_identity_value(float x) {
  return x;
}

// max(x, 0)
static inline float simdnn_relu_value(float x) {
  return x <= 0 ? 0.0f : x;
}

// x if x > 0 else negative_slope * x
static inline float simdnn_leaky_relu_value(float x, float negative_slope) {
  const float leaked = negative_slope * x;
  return x > 0 ? x : leaked;
}

// Returns a, or `most` if a is between it and `end`, the infinity of its sign; a NaN stays. Integers counted from that
// infinity are compared: NaN come first, then numbers of the other sign, then those of this sign by their magnitude.
static inline float simdnn_bound_size(float a, float most, float end) {
  const uint32_t above = simdnn_to_bits(end) + 1;
  const uint32_t bits = simdnn_to_bits(a) - above, limit = simdnn_to_bits(most) - above;
  return simdnn_from_bits((bits < limit ? bits : limit) + above);
}

// min(max(x, 0), 6)
static inline float simdnn_relu6_value(float x) {
  return simdnn_bound_size(simdnn_relu_value(x), 6.0f, simdnn_ExpConstants_infinity);
}

// min(max(x, min_val), max_val)
static inline float simdnn_hard_tanh_value(float x, float min_val, float max_val) {
  const float low = x < min_val ? min_val : x;
  return low > max_val ? max_val : low;
}

// (t + low) / 6 with nearly one rounding: a product with 1/6, corrected by its remainder, is cheaper than a division.
static inline float simdnn_sixth(float t, float low) {
  const float part = 1.0f / 6;
  const float q = t * part;
  return simdnn_fma(simdnn_fma(-6.0f, q, t) + low, part, q);
}

// min(max(x + 3, 0), 6) / 6
static inline float simdnn_hard_sigmoid_value(float x) {
  const float t = x + 3;
  const float low = x - (t - 3);
  const float line = x >= 3 ? 1.0f : simdnn_sixth(t, low);
  return x <= -3 ? 0.0f : line;
}

// x * min(max(x + 3, 0), 6) / 6
static inline float simdnn_hard_swish_value(float x) {
  const float bounded = simdnn_bound_size(x, -3.0f, -simdnn_ExpConstants_infinity);
  return bounded * simdnn_sixth(simdnn_clamp_size(bounded + 3, 6.0f), 0.0f);
}

#define simdnn_ExpConstants_linear 0x1p-30f

// x / (1 + |x|), which tends to +-1. Max error 1.5 ULP (float, double).
static inline float simdnn_softsign(float x) {
  const float a = simdnn_abs(x);
  const float q = a / (1 + a);
  return simdnn_copysign(a > 1 / simdnn_ExpConstants_linear ? 1.0f : q, x);
}

// x / (1 + |x|)
static inline float simdnn_softsign_value(float x) {
  return simdnn_softsign(x);
}

// 1 if x >= 0 else 0
static inline float simdnn_binary_step_value(float x) {
  const float below = x < 0 ? 0.0f : x;
  return x >= 0 ? 1.0f : below;
}

// 1 / (1 + exp(-x))
static inline float simdnn_sigmoid_value(float x) {
  return simdnn_sigmoid(x);
}

// tanh(x)
static inline float simdnn_tanh_value(float x) {
  return simdnn_tanh(x);
}

#define simdnn_ExpConstants_smallest_expm1 (-18.0f)

// x if it is in [least, -0.0], else `least`, also for NaN. Integers are compared, which is faster in vector units.
static inline float simdnn_clamp_fall(float x, float least) {
  const int32_t bits = (int32_t)simdnn_to_bits(x), limit = (int32_t)simdnn_to_bits(least);
  return simdnn_from_bits(bits < limit ? bits : limit);
}

// (exp(r) - 1 - r) / r^2; the pairs keep the chain of dependent operations short.
static inline float simdnn_exp_tail(float r, float r2) {
  float c01 = simdnn_fma(r, 0x1.555556p-3f, 0x1p-1f);
  float c23 = simdnn_fma(r, 0x1.111096p-7f, 0x1.5554bcp-5f);
  float c45 = simdnn_fma(r, 0x1.a19a7ap-13f, 0x1.6d699cp-10f);
  return simdnn_fma(r2, simdnn_fma(r2, c45, c23), c01);
}

// Reduces x + low; kRelative says that exp(x) - 1 is needed as accurately as exp(x).
static inline simdnn_ReducedExp simdnn_reduce_exp(float x, float low, float offset) {
  float magic = simdnn_ExpConstants_round + offset;
  float shifted = simdnn_fma(x, simdnn_ExpConstants_per_ln2, magic);
  float n = shifted - magic;
  float high = simdnn_fma(n, -simdnn_ExpConstants_ln2_high, x);
  float rest = simdnn_fma(n, -simdnn_ExpConstants_ln2_low, low);
  float r = high + rest;
  float r2 = r * r;
  float tail = simdnn_fma(r2, simdnn_exp_tail(r, r2), rest);
  return (simdnn_ReducedExp){simdnn_to_bits(shifted), high, tail, high + tail};
}

// scale (1 + high + tail) - one and its rounding error; the rounding of p is left out.
static inline simdnn_Pair simdnn_scale_and_subtract(float scale, simdnn_ReducedExp e, float one) {
  const float base = scale - one;
  const float value = simdnn_fma(scale, e.p, base);
  return (simdnn_Pair){value, simdnn_fma(scale, e.tail, simdnn_fma(scale, e.high, base - value))};
}

// exp(x + low) - 1 for smallest_expm1 <= x <= 0; callers replace the result outside that range.
static inline simdnn_Pair simdnn_falling_expm1(float x, float low) {
  const simdnn_ReducedExp e = simdnn_reduce_exp(x, low, simdnn_ExpConstants_bias);
  return simdnn_scale_and_subtract(simdnn_from_bits(e.power << simdnn_ExpConstants_mantissa), e, 1.0f);
}

// x for x > 0, else alpha (exp(x) - 1). Max error 0.9 ULP (float, double).
static inline float simdnn_elu(float x, float alpha) {
  const simdnn_Pair m = simdnn_falling_expm1(simdnn_clamp_fall(x, simdnn_ExpConstants_smallest_expm1), 0.0f);
  const float curve = simdnn_fma(alpha, m.value, alpha * m.error);
  return x < 0 ? curve : x;
}

// x if x > 0 else alpha * (exp(x) - 1)
static inline float simdnn_elu_value(float x, float alpha) {
  return simdnn_elu(x, alpha);
}

#define simdnn_SeluConstants_lambda_alpha 0x1.c212ccp+0f

#define simdnn_SeluConstants_lambda_alpha_low (0x1.903c0cp-26f)

#define simdnn_SeluConstants_lambda_minus_1 (0x1.9f57aep-5f)

// lambda x for x > 0, else lambda alpha (exp(x) - 1). Max error 0.9 ULP (float, double).
static inline float simdnn_selu(float x) {
  const simdnn_Pair m = simdnn_falling_expm1(simdnn_clamp_fall(x, simdnn_ExpConstants_smallest_expm1), 0.0f);
  const float curve = simdnn_fma(simdnn_SeluConstants_lambda_alpha, m.value, simdnn_fma(simdnn_SeluConstants_lambda_alpha_low, m.value, simdnn_SeluConstants_lambda_alpha * m.error));
  return x < 0 ? curve : simdnn_fma(simdnn_SeluConstants_lambda_minus_1, x, x);
}

// lambda * (x if x > 0 else alpha * (exp(x) - 1)), lambda = 1.0507009873554805, alpha = 1.6732632423543772
static inline float simdnn_selu_value(float x) {
  return simdnn_selu(x);
}

// max(x / alpha, -least) and its rounding error; alpha > 0 is normal and least alpha finite. A loop with one alpha
// divides only once.
static inline simdnn_Pair simdnn_quotient(float x, float alpha, float least) {
  const float largest = simdnn_from_bits(simdnn_to_bits(simdnn_ExpConstants_infinity) - 1);
  const float per_alpha = 1 / alpha;
  const float edge = least * alpha < largest ? least * alpha : largest;
  const float bounded = x < -edge ? -edge : x;
  const float z = bounded * per_alpha;
  return (simdnn_Pair){z, simdnn_fma(-z, alpha, bounded) * per_alpha};
}

// x for x > 0, else alpha (exp(x / alpha) - 1). Max error 1.1 ULP (float, double).
static inline float simdnn_celu(float x, float alpha) {
  const simdnn_Pair z = simdnn_quotient(x, alpha, -simdnn_ExpConstants_smallest_expm1);
  const simdnn_Pair m = simdnn_falling_expm1(z.value, z.error);
  const float curve = simdnn_fma(alpha, m.value, alpha * m.error);
  return z.value >= -simdnn_ExpConstants_linear ? x : curve;
}

// x if x > 0 else alpha * (exp(x / alpha) - 1)
static inline float simdnn_celu_value(float x, float alpha) {
  return simdnn_celu(x, alpha);
}

typedef struct {
  simdnn_ReducedExp e;
  float scale;
  float lifted;
} simdnn_ExpNegative;

// Variant of exp_negative() that is too inaccurate for exp(x) - 1.
static inline simdnn_ExpNegative simdnn_short_exp_negative(float x) {
  const simdnn_ReducedExp e = simdnn_reduce_exp_not_relative(x, 0.0f, simdnn_ExpConstants_bias + simdnn_ExpConstants_lift);
  const float lifted = simdnn_from_bits(e.power << simdnn_ExpConstants_mantissa);
  return (simdnn_ExpNegative){e, lifted * simdnn_ExpConstants_unlift, lifted};
}

// exp(-|x|) and its rounding error; NaN for NaN.
static inline simdnn_Pair simdnn_fading_exp(float x) {
  const simdnn_ExpNegative decayed = simdnn_short_exp_negative(-(simdnn_abs(x) > simdnn_ExpConstants_limit ? simdnn_ExpConstants_limit : simdnn_abs(x)));
  return simdnn_scale_and_add(decayed.scale, decayed.e, decayed.scale);
}

// log(1 + e) - e + rest for 0 <= e <= 1, half = -e / 2. The high degree saves a division; the order of the sums keeps
// rounding errors near e = 1 small.
static inline float simdnn_log1p_bend(float e, float half, float rest) {
  const float e2 = e * e;
  const float c23 = simdnn_fma(e, 0x1.981e2cp-3f, -0x1.ffddd6p-3f);
  const float c45 = simdnn_fma(e, 0x1.03ec26p-3f, -0x1.4c7660p-3f);
  const float c67 = simdnn_fma(e, 0x1.6c13aep-5f, -0x1.609dccp-4f);
  const float c89 = simdnn_fma(e, 0x1.2c2d2ap-9f, -0x1.e358a4p-7f);
  const float c29 = simdnn_fma(e2, simdnn_fma(e2, simdnn_fma(e2, c89, c67), c45), c23);
  return simdnn_fma(e, simdnn_fma(e2, 0x1.5554bap-2f, half), simdnn_fma(e2 * e2, c29, rest));
}

// e + rise + bend; in double, where bend has more roundings, the rounding error of a sum near 1 is included.
static inline float simdnn_softplus_sum(float e, float rise, float half, float rest) {
  return e + (rise + simdnn_log1p_bend(e, half, rest));
}

// log(1 + exp(x)) = max(x, 0) + log(1 + e), e = exp(-|x|). Max error 1.5 ULP (float, double).
static inline float simdnn_softplus(float x) {
  const simdnn_Pair e = simdnn_fading_exp(x);
  const float half = -0.5f * e.value;
  return simdnn_softplus_sum(e.value, x < 0 ? 0.0f : x, half, simdnn_fma(half, e.error, e.error));
}

// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))
static inline float simdnn_softplus_value(float x) {
  return simdnn_softplus(x);
}

// -log(1 + exp(-x)) = -softplus(-x)
static inline float simdnn_log_sigmoid_value(float x) {
  return -simdnn_softplus(-x);
}

typedef struct {
  float size, most, lift, unlift;
} simdnn_GateScale;

typedef struct {
  float s, d;
  float lost;
} simdnn_RangeReduction;

#define simdnn_RangeReductionConstants_limit 110.0f

#define simdnn_RangeReductionConstants_lift 40.0f

#define simdnn_RangeReductionConstants_unlift 0x1p-40f

#define simdnn_RangeReductionConstants_least_scale 0x1p-80f

#define simdnn_RangeReductionConstants_most_scale 0x1p126f

#define simdnn_RangeReductionConstants_least_limit 85.0f

// Selection by a condition on beta. With ?: GCC leaves a branch that is the same for every x, and no vector code.
static inline float simdnn_choose(int condition, float yes, float no) {
  const uint32_t mask = (uint32_t)0 - condition;
  return simdnn_from_bits((simdnn_to_bits(yes) & mask) | (simdnn_to_bits(no) & ~mask));
}

static inline simdnn_GateScale simdnn_gate_scale4(float beta, float limit, float lift, float unlift) {
  const float largest = simdnn_from_bits(simdnn_to_bits(simdnn_ExpConstants_infinity) - 1);
  const int tiny = simdnn_abs(beta) < simdnn_RangeReductionConstants_least_scale;
  const float size = simdnn_choose(simdnn_abs(beta) > simdnn_RangeReductionConstants_most_scale, simdnn_RangeReductionConstants_most_scale, simdnn_abs(beta));
  const float most = simdnn_choose(tiny, simdnn_RangeReductionConstants_least_limit, limit) / size;
  return (simdnn_GateScale){size, simdnn_choose(most < largest, most, largest), simdnn_choose(tiny, 0.0f, lift), simdnn_choose(tiny, 1.0f, unlift)};
}

static inline simdnn_GateScale simdnn_gate_scale1(float beta) {
  return simdnn_gate_scale4(beta, simdnn_RangeReductionConstants_limit, simdnn_RangeReductionConstants_lift, simdnn_RangeReductionConstants_unlift);
}

#define simdnn_RangeReductionConstants_ln2_high (0x1.62e4p-1f)

#define simdnn_RangeReductionConstants_ln2_low (0x1.7f7d1cp-20f)

// Reduces a = scale * size in [0, limit]; with scale 1 all products are exact.
static inline simdnn_RangeReduction simdnn_reduce_range(float size, float scale, float lift, float unlift) {
  const float magic = simdnn_ExpConstants_round + (simdnn_ExpConstants_bias + lift);
  const float shifted = simdnn_fma(size, -simdnn_ExpConstants_per_ln2 * scale, magic);
  const float n = shifted - magic;
  const float high = simdnn_fma(size, scale, n * simdnn_RangeReductionConstants_ln2_high);
  const float r = simdnn_fma(n, simdnn_RangeReductionConstants_ln2_low, high);
  const float r2 = r * r;
  const float p = simdnn_fma(r2, simdnn_short_exp_tail(r, r2), r);
  const float s = simdnn_from_bits(simdnn_to_bits(shifted) << simdnn_ExpConstants_mantissa);
  const float more = simdnn_fma(s, unlift, p);
  const float d = 1 + more;
  return (simdnn_RangeReduction){s, d, (1 - d) + more};
}

// numerator / d with the rounding error of d corrected; (3 - d) / 2 approximates 1 / d within 30 %.
static inline float simdnn_over(float numerator, simdnn_RangeReduction f) {
  const float q = numerator / f.d;
  const float rest = simdnn_fma(-q, f.lost, simdnn_fma(-q, f.d, numerator));
  return simdnn_fma(rest, simdnn_fma(f.d, -0.5f, 1.5f), q);
}

// x with its sign flipped if `by` is negative.
static inline float simdnn_flipped(float x, float by) {
  return simdnn_from_bits(simdnn_to_bits(x) ^ (simdnn_to_bits(by) & simdnn_to_bits(-0.0f)));
}

// x sigmoid(beta x) = max(x, -0.0) - |x| t for beta > 0. Max error 1.25 ULP for beta = 1, else 1.3.
static inline float simdnn_scaled_gate(float x, float beta) {
  const simdnn_GateScale by = simdnn_gate_scale1(beta);
  const float a = simdnn_bound_size(simdnn_abs(x), by.most, simdnn_ExpConstants_infinity);
  const simdnn_RangeReduction f = simdnn_reduce_range(a, by.size, by.lift, by.unlift);
  const float y = simdnn_fma(simdnn_over(a * f.s, f), -by.unlift, simdnn_clamp_size(simdnn_flipped(x, beta), -0.0f));
  return simdnn_choose(beta == 0, x * 0.5f, simdnn_flipped(y, beta));
}

// x * sigmoid(x)
static inline float simdnn_silu_value(float x) {
  return simdnn_scaled_gate(x, 1.0f);
}

// x * sigmoid(beta * x)
static inline float simdnn_swish_value(float x, float beta) {
  return simdnn_scaled_gate(x, beta);
}

#define simdnn_MishConstants_largest 11.0f

typedef struct {
  float x;
  float w;
  simdnn_Pair up;
  simdnn_Pair n;
  simdnn_Pair d;
  float r;
} simdnn_MishParts;

#define simdnn_MishConstants_smallest (-110.0f)

static inline simdnn_MishParts simdnn_mish_parts(float x) {
  const float bounded = x < simdnn_MishConstants_smallest ? simdnn_MishConstants_smallest : x;
  const simdnn_ExpNegative decayed = simdnn_short_exp_negative(bounded);
  const float lifted = simdnn_fma(decayed.lifted, decayed.e.p, decayed.lifted);
  const float gap = simdnn_fma(decayed.lifted, decayed.e.high, decayed.lifted - lifted);
  const simdnn_Pair up = {lifted, simdnn_fma(decayed.lifted, decayed.e.tail, gap)};
  const float w = up.value * simdnn_ExpConstants_unlift;
  const float twice = up.value + up.value;
  const float n = simdnn_fma(up.value, w, twice);
  const float n_error = simdnn_fma(up.error, simdnn_fma(2.0f, w, 2.0f), simdnn_fma(up.value, w, twice - n));
  const float d = simdnn_fma(n, simdnn_ExpConstants_unlift, 2.0f);
  const float d_error = simdnn_fma(n_error, simdnn_ExpConstants_unlift, simdnn_fma(n, simdnn_ExpConstants_unlift, 2 - d));
  return (simdnn_MishParts){bounded, w, up, {n, n_error}, {d, d_error}, 1 / d};
}

// x tanh(softplus(x)). Max error 0.75 ULP (float, double).
static inline float simdnn_mish(float x) {
  const simdnn_MishParts m = simdnn_mish_parts(x);
  const float q = m.n.value * m.r;
  const float rest = (simdnn_fma(-q, m.d.value, m.n.value) + simdnn_fma(-q, m.d.error, m.n.error)) * m.r;
  const float y = simdnn_copysign(simdnn_fma(m.x, q, m.x * rest) * simdnn_ExpConstants_unlift, x);
  return x > simdnn_MishConstants_largest ? x : y;
}

// x * tanh(log(1 + exp(x)))
static inline float simdnn_mish_value(float x) {
  return simdnn_mish(x);
}

#define simdnn_NormalConstants_most 14.75f

#define simdnn_NormalConstants_shift 1.5f

#define simdnn_NormalConstants_center (134 / 256.f)

#define simdnn_NormalConstants_constant (-0x1.15a726p-1f)

// 2^lift exp(-a^2 / 2); the rounding error of a^2 is included, because exp would magnify it.
static inline simdnn_ReducedExp simdnn_reduce_bell(float a) {
  const float half = a * -0.5f, square = half * a;
  return simdnn_reduce_exp_not_relative(square, simdnn_fma(half, a, -square), simdnn_ExpConstants_bias + simdnn_ExpConstants_lift);
}

// With w = a / (a + K), q = w - center: 2 a exp(a^2 / 2) Phi(-a) = w (K + w (constant + q tail(q))).
static inline float simdnn_normal_tail(float q) {
  const float q2 = q * q, q4 = q2 * q2;
  const float c12 = simdnn_fma(q, 0x1.bf79cap-4f, -0x1.fb01d4p-2f);
  const float c34 = simdnn_fma(q, 0x1.24beccp-2f, 0x1.c48f32p-2f);
  const float c56 = simdnn_fma(q, -0x1.0e468cp-1f, -0x1.441b98p-3f);
  const float c78 = simdnn_fma(q, 0x1.8d9c9ap-4f, -0x1.fcb350p-2f);
  const float c9a = simdnn_fma(q, 0x1.31a620p-1f, 0x1.8ff2aep-1f);
  const float high = simdnn_fma(q4, c9a, simdnn_fma(q2, c78, c56));
  return simdnn_fma(q4, high, simdnn_fma(q2, c34, c12));
}

// Sensitivity of w (1 + s) to an error of w (a + K): approximately (1 - w)^2 for K = 1.5.
static inline float simdnn_fade(float w) { return (1 - w) * (1 - w); }

// (w (1 + s) + low) (1 + e.p), including the rounding error of e.p; in double, whose K needs it, all errors but the
// last.
static inline float simdnn_gelu_part(float w, float s, float low, simdnn_ReducedExp e) {
  const float t = simdnn_fma(w, s, simdnn_fma((e.high - e.p) + e.tail, w, low));
  return w + simdnn_fma(e.p, w + t, t);
}

// x Phi(x) = relu(x) - a Phi(-a). Max error 1.45 ULP (float), 1.4 (double).
static inline float simdnn_gelu(float x) {
  const float a = simdnn_clamp_size(simdnn_abs(x), simdnn_NormalConstants_most);
  const simdnn_ReducedExp e = simdnn_reduce_bell(a);
  const float d = a + simdnn_NormalConstants_shift, w = a / d;
  const float rest = simdnn_fma(-w, a - (d - simdnn_NormalConstants_shift), simdnn_fma(-w, d, a));
  const float q = w - simdnn_NormalConstants_center;
  const float s = simdnn_fma(w * q, simdnn_normal_tail(q), simdnn_fma(w, simdnn_NormalConstants_constant, simdnn_NormalConstants_shift - 1));
  const float twice = simdnn_gelu_part(w, s, rest * simdnn_fade(w), e) * simdnn_from_bits(e.power << simdnn_ExpConstants_mantissa);
  return simdnn_fma(twice, -0.5f * simdnn_ExpConstants_unlift, x < 0 ? simdnn_copysign(0, x) : x);
}

// x * Phi(x) = x * (1 + erf(x / sqrt(2))) / 2
static inline float simdnn_gelu_value(float x) {
  return simdnn_gelu(x);
}

#define simdnn_NormalConstants_tanh_most 11.0f

#define simdnn_NormalConstants_beta 0x1.65d28p+4f

#define simdnn_NormalConstants_beta_low (-0x1.09130ap-15f)

#define simdnn_NormalConstants_per_ln2 (0x1.a5a7dp-4f)

#define simdnn_NormalConstants_ln2_high 0x1.36d9d6p+3f

#define simdnn_NormalConstants_ln2_low (-0x1.25115cp-22f)

#define simdnn_NormalConstants_gamma (0x1.2444f2p-4f)

// (exp(gamma r) - 1 - gamma r) / r^2, |gamma r| <= ln 2 / 2.
static inline float simdnn_gelu_exp_tail(float r, float r2) {
  const float c12 = simdnn_fma(r, 0x1.21f244p-20f, 0x1.fbef1ep-15f);
  const float c34 = simdnn_fma(r, 0x1.94d1f2p-33f, 0x1.09bf14p-26f);
  return simdnn_fma(r, simdnn_fma(r2, c34, c12), 0x1.4dad5cp-9f);
}

// exp(z), z = 2 sqrt(2 / pi) (a + 0.044715 a^3): reduced in units of gamma, in which z is easily computed to twice T's
// precision.
static inline simdnn_ReducedExp simdnn_reduce_gelu_exp(float a) {
  const float c = simdnn_fma(a, a, simdnn_NormalConstants_beta);
  const float c_low = simdnn_fma(a, a, simdnn_NormalConstants_beta - c) + simdnn_NormalConstants_beta_low;
  const float z = a * c;
  const float low = simdnn_fma(a, c_low, simdnn_fma(a, c, -z));
  const float magic = simdnn_ExpConstants_round + (simdnn_ExpConstants_bias - simdnn_ExpConstants_lift);
  const float shifted = simdnn_fma(z, simdnn_NormalConstants_per_ln2, magic), n = shifted - magic;
  const float high = simdnn_fma(n, -simdnn_NormalConstants_ln2_high, z), rest = simdnn_fma(n, -simdnn_NormalConstants_ln2_low, low);
  const float r = high + rest, r2 = r * r;
  const float p = simdnn_fma(high, simdnn_NormalConstants_gamma, simdnn_fma(r2, simdnn_gelu_exp_tail(r, r2), rest * simdnn_NormalConstants_gamma));
  return (simdnn_ReducedExp){simdnn_to_bits(shifted), p, 0.0f, p};
}

// x / 2 (1 + tanh(z / 2)) = relu(x) - a / (1 + exp(z)). Max error 1.1 ULP (float, double).
static inline float simdnn_gelu_tanh(float x) {
  const float a = simdnn_clamp_size(simdnn_abs(x), simdnn_NormalConstants_tanh_most);
  const simdnn_Logistic s = simdnn_logistic1(simdnn_reduce_gelu_exp(a));
  return simdnn_fma(simdnn_fma(a, s.r, a * (s.r * s.rest)), simdnn_ExpConstants_unlift, x < 0 ? simdnn_copysign(0, x) : x);
}

// x * sigmoid(z), z = 2 * sqrt(2 / pi) * (x + 0.044715 * x^3)
static inline float simdnn_gelu_tanh_value(float x) {
  return simdnn_gelu_tanh(x);
}
