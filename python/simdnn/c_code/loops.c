// Loops of exported models over the formulas of float.c and double.c; `real` is the precision, `word` its bits.

// The bits of a number.
static inline word simdnn_to_bits(real x) {
  union {
    real number;
    word bits;
  } both;
  both.number = x;
  return both.bits;
}

// The number of these bits.
static inline real simdnn_from_bits(word bits) {
  union {
    real number;
    word bits;
  } both;
  both.bits = bits;
  return both.number;
}

#define simdnn_sign ((word)1 << (8 * sizeof(word) - 1))

static inline real simdnn_abs(real x) { return simdnn_from_bits(simdnn_to_bits(x) & ~simdnn_sign); }

static inline real simdnn_copysign(real magnitude, real sign) {
  return simdnn_from_bits((simdnn_to_bits(magnitude) & ~simdnn_sign) | (simdnn_to_bits(sign) & simdnn_sign));
}

// to = from.
static inline void simdnn_copy(const real *from, int n, real *to) {
  for (int i = 0; i < n; ++i) to[i] = from[i];
}

// y = a + b; y may be a or b.
static inline void simdnn_add(const real *a, const real *b, int n, real *y) {
  for (int i = 0; i < n; ++i) y[i] = a[i] + b[i];
}

// y += x weight [inputs, outputs]; each element is one chain of fma over the inputs.
static inline void simdnn_add_product(const real *restrict x, int inputs, const real *restrict weight, int outputs,
                                      real *restrict y) {
  for (int k = 0; k < inputs; ++k, weight += outputs) {
    for (int j = 0; j < outputs; ++j) y[j] = simdnn_fma(x[k], weight[j], y[j]);
  }
}

// y = x weight + bias.
static inline void simdnn_dense(const real *restrict x, int inputs, const real *restrict weight,
                                const real *restrict bias, int outputs, real *restrict y) {
  simdnn_copy(bias, outputs, y);
  simdnn_add_product(x, inputs, weight, outputs, y);
}

// y = x weight.
static inline void simdnn_linear(const real *restrict x, int inputs, const real *restrict weight, int outputs,
                                 real *restrict y) {
  for (int j = 0; j < outputs; ++j) y[j] = 0;
  simdnn_add_product(x, inputs, weight, outputs, y);
}

// y [outputs] = the largest of each `pieces` adjacent numbers; NaN if one is NaN.
static inline void simdnn_maxout(const real *x, int outputs, int pieces, real *y) {
  for (int j = 0; j < outputs; ++j, x += pieces) {
    real best = x[0];
    for (int k = 1; k < pieces; ++k) {
      const real larger = x[k] <= best ? best : x[k];
      best = best == best ? larger : best;
    }
    y[j] = best;
  }
}

// y [2 n] = [relu(x), relu(-x)].
static inline void simdnn_crelu(const real *x, int n, real *y) {
  for (int i = 0; i < n; ++i) {
    y[i] = simdnn_relu_value(x[i]);
    y[n + i] = simdnn_relu_value(-x[i]);
  }
}

// y = (x - center) scale + offset; y may be x.
static inline void simdnn_batch_norm(const real *x, int n, const real *center, const real *scale, const real *offset,
                                     real *y) {
  for (int i = 0; i < n; ++i) y[i] = simdnn_fma(x[i] - center[i], scale[i], offset[i]);
}

// Sum of sixteen lanes by a fixed binary tree.
static inline double simdnn_sum_lanes(const double *lane) {
  double a[8], b[4];
  for (int i = 0; i < 8; ++i) a[i] = lane[i] + lane[i + 8];
  for (int i = 0; i < 4; ++i) b[i] = a[i] + a[i + 4];
  return (b[0] + b[2]) + (b[1] + b[3]);
}

