// Pointwise losses, which compare each output with one target: a description of each, then its value and derivative.
//
// at(x, y, parameter, scale) returns the losses of lanes of outputs x and targets y, and their derivatives w.r.t. x, in
// double or in the type T of the arrays. Losses without exponentials and logarithms are computed in double for arrays
// of any precision, so that a result is rounded once; the others in T, within 4 ULP of the largest term. There the
// formula for float meets no subnormal numbers. scale is the columns' class scale, or 1. If parameters choose between
// formulas, at is a template of the mode, and only the chosen formula is computed.
#pragma once

#include "../base/descriptions.hpp"
#include "../math/lane_math.hpp"

SIMDNN_LEVEL_BEGIN

/// Lanes of double, as many as those of V.
template <class V>
using Wide = decltype(wide(V()));

template <class V>
struct ValueAndSlope {
  V value, slope;
};
template <class V>
ValueAndSlope(V, V) -> ValueAndSlope<V>;

/// Signs of lanes: 1, 0 or -1; NaN for NaN.
template <int kBlocks>
SIMDNN_INLINE Lanes<double, kBlocks> sign(const Lanes<double, kBlocks>& x) {
  using V = Lanes<double, kBlocks>;
  V size = abs(x);
  return select_less(V(0.0), size, copysign(V(1.0), x), size);
}

/// Squared error (x - y)^2.
struct Mse {
  static constexpr LossDescription info{
      .name = "mse",
      .summary = "Squared error, without a factor 1/2.",
      .formula = "(x - y)^2",
      .source = "Legendre 1805",
      .target = Target::values,
      .function = "mse_loss",
      .example = "[1.0, 2.0], [1.0, 4.0]",
      .example_value = "2.0",
      .outputs = Outputs::averaged,
  };
  template <class V>
  SIMDNN_INLINE static auto at(const V& x, const V& y, const double*, const Wide<V>&) {
    Wide<V> d = wide(x) - wide(y);
    return ValueAndSlope{d * d, d + d};
  }
};

/// Absolute error |x - y|, with slope 0 where x = y.
struct L1 {
  static constexpr LossDescription info{
      .name = "l1",
      .summary = "Absolute error.",
      .formula = "|x - y|",
      .source = "Boscovich 1757; Laplace 1793",
      .target = Target::values,
      .function = "l1_loss",
      .example = "[1.0, 2.0], [1.0, 4.0]",
      .example_value = "1.0",
      .outputs = Outputs::averaged,
  };
  template <class V>
  SIMDNN_INLINE static auto at(const V& x, const V& y, const double*, const Wide<V>&) {
    Wide<V> d = wide(x) - wide(y);
    return ValueAndSlope{abs(d), sign(d)};
  }
};

/// Quadratic up to |x - y| = delta, then linear with slope delta.
struct Huber {
  static constexpr LossDescription info{
      .name = "huber",
      .summary = "Squared error near zero, absolute error beyond delta.",
      .formula = "d^2 / 2 if |d| <= delta else delta (|d| - delta / 2), d = x - y",
      .source = "Huber 1964",
      .target = Target::values,
      .function = "huber_loss",
      .example = "[1.0, 2.0], [1.0, 4.0]",
      .example_value = "0.75",
      .outputs = Outputs::averaged,
      .parameters = {{"delta", 1, kLeast, kUnbounded}},
  };
  template <class V>
  SIMDNN_INLINE static auto at(const V& x, const V& y, const double* parameter, const Wide<V>&) {
    Wide<V> d = wide(x) - wide(y), near = max(min(d, parameter[0]), -parameter[0]);
    return ValueAndSlope{near * fma(-0.5, near, d), near};
  }
};

