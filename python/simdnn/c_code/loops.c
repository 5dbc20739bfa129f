// Loops of exported models over the formulas of float.c and double.c: REAL is the precision.

// Arrays that share no memory, in C and in C++.
#ifdef __cplusplus
#define simdnn_restrict __restrict
#else
#define simdnn_restrict restrict
#endif

// to = from.
static inline void simdnn_copy(const REAL *from, int n, REAL *to) {
  for (int i = 0; i < n; ++i) to[i] = from[i];
}

// y = a + b; y may be a or b.
static inline void simdnn_add(const REAL *a, const REAL *b, int n, REAL *y) {
  for (int i = 0; i < n; ++i) y[i] = a[i] + b[i];
}

// y += x weight [inputs, outputs]; each element is one chain of fma over the inputs.
static inline void simdnn_add_product(const REAL *simdnn_restrict x, int inputs, const REAL *simdnn_restrict weight, int outputs,
                                      REAL *simdnn_restrict y) {
  for (int k = 0; k < inputs; ++k, weight += outputs) {
    for (int j = 0; j < outputs; ++j) y[j] = simdnn_fma(x[k], weight[j], y[j]);
  }
}

// y = x weight + bias.
static inline void simdnn_dense(const REAL *simdnn_restrict x, int inputs, const REAL *simdnn_restrict weight,
                                const REAL *simdnn_restrict bias, int outputs, REAL *simdnn_restrict y) {
  simdnn_copy(bias, outputs, y);
  simdnn_add_product(x, inputs, weight, outputs, y);
}

// y = x weight.
static inline void simdnn_linear(const REAL *simdnn_restrict x, int inputs, const REAL *simdnn_restrict weight, int outputs,
                                 REAL *simdnn_restrict y) {
  for (int j = 0; j < outputs; ++j) y[j] = 0;
  simdnn_add_product(x, inputs, weight, outputs, y);
}

// y [outputs] = the largest of each `pieces` adjacent numbers; NaN if one is NaN.
static inline void simdnn_maxout(const REAL *x, int outputs, int pieces, REAL *y) {
  for (int j = 0; j < outputs; ++j, x += pieces) {
    REAL best = x[0];
    for (int k = 1; k < pieces; ++k) {
      const REAL larger = x[k] <= best ? best : x[k];
      best = best == best ? larger : best;
    }
    y[j] = best;
  }
}

// y [2 n] = [relu(x), relu(-x)].
static inline void simdnn_crelu(const REAL *x, int n, REAL *y) {
  for (int i = 0; i < n; ++i) {
    y[i] = simdnn_relu_value(x[i]);
    y[n + i] = simdnn_relu_value(-x[i]);
  }
}