// The square root of a number above 0, correctly rounded, bit by bit; other numbers are returned as they are.
static inline double simdnn_sqrt(double x) {
  union {
    double number;
    uint64_t bits;
  } both;
  both.number = x;
  if (!(x > 0) || both.bits >= (uint64_t)0x7ff << 52) return x;
  if (both.bits >> 52 == 0) return simdnn_sqrt(x * 0x1p54) * 0x1p-27;
  const int exponent = (int)(both.bits >> 52) - 1023, odd = exponent & 1;
  uint64_t rest = ((both.bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52) << (1 + odd), root = 0, sum = 0;
  for (uint64_t bit = (uint64_t)1 << 53; bit != 0; bit >>= 1, rest <<= 1) {
    if (sum + bit > rest) continue;
    rest -= sum + bit;
    sum += 2 * bit;
    root += bit;
  }
  if (rest != 0) root += root & 1;
  both.bits = (root >> 1) + ((uint64_t)((exponent - odd) / 2 + 1022) << 52);
  return both.number;
}

// y = (x - mean) / sqrt(variance + eps), of a row; y may be x.
static inline void simdnn_normalize(const real *x, int n, double eps, real *y) {
  double sum[16] = {0}, squares[16] = {0};
  for (int i = 0; i < n; ++i) sum[i % 16] += (double)x[i];
  const double mean = simdnn_sum_lanes(sum) / (double)n;
  for (int i = 0; i < n; ++i) {
    const double distance = (double)x[i] - mean;
    squares[i % 16] = simdnn_fma_wide(distance, distance, squares[i % 16]);
  }
  const double inverse = 1 / simdnn_sqrt(simdnn_sum_lanes(squares) / (double)n + eps);
  const real center = (real)mean, scale = (real)inverse, offset = (real)(((double)center - mean) * inverse);
  for (int i = 0; i < n; ++i) y[i] = simdnn_fma(x[i] - center, scale, offset);
}

// y = x weight + bias, number by number; y may be x.
static inline void simdnn_scale(const real *x, int n, const real *weight, const real *bias, real *y) {
  for (int i = 0; i < n; ++i) y[i] = simdnn_fma(x[i], weight[i], bias[i]);
}

typedef struct {
  simdnn_ScaledExp e;
  real value;
} simdnn_Term;

// A term of a softmax and its rounded value.
static inline simdnn_Term simdnn_term_of(simdnn_ScaledExp e) {
  const real p = sizeof(real) == 4 ? e.high : e.high + e.tail;
  return (simdnn_Term){e, simdnn_fma(e.scale, p, e.scale)};
}

// exp(x) 2^offset, but 0 below the floor.
static inline simdnn_ScaledExp simdnn_floored_exp(real x, real floor, real offset) {
  return simdnn_scaled_exp(x < floor ? floor - simdnn_ExpConstants_ln2_high : x, offset);
}

// The term of x in a row with this largest element, which is computed from x - largest if that is huge.
static inline simdnn_Term simdnn_term(real x, real largest, int is_near) {
  const real far_floor = -(simdnn_MaxShiftConstants_lift + simdnn_ExpConstants_bias - 1) * simdnn_ExpConstants_ln2_high;
  if (is_near) {
    const real power =
        simdnn_fma(largest, simdnn_ExpConstants_per_ln2, simdnn_ExpConstants_round) - simdnn_ExpConstants_round;
    const real floor = far_floor + power * simdnn_ExpConstants_ln2_high;
    return simdnn_term_of(simdnn_floored_exp(x, floor, simdnn_MaxShiftConstants_lift - power));
  }
  const real difference = x - largest, back = difference - x;
  const real error = (x - (difference - back)) - (largest + back);
  simdnn_ScaledExp e = simdnn_floored_exp(difference, far_floor, simdnn_MaxShiftConstants_lift);
  const real missed = (1 + e.high) * (difference < far_floor ? 0 : error);
  if (sizeof(real) == 4) {
    e.high += missed;
  } else {
    e.tail += missed;
  }
  return simdnn_term_of(e);
}

// The largest number, without NaN.
static inline real simdnn_largest(const real *x, int n) {
  real largest = -simdnn_ExpConstants_infinity;
  for (int i = 0; i < n; ++i) largest = largest < x[i] ? x[i] : largest;
  return largest;
}

// y = the terms of x; returns their sum. Rounding errors are summed too, by Dekker's Fast2Sum.
static inline double simdnn_sum_terms(const real *x, int n, real largest, int is_near, real *y) {
  const int lanes = is_near && n <= 64 ? 1 : 16;
  real sum[16], lost[16] = {0};
  double lane[16] = {0};
  for (int l = 0; l < lanes; ++l) sum[l] = simdnn_MaxShiftConstants_above;
  for (int i = 0; i < n; ++i) {
    const simdnn_Term term = simdnn_term(x[i], largest, is_near);
    const int l = i % lanes;
    const real next = sum[l] + term.value;
    real rest = simdnn_fma(term.e.scale, term.e.high, term.e.scale - (next - sum[l]));
    if (sizeof(real) == 8) rest = simdnn_fma(term.e.scale, term.e.tail, rest);
    lost[l] += rest;
    sum[l] = next;
    y[i] = term.value;
  }
  for (int l = 0; l < lanes; ++l) {
    lane[l] = ((double)sum[l] - (double)simdnn_MaxShiftConstants_above) + (double)lost[l];
  }
  return simdnn_sum_lanes(lane);
}

// y = exp(x) / sum exp(x); y may be x.
static inline void simdnn_softmax(const real *x, int n, real *y) {
  const real largest = simdnn_largest(x, n);
  const int is_near = simdnn_abs(largest) <= simdnn_MaxShiftConstants_near;
  const simdnn_ScaledExp e = simdnn_term(largest, largest, is_near).e;
  const double p = sizeof(real) == 4 ? (double)e.high : (double)e.high + (double)e.tail;
  const double most = simdnn_fma_wide((double)e.scale, p, (double)e.scale);
  const double sum = simdnn_sum_terms(x, n, largest, is_near, y);
  const real high = (real)(1 / sum);
  const real low = (real)(simdnn_fma_wide(-(double)high, sum, 1) * (double)high);
  const int dominated = sum - most <= sum * (sizeof(real) == 4 ? 0x1p-25 : 0x1p-52);
  for (int i = 0; i < n; ++i) {
    const real share = simdnn_fma(y[i], high, y[i] * low);
    y[i] = dominated && share > (real)0.5 ? 1 : share;
  }
}

// Copies the entry that an integer selects to y; returns 0 if there is none.
static inline int simdnn_look_up(real value, long count, int width, const real *table, real *y) {
  if (!(value >= 0 && value < (real)count)) return 0;
  const long entry = (long)value;
  if ((real)entry != value || entry >= count) return 0;
  simdnn_copy(table + entry * width, width, y);
  return 1;
}

// 1 if all numbers equal the mask, where NaN equals NaN.
static inline int simdnn_masked(const real *x, int n, real mask) {
  for (int i = 0; i < n; ++i) {
    if (!(x[i] == mask || (x[i] != x[i] && mask != mask))) return 0;
  }
  return 1;
}

// h = tanh(gates).
static inline void simdnn_rnn_cell(const real *gates, int n, real *h) {
  for (int j = 0; j < n; ++j) h[j] = simdnn_tanh(gates[j]);
}

// c = f c + i g, h = o tanh(c); the gates are [i, f, g, o].
static inline void simdnn_lstm_cell(const real *gates, int n, real *h, real *c) {
  for (int j = 0; j < n; ++j) {
    const real in = simdnn_sigmoid(gates[j]), forget = simdnn_sigmoid(gates[n + j]);
    const real cell = simdnn_tanh(gates[2 * n + j]), out = simdnn_sigmoid(gates[3 * n + j]);
    c[j] = simdnn_fma(forget, c[j], in * cell);
    h[j] = out * simdnn_tanh(c[j]);
  }
}

// h = (1 - z) a + z h, a = tanh(n + r b); the gates are [n, r, z, b].
static inline void simdnn_gru_cell(const real *gates, int n, real *h) {
  for (int j = 0; j < n; ++j) {
    const real reset = simdnn_sigmoid(gates[n + j]), update = simdnn_sigmoid(gates[2 * n + j]);
    const real candidate = simdnn_tanh(simdnn_fma(reset, gates[3 * n + j], gates[j]));
    h[j] = simdnn_fma(update, h[j] - candidate, candidate);
  }
}

// sums += weight y.
static inline void simdnn_add_weighted(double weight, const real *y, int n, double *sums) {
  for (int i = 0; i < n; ++i) sums[i] += weight * (double)y[i];
}

// y = sums / total.
static inline void simdnn_divide(const double *sums, int n, double total, real *y) {
  for (int i = 0; i < n; ++i) y[i] = (real)(sums[i] / total);
}