/// Huber's loss divided by beta; beta = 0 is the absolute error.
struct SmoothL1 {
  static constexpr LossDescription info{
      .name = "smooth_l1",
      .summary = "Absolute error, rounded off within beta of zero.",
      .formula = "d^2 / (2 beta) if |d| < beta else |d| - beta / 2, d = x - y",
      .source = "Girshick 2015, \"Fast R-CNN\", section 2.3",
      .target = Target::values,
      .function = "smooth_l1_loss",
      .example = "[1.0, 2.0], [1.0, 4.0], beta=2.0",
      .example_value = "0.5",
      .outputs = Outputs::averaged,
      .parameters = {{"beta", 1, 0, kUnbounded}},
  };
  static int mode(const double* parameter) { return parameter[0] != 0; }
  static constexpr int kModes = 2;

  template <int kMode, class V>
  SIMDNN_INLINE static auto at(const V& x, const V& y, const double* parameter, const Wide<V>&) {
    Wide<V> d = wide(x) - wide(y);
    if constexpr (kMode == 0) return ValueAndSlope{abs(d), sign(d)};
    Wide<V> near = max(min(d, parameter[0]), -parameter[0]);
    Wide<V> slope = kIsF32<V> ? near * (1 / parameter[0]) : near / parameter[0];
    return ValueAndSlope{slope * fma(-0.5, near, d), slope};
  }
};

/// log cosh(x - y) from m = exp(-|d|) - 1; near zero it is log1p(m^2 / (2 (1 + m))), which does not cancel.
struct LogCosh {
  static constexpr LossDescription info{
      .name = "log_cosh",
      .summary = "Logarithm of the hyperbolic cosine of the error.",
      .formula = "log(cosh(x - y))",
      .source = "Green 1990",
      .target = Target::values,
      .function = "log_cosh_loss",
      .example = "[1.0, 2.0], [1.0, 2.0]",
      .example_value = "0.0",
      .outputs = Outputs::averaged,
  };
  template <class V>
  SIMDNN_INLINE static auto at(const V& x, const V& y, const double*, const Wide<V>&) {
    if constexpr (kIsF32<V>) {
      return in_single(x - y);
    } else {
      constexpr double ln2 = 0x1.62e42fefa39efp-1;
      Wide<V> d = x - y, size = abs(d);
      Wide<V> m = each_lane([](double v) SIMDNN_LAMBDA_INLINE { return expm1(-v); }, size), e = 1.0 + m;
      Wide<V> bend = log1p_lanes(select_less(size, 1.0, 0.5 * (m * m) / e, e * e));
      Wide<V> tanh = m * (-2.0 - m) / fma(e, e, 1.0);
      return ValueAndSlope{select_less(size, 1.0, bend, bend + (size - ln2)), copysign(tanh, d)};
    }
  }

 private:
  /// Variant for float: below |d| = 1 polynomials of d^2 for the loss, below 5/8 for its slope; else e = exp(-2 |d|),
  /// whose square is a normal number or 0.
  template <class V>
  SIMDNN_INLINE static ValueAndSlope<V> in_single(const V& d) {
    constexpr float tail[] = {-0x1.555550p-4f,  0x1.6c1476p-6f,  -0x1.b9c58ep-8f, 0x1.1ba932p-9f,
                              -0x1.664444p-11f, 0x1.773300p-13f, -0x1.ba3d5ep-16f};
    constexpr float slope_tail[] = {-0x1.55553cp-2f, 0x1.11089ep-3f, -0x1.b86600p-5f, 0x1.531570p-6f, -0x1.79a0bep-8f};
    constexpr float bend[] = {-0x1.ffff9ap-2f, 0x1.5527cep-2f, -0x1.f6aaaep-3f, 0x1.3d7328p-3f};
    V size = abs(d), counted = flush_tiny(d), v = counted * counted, v2 = v * v;
    V near = v * fma(v, polynomial(v, v2, tail), V(0.5f));
    V e = exp_falling<-60>(-2.0f * size), e2 = e * e;
    V far = (size - 0x1.62e43p-1f) + (fma(e2, polynomial(e, e2, bend), e) + 0x1.05c61p-29f);
    V near_slope = fma(size * v, polynomial(v, v2, slope_tail), size),
      far_slope = fma(-2.0f * e, 1.0f / (1.0f + e), V(1.0f));
    return {select_less(size, 1.0f, near, far), copysign(select_less(size, 0.625f, near_slope, far_slope), d)};
  }
};