// y = (x - center) scale + offset; y may be x.
static inline void simdnn_batch_norm(const REAL *x, int n, const REAL *center, const REAL *scale, const REAL *offset,
                                     REAL *y) {
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
static inline void simdnn_normalize(const REAL *x, int n, double eps, REAL *y) {
  double sum[16] = {0}, squares[16] = {0};
  for (int i = 0; i < n; ++i) sum[i % 16] += (double)x[i];
  const double mean = simdnn_sum_lanes(sum) / (double)n;
  for (int i = 0; i < n; ++i) {
    const double distance = (double)x[i] - mean;
    squares[i % 16] = simdnn_fma_wide(distance, distance, squares[i % 16]);
  }
  const double inverse = 1 / simdnn_sqrt(simdnn_sum_lanes(squares) / (double)n + eps);
  const REAL center = (REAL)mean, scale = (REAL)inverse, offset = (REAL)(((double)center - mean) * inverse);
  for (int i = 0; i < n; ++i) y[i] = simdnn_fma(x[i] - center, scale, offset);
}

// y = x weight + bias, number by number; y may be x.
static inline void simdnn_scale(const REAL *x, int n, const REAL *weight, const REAL *bias, REAL *y) {
  for (int i = 0; i < n; ++i) y[i] = simdnn_fma(x[i], weight[i], bias[i]);
}

typedef struct {
  simdnn_ScaledExp e;
  REAL value;
} simdnn_Term;

// A term of a softmax and its rounded value.
static inline simdnn_Term simdnn_term_of(simdnn_ScaledExp e) {
  const REAL p = sizeof(REAL) == 4 ? e.high : e.high + e.tail;
  return (simdnn_Term){e, simdnn_fma(e.scale, p, e.scale)};
}

// exp(x) 2^offset, but 0 below the floor.
static inline simdnn_ScaledExp simdnn_floored_exp(REAL x, REAL floor, REAL offset) {
  return simdnn_scaled_exp(x < floor ? floor - simdnn_ExpConstants_ln2_high : x, offset);
}

// The term of x in a row with this largest element, which is computed from x - largest if that is huge.
static inline simdnn_Term simdnn_term(REAL x, REAL largest, int is_near) {
  const REAL far_floor = -(simdnn_MaxShiftConstants_lift + simdnn_ExpConstants_bias - 1) * simdnn_ExpConstants_ln2_high;
  if (is_near) {
    const REAL power =
        simdnn_fma(largest, simdnn_ExpConstants_per_ln2, simdnn_ExpConstants_round) - simdnn_ExpConstants_round;
    const REAL floor = far_floor + power * simdnn_ExpConstants_ln2_high;
    return simdnn_term_of(simdnn_floored_exp(x, floor, simdnn_MaxShiftConstants_lift - power));
  }
  const REAL difference = x - largest, back = difference - x;
  const REAL error = (x - (difference - back)) - (largest + back);
  simdnn_ScaledExp e = simdnn_floored_exp(difference, far_floor, simdnn_MaxShiftConstants_lift);
  const REAL missed = (1 + e.high) * (difference < far_floor ? 0 : error);
  if (sizeof(REAL) == 4) {
    e.high += missed;
  } else {
    e.tail += missed;
  }
  return simdnn_term_of(e);
}

// The largest number, without NaN.
static inline REAL simdnn_largest(const REAL *x, int n) {
  REAL largest = -simdnn_ExpConstants_infinity;
  for (int i = 0; i < n; ++i) largest = largest < x[i] ? x[i] : largest;
  return largest;
}

// y = the terms of x; returns their sum. Rounding errors are summed too, by Dekker's Fast2Sum.
static inline double simdnn_sum_terms(const REAL *x, int n, REAL largest, int is_near, REAL *y) {
  const int lanes = is_near && n <= 64 ? 1 : 16;
  REAL sum[16], lost[16] = {0};
  double lane[16] = {0};
  for (int l = 0; l < lanes; ++l) sum[l] = simdnn_MaxShiftConstants_above;
  for (int i = 0; i < n; ++i) {
    const simdnn_Term term = simdnn_term(x[i], largest, is_near);
    const int l = i % lanes;
    const REAL next = sum[l] + term.value;
    REAL rest = simdnn_fma(term.e.scale, term.e.high, term.e.scale - (next - sum[l]));
    if (sizeof(REAL) == 8) rest = simdnn_fma(term.e.scale, term.e.tail, rest);
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
static inline void simdnn_softmax(const REAL *x, int n, REAL *y) {
  const REAL largest = simdnn_largest(x, n);
  const int is_near = simdnn_abs(largest) <= simdnn_MaxShiftConstants_near;
  const simdnn_ScaledExp e = simdnn_term(largest, largest, is_near).e;
  const double p = sizeof(REAL) == 4 ? (double)e.high : (double)e.high + (double)e.tail;
  const double most = simdnn_fma_wide((double)e.scale, p, (double)e.scale);
  const double sum = simdnn_sum_terms(x, n, largest, is_near, y);
  const REAL high = (REAL)(1 / sum);
  const REAL low = (REAL)(simdnn_fma_wide(-(double)high, sum, 1) * (double)high);
  const int dominated = sum - most <= sum * (sizeof(REAL) == 4 ? 0x1p-25 : 0x1p-52);
  for (int i = 0; i < n; ++i) {
    const REAL share = simdnn_fma(y[i], high, y[i] * low);
    y[i] = dominated && share > (REAL)0.5 ? 1 : share;
  }
}

// Copies the entry that an integer selects to y; returns 0 if there is none.
static inline int simdnn_look_up(REAL value, long count, int width, const REAL *table, REAL *y) {
  if (!(value >= 0 && value < (REAL)count)) return 0;
  const long entry = (long)value;
  if ((REAL)entry != value || entry >= count) return 0;
  simdnn_copy(table + entry * width, width, y);
  return 1;
}

// 1 if all numbers equal the mask, where NaN equals NaN.
static inline int simdnn_masked(const REAL *x, int n, REAL mask) {
  for (int i = 0; i < n; ++i) {
    if (!(x[i] == mask || (x[i] != x[i] && mask != mask))) return 0;
  }
  return 1;
}

// h = tanh(gates).
static inline void simdnn_rnn_cell(const REAL *gates, int n, REAL *h) {
  for (int j = 0; j < n; ++j) h[j] = simdnn_tanh(gates[j]);
}

// c = f c + i g, h = o tanh(c); the gates are [i, f, g, o].
static inline void simdnn_lstm_cell(const REAL *gates, int n, REAL *h, REAL *c) {
  for (int j = 0; j < n; ++j) {
    const REAL in = simdnn_sigmoid(gates[j]), forget = simdnn_sigmoid(gates[n + j]);
    const REAL cell = simdnn_tanh(gates[2 * n + j]), out = simdnn_sigmoid(gates[3 * n + j]);
    c[j] = simdnn_fma(forget, c[j], in * cell);
    h[j] = out * simdnn_tanh(c[j]);
  }
}

// h = (1 - z) a + z h, a = tanh(n + r b); the gates are [n, r, z, b].
static inline void simdnn_gru_cell(const REAL *gates, int n, REAL *h) {
  for (int j = 0; j < n; ++j) {
    const REAL reset = simdnn_sigmoid(gates[n + j]), update = simdnn_sigmoid(gates[2 * n + j]);
    const REAL candidate = simdnn_tanh(simdnn_fma(reset, gates[3 * n + j], gates[j]));
    h[j] = simdnn_fma(update, h[j] - candidate, candidate);
  }
}

// sums += weight y.
static inline void simdnn_add_weighted(double weight, const REAL *y, int n, double *sums) {
  for (int i = 0; i < n; ++i) sums[i] += weight * (double)y[i];
}

// y = sums / total.
static inline void simdnn_divide(const double *sums, int n, double total, REAL *y) {
  for (int i = 0; i < n; ++i) y[i] = (REAL)(sums[i] / total);
}

// The category of a word, which NULL leaves empty; `unknown` for a word that is not listed.
static inline int simdnn_category(const char *cell, const char *const *words, const int *categories, int count,
                                  int unknown) {
  for (int i = 0; i < count; ++i) {
    const char *a = cell ? cell : "", *b = words[i];
    while (*a && *a == *b) ++a, ++b;
    if (*a == *b) return categories[i];
  }
  return unknown;
}

// The index of the largest number; the first of equal ones.
static inline int simdnn_winner(const REAL *y, int n) {
  int winner = 0;
  for (int i = 1; i < n; ++i) winner = y[i] > y[winner] ? i : winner;
  return winner;
}

// y += the codes of positions times their weights [positions, bins, outputs]: the sum of the weights below the bin of a
// position, plus a fraction of the weight of that bin.
static inline void simdnn_add_codes(const REAL *t, int positions, int bins, const REAL *weight, int outputs, REAL *y) {
  for (int e = 0; e < positions; ++e, weight += bins * outputs) {
    const REAL positive = t[e] >= 1 ? t[e] : 0;
    const int bin = (int)(positive < (REAL)(bins - 1) ? positive : (REAL)(bins - 1));
    const REAL rest = t[e] - (REAL)bin, most = rest > 1 ? 1 : rest, fraction = rest < 0 ? 0 : most;
    for (int j = 0; j < outputs; ++j) {
      REAL below = 0;
      for (int b = 0; b < bin; ++b) below += weight[b * outputs + j];
      y[j] += simdnn_fma(fraction, weight[bin * outputs + j], below);
    }
  }
}

// y = 0.
static inline void simdnn_clear(int n, REAL *y) {
  for (int i = 0; i < n; ++i) y[i] = 0;
}

// (value - center) / scale.
static inline double simdnn_scaled(double value, double center, double scale) { return (value - center) / scale; }

// The smooth clip z / sqrt(1 + (z / 3)^2), z = (value - center) / scale, between -3 and 3.
static inline double simdnn_bounded(double value, double center, double scale) {
  const double far_value = 1e9, z = (value - center) / scale;
  const double low = z < -far_value ? -far_value : z, clipped = low > far_value ? far_value : low, third = clipped / 3;
  return clipped / simdnn_sqrt(1 + third * third);
}

// 1 if a number and its scaled value are missing or in the range of float.
static inline int simdnn_in_range(double value, double scaled) {
  return !(value > FLT_MAX || value < -FLT_MAX || scaled > FLT_MAX || scaled < -FLT_MAX);
}

// The position of a number among bins: the bins below it, and its fraction of the bin that it is in.
static inline double simdnn_position(double value, const double *edges, int bins) {
  int place = 0;
  if (value != value) return 0;
  for (int b = 1; b < bins; ++b) place += value >= edges[b];
  const double fraction = (value - edges[place]) / (edges[place + 1] - edges[place]);
  return place + (fraction < 0 ? 0 : fraction > 1 ? 1 : fraction);
}

#define simdnn_day INT64_C(86400000000)

// Whole days since 1970 of a date in microseconds.
static inline int64_t simdnn_day_of(int64_t date) {
  return date / simdnn_day - (date % simdnn_day < 0);
}

// Days since 1970 with the time as a fraction; NaN for a missing date, as in the functions below.
static inline double simdnn_date_days(int64_t date) {
  return date == INT64_MIN ? NAN : (double)date / (double)simdnn_day;
}

// The day of the week; Monday is 0.
static inline double simdnn_date_weekday(int64_t date) {
  const int64_t weekday = (simdnn_day_of(date) + 3) % 7;
  return date == INT64_MIN ? NAN : (double)(weekday < 0 ? weekday + 7 : weekday);
}

// The hour with its minutes as a fraction.
static inline double simdnn_date_hour(int64_t date) {
  return date == INT64_MIN ? NAN : (double)(date - simdnn_day_of(date) * simdnn_day) / 3600000000.0;
}

// Days since the first of March, where years begin so that leap days are their last ones: Hinnant 2013.
static inline int simdnn_day_of_year(int64_t day) {
  const int64_t moved = day + 719468, rest = moved % 146097;
  const int era = (int)(rest < 0 ? rest + 146097 : rest);
  const int year = (era - era / 1460 + era / 36524 - era / 146096) / 365;
  return era - (365 * year + year / 4 - year / 100);
}

// The month, from 1 to 12.
static inline double simdnn_date_month(int64_t date) {
  const int from_march = (5 * simdnn_day_of_year(simdnn_day_of(date)) + 2) / 153;
  return date == INT64_MIN ? NAN : (double)((from_march + 2) % 12 + 1);
}

// The day of the month, from 1 on.
static inline double simdnn_date_day(int64_t date) {
  const int day = simdnn_day_of_year(simdnn_day_of(date)), from_march = (5 * day + 2) / 153;
  return date == INT64_MIN ? NAN : (double)(day - (153 * from_march + 2) / 5 + 1);
}
