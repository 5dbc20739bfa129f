// Pointwise losses, which compare each output with one target: a description of each, then its value and derivative.
//
// at(x, y, parameter, scale) returns the loss of output x and target y, and its derivative w.r.t. x. It is computed in
// double for arrays of any precision, so that a result is rounded once; scale is the column's class scale, or 1. If
// parameters choose between formulas, at is a template of the mode, and only the chosen formula is computed.
#pragma once

#include "../base/descriptions.hpp"
#include "../math/exp.hpp"
#include "../math/log.hpp"

SIMDNN_LEVEL_BEGIN

struct ValueAndSlope {
  double value, slope;
};

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
  SIMDNN_INLINE static ValueAndSlope at(double x, double y, const double*, double) {
    const double d = x - y;
    return {d * d, 2 * d};
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
  SIMDNN_INLINE static ValueAndSlope at(double x, double y, const double*, double) {
    const double d = x - y;
    return {abs(d), sign(d)};
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
  SIMDNN_INLINE static ValueAndSlope at(double x, double y, const double* parameter, double) {
    const double d = x - y, size = abs(d), delta = parameter[0];
    const bool near = size <= delta;
    return {near ? 0.5 * (d * d) : delta * (size - 0.5 * delta), near ? d : delta * sign(d)};
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
  SIMDNN_INLINE static ValueAndSlope at(double x, double y, const double* parameter, double) {
    const double d = x - y, size = abs(d), beta = parameter[0];
    const bool near = size < beta;
    const double ratio = d / (near ? beta : 1.0);
    return {near ? 0.5 * d * ratio : size - 0.5 * beta, near ? ratio : sign(d)};
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
  SIMDNN_INLINE static ValueAndSlope at(double x, double y, const double*, double) {
    constexpr double ln2 = 0x1.62e42fefa39efp-1;
    const double d = x - y, size = abs(d);
    const double m = expm1(-size), e = 1 + m;
    const bool near = size < 1;
    const double bend = log1p(near ? m * m / (2 * e) : e * e);
    const double tanh = m * (-2 - m) / fma(e, e, 1.0);
    return {near ? bend : bend + (size - ln2), copysign(tanh, d)};
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
  SIMDNN_INLINE static ValueAndSlope at(double x, double y, const double* parameter, double) {
    const double d = y - x, q = parameter[0];
    const double slope = d > 0 ? -q : (d < 0 ? 1 - q : d);
    return {d > 0 ? q * d : (q - 1) * d, slope};
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
  };
  static int mode(const double* parameter) { return (parameter[0] != 0) + 2 * (parameter[1] != 0); }
  static constexpr int kModes = 4;

  template <int kMode>
  SIMDNN_INLINE static ValueAndSlope at(double x, double y, const double* parameter, double) {
    constexpr bool log_input = kMode % 2, full = kMode / 2;
    const double rate = log_input ? exp(x) : x;
    const double positive = log_input ? 1.0 : x + parameter[2];
    const double value = rate - y * (log_input ? x : log(positive));
    const double slope = log_input ? rate - y : 1 - y / positive;
    if constexpr (!full) return {value, slope};
    constexpr double two_pi = 0x1.921fb54442d18p+2;
    const double log_y = log(y > 1 ? y : 1.0);
    const double stirling = fma(y, log_y, -y) + 0.5 * log(two_pi * (y > 1 ? y : 1.0));
    return {value + (y > 1 ? stirling : 0.0), slope};
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
  };
  static int mode(const double* parameter) { return parameter[0] != 0; }
  static constexpr int kModes = 2;

  template <int kMode>
  SIMDNN_INLINE static ValueAndSlope at(double x, double y, const double*, double) {
    constexpr bool log_target = kMode;
    const double probability = log_target ? exp(y) : y;
    const double value = probability * ((log_target ? y : log(y)) - x);
    return {x != x ? x : (probability == 0 ? 0.0 : value), -probability};
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
  };
  SIMDNN_INLINE static ValueAndSlope at(double x, double y, const double*, double) {
    constexpr double least = -100, smallest = 1e-12;
    const double yes = log(x), no = log1p(-x), spread = x * (1 - x);
    const double value = -(y * (yes < least ? least : yes) + (1 - y) * (no < least ? least : no));
    return {value, (x - y) / (spread < smallest ? smallest : spread)};
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
  };
  SIMDNN_INLINE static ValueAndSlope at(double x, double y, const double*, double scale) {
    const double e = exp(-abs(x)), bend = log1p(e), yes = 1 / (1 + e), no = e * yes;
    const bool positive = x > 0;
    const double rise = positive ? x + bend : bend, fall = positive ? bend : bend - x;
    const double off = 1 - y, on = scale * y;
    const double value = (off == 0 ? 0.0 : off * rise) + (on == 0 ? 0.0 : on * fall);
    return {x != x ? x : value, off * (positive ? yes : no) - on * (positive ? no : yes)};
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
  };
  SIMDNN_INLINE static ValueAndSlope at(double x, double y, const double* parameter, double) {
    const double gap = parameter[0] - y * x;
    return {gap <= 0 ? 0.0 : gap, gap <= 0 ? 0.0 : (gap > 0 ? -y : gap)};
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
  };
  SIMDNN_INLINE static ValueAndSlope at(double x, double y, const double* parameter, double) {
    const double gap = parameter[0] - y * x, open = gap <= 0 ? 0.0 : gap;
    return {open * open, -2 * y * open};
  }
};

SIMDNN_LEVEL_END
