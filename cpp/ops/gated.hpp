// Gated activations, which multiply x by a smooth step: a description of each, then f and f'.
#pragma once

#include "../base/descriptions.hpp"
#include "../math/gates.hpp"
#include "../math/normal.hpp"
#include "../math/softplus.hpp"

SIMDNN_LEVEL_BEGIN

struct Silu {
  static constexpr Description info{
      .name = "silu",
      .summary = "Sigmoid-weighted linear unit: swish with beta = 1.",
      .formula = "x * sigmoid(x)",
      .derivative_formula = "sigmoid(x) * (1 + x * sigmoid(-x))",
      .kink = "no kink; silu(-inf) = -0.0, f'(-inf) = 0, f'(+inf) = 1",
      .source = "Elfwing, Uchibe & Doya 2018, arXiv:1702.03118, section 2",
      .example = "F.silu([-1.0, 0.0, 2.0])",
      .example_value = "array([-0.26894142,  0.        ,  1.76159416])",
      .reads = Reads::input,
      .value_ulp = 1.25,
      .derivative_ulp = 2.6,
      .cost = 0.5,
      .rectifier = true,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return scaled_gate(x, T(1));
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    return scaled_gate_derivative(x, T(1));
  }
};

/// beta * x enters the exponential unrounded, because exp would magnify a rounding error |beta x| times.
struct Swish {
  static constexpr Description info{
      .name = "swish",
      .summary = "Swish: x gated by its own sigmoid, between x / 2 (beta = 0) and relu (beta = inf).",
      .formula = "x * sigmoid(beta * x)",
      .derivative_formula = "sigmoid(beta * x) * (1 + beta * x * sigmoid(-beta * x))",
      .kink = "no kink; for beta > 0: f'(-inf) = 0, f'(+inf) = 1",
      .source = "Ramachandran, Zoph & Le 2017, arXiv:1710.05941, section 3",
      .example = "F.swish([-1.0, 0.0, 2.0])",
      .example_value = "array([-0.26894142,  0.        ,  1.76159416])",
      .reads = Reads::input,
      .value_ulp = 1.3,
      .derivative_ulp = 2.6,
      .cost = 0.65,
      .rectifier = true,
      .parameters = {{"beta", 1.0}},
  };
  template <class T>
  SIMDNN_INLINE static T value(T x, T beta) {
    return scaled_gate(x, beta);
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x, T beta) {
    return scaled_gate_derivative(x, beta);
  }
  /// d f / d beta = x^2 sigmoid'(beta x).
  template <class T>
  SIMDNN_INLINE static T parameter_derivative(T x, T beta) {
    return scaled_gate_slope(x, beta);
  }
};

struct Mish {
  static constexpr Description info{
      .name = "mish",
      .summary = "x gated by the tanh of its softplus.",
      .formula = "x * tanh(log(1 + exp(x)))",
      .derivative_formula = "tanh(s) + x * sigmoid(x) / cosh(s)^2, s = log(1 + exp(x))",
      .kink = "no kink; mish(-inf) = -0.0, f'(-inf) = 0, f'(+inf) = 1",
      .source = "Misra 2019, arXiv:1908.08681, section 3",
      .example = "F.mish([-1.0, 0.0, 2.0])",
      .example_value = "array([-0.30340146,  0.        ,  1.94395896])",
      .reads = Reads::input,
      .value_ulp = 0.8,
      .derivative_ulp = 2.5,
      .cost = 0.7,
      .rectifier = true,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return mish(x);
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    return mish_derivative(x);
  }
};

struct Gelu {
  static constexpr Description info{
      .name = "gelu",
      .summary = "Gaussian error linear unit: x gated by the standard normal distribution function Phi.",
      .formula = "x * Phi(x) = x * (1 + erf(x / sqrt(2))) / 2",
      .derivative_formula = "Phi(x) + x * exp(-x^2 / 2) / sqrt(2 * pi)",
      .kink = "no kink; gelu(-inf) = -0.0, f'(-inf) = 0, f'(+inf) = 1",
      .source = "Hendrycks & Gimpel 2016, arXiv:1606.08415, section 2",
      .example = "F.gelu([-1.0, 0.0, 2.0])",
      .example_value = "array([-0.15865525,  0.        ,  1.95449974])",
      .reads = Reads::input,
      .value_ulp = 1.46,
      .derivative_ulp = 2.4,
      .cost = 0.8,
      .rectifier = true,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return gelu(x);
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    return gelu_derivative(x);
  }
};

struct GeluTanh {
  static constexpr Description info{
      .name = "gelu_tanh",
      .summary = "Approximation of gelu by a tanh, as in GPT-2 and BERT.",
      .formula = "x * sigmoid(z), z = 2 * sqrt(2 / pi) * (x + 0.044715 * x^3)",
      .derivative_formula =
          "sigmoid(z) * (1 + x * dz/dx * sigmoid(-z)), dz/dx = 2 * sqrt(2 / pi) * (1 + 0.134145 * x^2)",
      .kink = "no kink; gelu_tanh(-inf) = -0.0, f'(-inf) = 0, f'(+inf) = 1",
      .source = "Hendrycks & Gimpel 2016, arXiv:1606.08415, section 2",
      .example = "F.gelu_tanh([-1.0, 0.0, 2.0])",
      .example_value = "array([-0.15880801,  0.        ,  1.95459769])",
      .reads = Reads::input,
      .value_ulp = 1.1,
      .derivative_ulp = 2.7,
      .cost = 0.8,
      .rectifier = true,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return gelu_tanh(x);
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    return gelu_tanh_derivative(x);
  }
};

SIMDNN_LEVEL_END