/// The pinball loss, whose expectation is smallest if x is the q-quantile of y.
struct Quantile {
  static constexpr LossDescription info{
      .name = "quantile",
      .summary = "Pinball loss of a quantile.",
      .formula = "q d if d > 0 else (q - 1) d, d = y - x",
      .source = "Koenker & Bassett 1978",
      .target = Target::values,
      .function = "quantile_loss",
      .example = "[1.0, 2.0], [1.0, 4.0], q=0.75",
      .example_value = "0.75",
      .outputs = Outputs::averaged,
      .parameters = {{"q", 0.5, 0, kUpToOne}},
  };
  template <class V>
  SIMDNN_INLINE static auto at(const V& x, const V& y, const double* parameter, const Wide<V>&) {
    Wide<V> d = wide(y) - wide(x);
    Wide<V> slope = select_less(0.0, d, -parameter[0], select_less(d, 0.0, 1 - parameter[0], d));
    return ValueAndSlope{(0.0 - slope) * d, slope};
  }
};

/// Poisson's negative log-likelihood of counts y.
struct Poisson {
  static constexpr LossDescription info{
      .name = "poisson_nll",
      .summary = "Negative log-likelihood of counts under a Poisson distribution.",
      .formula =
          "exp(x) - y x, or x - y log(x + eps) unless log_input; full adds Stirling's y log y - y + log(2 pi y) / 2",
      .source = "Nelder & Wedderburn 1972; PyTorch's PoissonNLLLoss",
      .target = Target::values,
      .function = "poisson_nll_loss",
      .example = "[0.0, 0.0], [1.0, 3.0]",
      .example_value = "1.0",
      .outputs = Outputs::averaged,
      .parameters = {{"log_input", 1, 0, 2}, {"full", 0, 0, 2}, {"eps", 1e-8, 0, kUnbounded}},
      .domain = Domain::nonnegative,
  };
  static int mode(const double* parameter) { return (parameter[0] != 0) + 2 * (parameter[1] != 0); }
  static constexpr int kModes = 4;

  template <int kMode, class V>
  SIMDNN_INLINE static auto at(const V& x, const V& y, const double* parameter, const Wide<V>&) {
    constexpr bool log_input = kMode % 2, full = kMode / 2;
    if constexpr (log_input && !full) {
      V rate = exp_lanes(x);
      return ValueAndSlope{fma(-y, x, rate), rate - y};
    } else {
      constexpr double two_pi = 0x1.921fb54442d18p+2;
      Wide<V> count = wide(y), rate = log_input ? exp_lanes(wide(x)) : wide(x);
      Wide<V> positive = log_input ? Wide<V>(1.0) : rate + parameter[2];
      Wide<V> value = rate - count * (log_input ? wide(x) : log_lanes(positive));
      Wide<V> slope = log_input ? rate - count : 1.0 - count / positive;
      Wide<V> many = max(count, 1.0);
      Wide<V> stirling = fma(many, log_lanes(many), -many) + 0.5 * log_lanes(two_pi * many);
      return ValueAndSlope{full ? value + select_less(1.0, count, stirling, 0.0) : value, slope};
    }
  }
};

/// Kullback-Leibler divergence from log-probabilities x to a distribution y, summed over outputs; 0 log 0 = 0.
struct KlDivergence {
  static constexpr LossDescription info{
      .name = "kl_div",
      .summary = "Kullback-Leibler divergence from log-probabilities to a target distribution.",
      .formula = "y (log y - x), or exp(y) (y - x) with log_target",
      .source = "Kullback & Leibler 1951",
      .target = Target::values,
      .function = "kl_div",
      .example = "[[0.0, 0.0]], [[1.0, 1.0]], reduction=\"batchmean\"",
      .example_value = "0.0",
      .outputs = Outputs::summed,
      .parameters = {{"log_target", 0, 0, 2}},
      .domain = Domain::nonnegative,
  };
  static int mode(const double* parameter) { return parameter[0] != 0; }
  static constexpr int kModes = 2;

