// The activations: each says what it is, then f and f' beside each other. The last line is the list of them.
//
// A parameter follows x. f and f' of one x share their exponential and division when inlined into one loop. NaN gives
// NaN everywhere; the ULP bounds hold where the exact result is normal, below it errors stay within one subnormal.
#pragma once

#include "../math/tanh.hpp"
#include "description.hpp"
#include "list.hpp"

SIMDNN_LEVEL_BEGIN

struct Identity {
  static constexpr Description about{
      .name = "identity",
      .summary = "Identity: the output of a linear layer.",
      .formula = "x",
      .derivative_formula = "1",
      .kink = "none",
      .source = "definition",
      .example = "F.identity([-1.0, 0.0, 2.0])",
      .example_value = "array([-1.,  0.,  2.])",
      .reads = Reads::output,
      .value_ulp = 0,
      .derivative_ulp = 0,
      .cost = 0.05,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return x;
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    return x == x ? T(1) : x;
  }
  template <class T>
  SIMDNN_INLINE static T derivative_from_output(T y) {
    return derivative(y);
  }
};

struct Relu {
  static constexpr Description about{
      .name = "relu",
      .summary = "Rectified linear unit: passes what is positive.",
      .formula = "max(x, 0)",
      .derivative_formula = "1 if x > 0 else 0",
      .kink = "f'(0) = 0; relu(-0.0) = +0.0; f'(-inf) = 0, f'(+inf) = 1",
      .source = "Nair & Hinton 2010, Rectified Linear Units Improve Restricted Boltzmann Machines, section 2",
      .example = "F.relu([-1.0, 0.0, 2.0])",
      .example_value = "array([0., 0., 2.])",
      .reads = Reads::output,
      .value_ulp = 0,
      .derivative_ulp = 0,
      .cost = 0.05,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return x <= 0 ? T(0) : x;
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    const T passed = x > 0 ? T(1) : x;
    return x <= 0 ? T(0) : passed;
  }
  template <class T>
  SIMDNN_INLINE static T derivative_from_output(T y) {
    return derivative(y);
  }
};

/// Reads its input: with a negative slope the sign of the output does not tell the side of the kink.
struct LeakyRelu {
  static constexpr Description about{
      .name = "leaky_relu",
      .summary = "Leaky rectified linear unit: a small slope where relu has none.",
      .formula = "x if x > 0 else negative_slope * x",
      .derivative_formula = "1 if x > 0 else negative_slope",
      .kink = "f'(0) = negative_slope; f'(-inf) = negative_slope, f'(+inf) = 1",
      .source = "Maas, Hannun & Ng 2013, Rectifier Nonlinearities Improve Neural Network Acoustic Models, section 2",
      .example = "F.leaky_relu([-1.0, 0.0, 2.0])",
      .example_value = "array([-0.01,  0.  ,  2.  ])",
      .reads = Reads::input,
      .value_ulp = 0.5,
      .derivative_ulp = 0,
      .cost = 0.06,
      .parameters = {{"negative_slope", 0.01}},
  };
  template <class T>
  SIMDNN_INLINE static T value(T x, T negative_slope) {
    const T leaked = negative_slope * x;
    return x > 0 ? x : leaked;
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x, T negative_slope) {
    const T leaked = x <= 0 ? negative_slope : x;
    return x > 0 ? T(1) : leaked;
  }
};

