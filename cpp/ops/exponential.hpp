// Activations that need one exponential: a description of each, then f and f'.
#pragma once

#include "../base/descriptions.hpp"
#include "../math/elu.hpp"
#include "../math/softplus.hpp"
#include "../math/tanh.hpp"

SIMDNN_LEVEL_BEGIN

struct Sigmoid {
  static constexpr Description info{
      .name = "sigmoid",
      .summary = "Logistic function: the probability of a logit.",
      .formula = "1 / (1 + exp(-x))",
      .derivative_formula = "exp(-|x|) / (1 + exp(-|x|))^2",
      .kink = "no kink; f'(-inf) = f'(+inf) = 0",
      .source = "Rumelhart, Hinton & Williams 1986, Learning Internal Representations by Error Propagation, eq. 15",
      .example = "F.sigmoid([-1.0, 0.0, 2.0])",
      .example_value = "array([0.26894142, 0.5       , 0.88079708])",
      .reads = Reads::input,
      .value_ulp = 0.91,
      .derivative_ulp = 2.6,
      .cost = 0.45,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return sigmoid(x);
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    return sigmoid_derivative(x);
  }
  template <class T>
  SIMDNN_INLINE static T kept_derivative(T x) {
    return sigmoid_derivative(x, RangeReductionConstants<T>::tiny_limit);
  }
};

struct Tanh {
  static constexpr Description info{
      .name = "tanh",
      .summary = "Hyperbolic tangent: a sigmoid centered on zero.",
      .formula = "tanh(x)",
      .derivative_formula = "1 / cosh(x)^2",
      .kink = "no kink; f'(-inf) = f'(+inf) = 0",
      .source = "LeCun, Bottou, Orr & Mueller 1998, Efficient BackProp, section 4.4",
      .example = "F.tanh([-1.0, 0.0, 2.0])",
      .example_value = "array([-0.76159416,  0.        ,  0.96402758])",
      .reads = Reads::input,
      .value_ulp = 1.25,
      .derivative_ulp = 2.6,
      .cost = 0.55,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return tanh(x);
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    return sech_squared(x);
  }
  template <class T>
  SIMDNN_INLINE static T kept_derivative(T x) {
    return sech_squared(x, RangeReductionConstants<T>::tiny_limit);
  }
};

struct Elu {
  static constexpr Description info{
      .name = "elu",
      .summary = "Exponential linear unit: saturates at -alpha.",
      .formula = "x if x > 0 else alpha * (exp(x) - 1)",
      .derivative_formula = "1 if x > 0 else alpha * exp(x)",
      .kink = "f'(0) = alpha; f'(-inf) = 0, f'(+inf) = 1",
      .source = "Clevert, Unterthiner & Hochreiter 2016, arXiv:1511.07289, section 3",
      .example = "F.elu([-1.0, 0.0, 2.0])",
      .example_value = "array([-0.63212056,  0.        ,  2.        ])",
      .reads = Reads::input,
      .value_ulp = 0.9,
      .derivative_ulp = 0.9,
      .cost = 0.35,
      .rectifier = true,
      .parameters = {{"alpha", 1.0}},
  };
  template <class T>
  SIMDNN_INLINE static T value(T x, T alpha) {
    return elu(x, alpha);
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x, T alpha) {
    return elu_derivative(x, alpha);
  }
};

struct Selu {
  static constexpr Description info{
      .name = "selu",
      .summary = "Scaled exponential linear unit: keeps mean 0 and variance 1 through layers of LeCun-normal weights.",
      .formula =
          "lambda * (x if x > 0 else alpha * (exp(x) - 1)), lambda = 1.0507009873554805, alpha = 1.6732632423543772",
      .derivative_formula = "lambda if x > 0 else lambda * alpha * exp(x)",
      .kink = "f'(0) = lambda * alpha = 1.7580993408473768; f'(-inf) = 0, f'(+inf) = lambda",
      .source = "Klambauer, Unterthiner, Mayr & Hochreiter 2017, arXiv:1706.02515, eq. 2",
      .example = "F.selu([-1.0, 0.0, 2.0])",
      .example_value = "array([-1.11133074,  0.        ,  2.10140197])",
      .reads = Reads::input,
      .value_ulp = 0.9,
      .derivative_ulp = 0.9,
      .cost = 0.4,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return selu(x);
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    return selu_derivative(x);
  }
};

struct Celu {
  static constexpr Description info{
      .name = "celu",
      .summary = "Continuously differentiable exponential linear unit: elu whose slope is 1 at 0 for every alpha > 0.",
      .formula = "x if x > 0 else alpha * (exp(x / alpha) - 1)",
      .derivative_formula = "1 if x > 0 else exp(x / alpha)",
      .kink = "f'(0) = 1; f'(-inf) = 0, f'(+inf) = 1",
      .source = "Barron 2017, arXiv:1704.07483, eq. 2",
      .example = "F.celu([-1.0, 0.0, 2.0])",
      .example_value = "array([-0.63212056,  0.        ,  2.        ])",
      .reads = Reads::input,
      .value_ulp = 1.1,
      .derivative_ulp = 0.9,
      .cost = 0.5,
      .rectifier = true,
      .parameters = {{"alpha", 1.0}},
  };
  template <class T>
  SIMDNN_INLINE static T value(T x, T alpha) {
    return celu(x, alpha);
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x, T alpha) {
    return celu_derivative(x, alpha);
  }
};

struct Softplus {
  static constexpr Description info{
      .name = "softplus",
      .summary = "Smooth approximation of relu.",
      .formula = "log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))",
      .derivative_formula = "sigmoid(x)",
      .kink = "no kink; f'(-inf) = 0, f'(+inf) = 1",
      .source =
          "Dugas, Bengio, Belisle, Nadeau & Garcia 2000, Incorporating Second-Order Functional Knowledge, section 3",
      .example = "F.softplus([-1.0, 0.0, 2.0])",
      .example_value = "array([0.31326169, 0.69314718, 2.12692801])",
      .reads = Reads::input,
      .value_ulp = 1.5,
      .derivative_ulp = 0.91,
      .cost = 0.7,
      .rectifier = true,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return softplus(x);
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    return sigmoid(x);
  }
};

struct LogSigmoid {
  static constexpr Description info{
      .name = "log_sigmoid",
      .summary = "Logarithm of the sigmoid, accurate where sigmoid(x) rounds to 0 or 1: the log-likelihood of a logit.",
      .formula = "-log(1 + exp(-x)) = -softplus(-x)",
      .derivative_formula = "sigmoid(-x)",
      .kink = "no kink; f'(-inf) = 1, f'(+inf) = 0",
      .source = "Cox 1958, The Regression Analysis of Binary Sequences, section 2",
      .example = "F.log_sigmoid([-1.0, 0.0, 2.0])",
      .example_value = "array([-1.31326169, -0.69314718, -0.12692801])",
      .reads = Reads::input,
      .value_ulp = 1.5,
      .derivative_ulp = 0.91,
      .cost = 0.7,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return -softplus(-x);
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    return sigmoid(-x);
  }
};

SIMDNN_LEVEL_END