  template <int kMode, class V>
  SIMDNN_INLINE static auto at(const V& x, const V& y, const double*, const Wide<V>&) {
    if constexpr (kMode == 1) {
      Wide<V> probability = exp_lanes(wide(y));
      Wide<V> value = times_unless_zero(keep_nan(wide(x), probability), wide(y) - wide(x));
      return ValueAndSlope{value, -probability};
    } else if constexpr (kIsF32<V>) {
      // A probability below 2^-100 counts as 0.
      V counted = flush_below(V(0x1p-100f), y), probability = keep_nan(x, counted);
      LogParts<V> log_y = log_parts(y, y);
      V value = fma(probability, log_y.high - x, probability * log_y.low);
      return ValueAndSlope{unless_zero(probability, select_less(y, 0.0f, LogConstants<float>::nan, value)), -y};
    } else {
      return ValueAndSlope{times_unless_zero(keep_nan(x, y), log_lanes(y) - x), -y};
    }
  }
};

/// Cross-entropy of probabilities x with targets y; logarithms are bounded below by -100, as in PyTorch.
struct BinaryCrossEntropy {
  static constexpr LossDescription info{
      .name = "binary_cross_entropy",
      .summary = "Binary cross-entropy of probabilities with targets in [0, 1].",
      .formula = "-(y log x + (1 - y) log(1 - x)), each logarithm at least -100",
      .source = "Good 1952; the bound is PyTorch's",
      .target = Target::values,
      .function = "binary_cross_entropy",
      .example = "[0.0, 1.0], [0.0, 1.0]",
      .example_value = "0.0",
      .outputs = Outputs::averaged,
      .domain = Domain::probability,
      .output_domain = Domain::unit,
  };
  template <class V>
  SIMDNN_INLINE static auto at(const V& x, const V& y, const double*, const Wide<V>&) {
    if constexpr (kIsF32<V>) {
      return in_single(x, y);
    } else {
      Wide<V> yes = max(log_lanes(x), kLeast), no = max(log1p_lanes(-x), kLeast);
      Wide<V> value = -(y * yes + (1.0 - y) * no);
      return ValueAndSlope{value, (x - y) / max(x * (1.0 - x), kSmallest)};
    }
  }

 private:
  static constexpr double kLeast = -100, kSmallest = 1e-12;

  /// Variant for float. An x below 2^-126 counts as 0.
  template <class V>
  SIMDNN_INLINE static ValueAndSlope<V> in_single(const V& x, const V& y) {
    constexpr float least = float(kLeast), normal = kLeastNormal<float>;
    V p = flush_below(V(normal), x), q = 1.0f - p, lost = (1.0f - q) - p, off = 1.0f - y, spread = p * q;
    LogParts<V> log_p = log_parts(p, p), log_q = log_parts<true>(q, lost);
    V yes = select_less(p, normal, least, log_p.high + log_p.low);
    V no = select_less(q, normal, least, log_q.high + log_q.low);
    V value = -fma(y, yes, off * no);
    return {select_less(-normal, spread, value, LogConstants<float>::nan), (p - y) / max(spread, float(kSmallest))};
  }
};

/// Binary cross-entropy of logits, without forming their sigmoid; scale weighs the positive class.
struct BinaryCrossEntropyWithLogits {
  static constexpr LossDescription info{
      .name = "binary_cross_entropy_with_logits",
      .summary = "Binary cross-entropy of the sigmoid of logits with targets in [0, 1].",
      .formula = "(1 - y) softplus(x) + w y softplus(-x), w = pos_weight",
      .source = "Cox 1958",
      .target = Target::values,
      .outputs = Outputs::averaged,
      .logits = true,
      .domain = Domain::probability,
  };
  template <class V>
  SIMDNN_INLINE static auto at(const V& x, const V& y, const double*, const Wide<V>& scale) {
    if constexpr (kIsF32<V>) {
      return in_single(x, y, narrow<Scalar<V>>(scale));
    } else {
      Wide<V> e = exp_lanes(-abs(x)), bend = log1p_lanes(e), yes = 1.0 / (1.0 + e), no = e * yes;
      Wide<V> rise = max(x, 0.0) + bend, fall = bend - min(x, 0.0), off = 1.0 - y, on = scale * y;
      Wide<V> value = times_unless_zero(off, rise) + times_unless_zero(on, fall);
      Wide<V> up = select_less(0.0, x, yes, no), down = select_less(0.0, x, no, yes);
      return ValueAndSlope{keep_nan(x, value), off * up - on * down};
    }
  }