struct Sigmoid {
  static constexpr Description about{
      .name = "sigmoid",
      .summary = "Logistic function: a probability from a logit.",
      .formula = "1 / (1 + exp(-x))",
      .derivative_formula = "exp(-|x|) / (1 + exp(-|x|))^2",
      .kink = "none; f'(-inf) = f'(+inf) = 0",
      .source = "Rumelhart, Hinton & Williams 1986, Learning Internal Representations by Error Propagation, eq. 15",
      .example = "F.sigmoid([-1.0, 0.0, 2.0])",
      .example_value = "array([0.26894142, 0.5       , 0.88079708])",
      .reads = Reads::input,
      .value_ulp = 0.9,
      .derivative_ulp = 0.9,
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
};

struct Tanh {
  static constexpr Description about{
      .name = "tanh",
      .summary = "Hyperbolic tangent: a sigmoid centred on zero.",
      .formula = "tanh(x)",
      .derivative_formula = "1 / cosh(x)^2",
      .kink = "none; f'(-inf) = f'(+inf) = 0",
      .source = "LeCun, Bottou, Orr & Mueller 1998, Efficient BackProp, section 4.4",
      .example = "F.tanh([-1.0, 0.0, 2.0])",
      .example_value = "array([-0.76159416,  0.        ,  0.96402758])",
      .reads = Reads::input,
      .value_ulp = 1.25,
      .derivative_ulp = 0.9,
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
};

struct Elu {
  static constexpr Description about{
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
      .derivative_ulp = 1.1,
      .cost = 0.35,
      .parameters = {{"alpha", 1.0}},
  };
  template <class T>
  SIMDNN_INLINE static T value(T x, T alpha) {
    const Decay<T> decayed = decay(x, T(0));
    const Pair<T> m = scale_and_subtract(decayed.scale, decayed.e, T(1));
    const T curve = fma(alpha, m.value, alpha * m.error);
    const T bounded = x < -ExpConstants<T>::limit ? -alpha : curve;
    return x < 0 ? bounded : x;
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x, T alpha) {
    const Decay<T> decayed = decay(x, T(0));
    const Pair<T> lifted = scale_and_add(decayed.lifted, decayed.e, decayed.lifted);
    const T curve = fma(alpha, lifted.value, alpha * lifted.error) * ExpConstants<T>::unlift;
    const T bounded = x < -ExpConstants<T>::limit ? T(0) : curve;
    return x > 0 ? T(1) : bounded;
  }
};

struct Silu {
  static constexpr Description about{
      .name = "silu",
      .summary = "Sigmoid-weighted linear unit: swish with beta = 1.",
      .formula = "x * sigmoid(x)",
      .derivative_formula = "sigmoid(x) * (1 + x * sigmoid(-x))",
      .kink = "none; silu(-inf) = -0.0, f'(-inf) = 0, f'(+inf) = 1",
      .source = "Elfwing, Uchibe & Doya 2018, arXiv:1702.03118, section 2",
      .example = "F.silu([-1.0, 0.0, 2.0])",
      .example_value = "array([-0.26894142,  0.        ,  1.76159416])",
      .reads = Reads::input,
      .value_ulp = 0.95,
      .derivative_ulp = 1.7,
      .cost = 0.5,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return gate(x);
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    return gate_derivative(x, T(0));
  }
};

/// With z = beta * x, f' is silu'(z); the rounding of z is carried along, for exp would magnify it |z| times.
struct Swish {
  static constexpr Description about{
      .name = "swish",
      .summary = "Swish: x gated by its own sigmoid, between x / 2 (beta = 0) and relu (beta = inf).",
      .formula = "x * sigmoid(beta * x)",
      .derivative_formula = "sigmoid(beta * x) * (1 + beta * x * sigmoid(-beta * x))",
      .kink = "none; for beta > 0: f'(-inf) = 0, f'(+inf) = 1",
      .source = "Ramachandran, Zoph & Le 2017, arXiv:1710.05941, section 3",
      .example = "F.swish([-1.0, 0.0, 2.0])",
      .example_value = "array([-0.26894142,  0.        ,  1.76159416])",
      .reads = Reads::input,
      .value_ulp = 1.1,
      .derivative_ulp = 1.7,
      .cost = 0.65,
      .parameters = {{"beta", 1.0}},
  };
  template <class T>
  SIMDNN_INLINE static T value(T x, T beta) {
    return scaled_gate(x, beta);
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x, T beta) {
    const Scaled<T> z = scale(beta, x);
    return gate_derivative(z.value, z.low);
  }
};

using Activations = List<Identity, Relu, LeakyRelu, Sigmoid, Tanh, Elu, Silu, Swish>;

SIMDNN_LEVEL_END