 private:
  /// Variant for float; log(1 + e) is the sum of softplus() in math/softplus.hpp.
  template <class V>
  SIMDNN_INLINE static ValueAndSlope<V> in_single(const V& x, const V& y, const V& scale) {
    constexpr float tail[] = {0x1.5554bap-2f,  -0x1.ffddd6p-3f, 0x1.981e2cp-3f,  -0x1.4c7660p-3f, 0x1.03ec26p-3f,
                              -0x1.609dccp-4f, 0x1.6c13aep-5f,  -0x1.e358a4p-7f, 0x1.2c2d2ap-9f};
    V e = exp_falling<-100>(-abs(x)), counted = select_less(e, 0x1p-40f, 0.0f, e), e2 = counted * counted;
    V bend = e2 * fma(counted, polynomial(counted, e2, tail), V(-0.5f));
    V rise = e + (max(x, 0.0f) + bend), fall = e + (bend - min(x, 0.0f));
    V yes = 1.0f / (1.0f + e), no = e * yes, off = 1.0f - y, on = scale * y;
    V up = select_less(0.0f, x, yes, no), down = select_less(0.0f, x, no, yes);
    V value = times_unless_zero(off, rise) + times_unless_zero(on, fall);
    return {keep_nan(x, value), fma(off, up, -(on * down))};
  }
};

/// Hinge loss max(0, margin - y x) for y = +-1, with slope 0 at the kink.
struct Hinge {
  static constexpr LossDescription info{
      .name = "hinge",
      .summary = "Hinge loss of scores with signs -1 and 1.",
      .formula = "max(0, margin - y x)",
      .source = "Cortes & Vapnik 1995",
      .target = Target::values,
      .function = "hinge_loss",
      .example = "[0.5, -2.0], [1.0, -1.0]",
      .example_value = "0.25",
      .outputs = Outputs::averaged,
      .parameters = {{"margin", 1, 0, kUnbounded}},
      .domain = Domain::sign,
  };
  template <class V>
  SIMDNN_INLINE static auto at(const V& x, const V& y, const double* parameter, const Wide<V>&) {
    Wide<V> gap = parameter[0] - wide(y) * wide(x), open = max(gap, 0.0);
    return ValueAndSlope{open, select_less(0.0, gap, 0.0 - wide(y), open)};
  }
};

/// Square of the hinge loss, which has no kink.
struct SquaredHinge {
  static constexpr LossDescription info{
      .name = "squared_hinge",
      .summary = "Squared hinge loss of scores with signs -1 and 1.",
      .formula = "max(0, margin - y x)^2",
      .source = "Tang 2013, arXiv:1306.0239",
      .target = Target::values,
      .function = "squared_hinge_loss",
      .example = "[0.5, -2.0], [1.0, -1.0]",
      .example_value = "0.125",
      .outputs = Outputs::averaged,
      .parameters = {{"margin", 1, 0, kUnbounded}},
      .domain = Domain::sign,
  };
  template <class V>
  SIMDNN_INLINE static auto at(const V& x, const V& y, const double* parameter, const Wide<V>&) {
    Wide<V> open = max(parameter[0] - wide(y) * wide(x), 0.0);
    return ValueAndSlope{open * open, -2.0 * wide(y) * open};
  }
};

SIMDNN_LEVEL_END
