// Piecewise linear activations, and softsign: a description of each, then f and f'.
#pragma once

#include "../base/descriptions.hpp"
#include "../math/softplus.hpp"

SIMDNN_LEVEL_BEGIN

struct Identity {
  static constexpr Description info{
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
  static constexpr Description info{
      .name = "relu",
      .summary = "Rectified linear unit: the positive part of x.",
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
      .rectifier = true,
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

/// The derivative reads the input, because with a negative slope the output's sign does not tell the side of the kink.
struct LeakyRelu {
  static constexpr Description info{
      .name = "leaky_relu",
      .summary = "Leaky rectified linear unit: relu with a small slope for negative x.",
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
      .rectifier = true,
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
  template <class T>
  SIMDNN_INLINE static T parameter_derivative(T x, T) {
    return x > 0 ? T(0) : x;
  }
};

struct Relu6 {
  static constexpr Description info{
      .name = "relu6",
      .summary = "Rectified linear unit that saturates at 6.",
      .formula = "min(max(x, 0), 6)",
      .derivative_formula = "1 if 0 < x < 6 else 0",
      .kink = "f'(0) = f'(6) = 0; relu6(-0.0) = +0.0; f'(-inf) = f'(+inf) = 0",
      .source = "Krizhevsky 2010, Convolutional Deep Belief Networks on CIFAR-10, section 2",
      .example = "F.relu6([-1.0, 2.0, 8.0])",
      .example_value = "array([0., 2., 6.])",
      .reads = Reads::output,
      .value_ulp = 0,
      .derivative_ulp = 0,
      .cost = 0.06,
      .rectifier = true,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return bound_size(Relu::value(x), T(6));
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    const T outside = x == x ? T(0) : x;
    const bool inside = (x > 0) & (x < 6);
    return inside ? T(1) : outside;
  }
  template <class T>
  SIMDNN_INLINE static T derivative_from_output(T y) {
    return derivative(y);
  }
};

struct HardTanh {
  static constexpr Description info{
      .name = "hard_tanh",
      .summary = "x clamped to [min_val, max_val]: a piecewise linear tanh.",
      .formula = "min(max(x, min_val), max_val)",
      .derivative_formula = "1 if min_val < x < max_val else 0",
      .kink = "f'(min_val) = f'(max_val) = 0; f'(-inf) = f'(+inf) = 0",
      .source = "Collobert 2004, Large Scale Machine Learning, chapter 5",
      .example = "F.hard_tanh([-2.0, 0.5, 2.0])",
      .example_value = "array([-1. ,  0.5,  1. ])",
      .reads = Reads::output,
      .value_ulp = 0,
      .derivative_ulp = 0,
      .cost = 0.06,
      .parameters = {{"min_val", -1.0}, {"max_val", 1.0}},
  };
  template <class T>
  SIMDNN_INLINE static T value(T x, T min_val, T max_val) {
    const T low = x < min_val ? min_val : x;
    return low > max_val ? max_val : low;
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x, T min_val, T max_val) {
    const T outside = x == x ? T(0) : x;
    const bool inside = (x > min_val) & (x < max_val);
    return inside ? T(1) : outside;
  }
  template <class T>
  SIMDNN_INLINE static T derivative_from_output(T y, T min_val, T max_val) {
    return derivative(y, min_val, max_val);
  }
};

/// (t + low) / 6 with nearly one rounding: a product with 1/6, corrected by its remainder, is cheaper than a division.
template <class T>
SIMDNN_INLINE T sixth(T t, T low) {
  constexpr T part = T(1) / 6;
  const T q = t * part;
  return fma(fma(T(-6), q, t) + low, part, q);
}

/// The derivative reads the input, because close to 3 the output rounds to 1 while the slope is still 1/6.
struct HardSigmoid {
  static constexpr Description info{
      .name = "hard_sigmoid",
      .summary = "Piecewise linear sigmoid with the slope 1/6 of PyTorch and Keras (ONNX has 0.2).",
      .formula = "min(max(x + 3, 0), 6) / 6",
      .derivative_formula = "1 / 6 if -3 < x < 3 else 0",
      .kink = "f'(-3) = f'(3) = 0; f'(-inf) = f'(+inf) = 0",
      .source =
          "Courbariaux, Bengio & David 2015, arXiv:1511.00363, section 2.3; slope of Howard et al. 2019, "
          "arXiv:1905.02244",
      .example = "F.hard_sigmoid([-4.0, 0.0, 1.5])",
      .example_value = "array([0.  , 0.5 , 0.75])",
      .reads = Reads::input,
      .value_ulp = 0.55,
      .derivative_ulp = 0.5,
      .cost = 0.1,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    const T t = x + 3;
    const T low = x - (t - 3);  // exact within +-3
    const T line = x >= 3 ? T(1) : sixth(t, low);
    return x <= -3 ? T(0) : line;
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    return T(1) / 6 * HardTanh::derivative(x, T(-3), T(3));
  }
};

struct HardSwish {
  static constexpr Description info{
      .name = "hard_swish",
      .summary = "Swish with hard_sigmoid in place of the sigmoid.",
      .formula = "x * min(max(x + 3, 0), 6) / 6",
      .derivative_formula = "0 if x <= -3 else 1 if x >= 3 else (2 * x + 3) / 6",
      .kink = "f'(-3) = 0, f'(3) = 1; hard_swish(x) = -0.0 for x <= -3, -inf too; f'(-inf) = 0, f'(+inf) = 1",
      .source = "Howard et al. 2019, Searching for MobileNetV3, arXiv:1905.02244, section 5.2",
      .example = "F.hard_swish([-4.0, 1.0, 4.0])",
      .example_value = "array([-0.        ,  0.66666667,  4.        ])",
      .reads = Reads::input,
      .value_ulp = 1.9,
      .derivative_ulp = 1.05,
      .cost = 0.12,
      .rectifier = true,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    const T bounded = bound_size(x, T(-3), -ExpConstants<T>::infinity);
    return bounded * sixth(clamp_size(bounded + 3, T(6)), T(0));
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    const T line = sixth(fma(T(2), x, T(3)), T(0));
    const T low = x <= -3 ? T(0) : line;
    return x >= 3 ? T(1) : low;
  }
};

struct Softsign {
  static constexpr Description info{
      .name = "softsign",
      .summary = "Sigmoid-shaped function like tanh that approaches its limits -1 and 1 as slowly as 1 / x.",
      .formula = "x / (1 + |x|)",
      .derivative_formula = "1 / (1 + |x|)^2",
      .kink = "no kink; f'(-inf) = f'(+inf) = 0",
      .source =
          "Glorot & Bengio 2010, Understanding the Difficulty of Training Deep Feedforward Neural Networks, section 3",
      .example = "F.softsign([-1.0, 0.0, 3.0])",
      .example_value = "array([-0.5 ,  0.  ,  0.75])",
      .reads = Reads::input,
      .value_ulp = 1.5,
      .derivative_ulp = 2.0,
      .cost = 0.15,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return softsign(x);
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    return softsign_derivative(x);
  }
};

struct BinaryStep {
  static constexpr Description info{
      .name = "binary_step",
      .summary = "Heaviside step. Its derivative is 0, so that gradients train no layer before it.",
      .formula = "1 if x >= 0 else 0",
      .derivative_formula = "0",
      .kink = "f'(0) = 0, though f jumps there; f'(-inf) = f'(+inf) = 0",
      .source = "McCulloch & Pitts 1943, A Logical Calculus of the Ideas Immanent in Nervous Activity",
      .example = "F.binary_step([-1.0, 0.0, 2.0])",
      .example_value = "array([0., 1., 1.])",
      .reads = Reads::output,
      .value_ulp = 0,
      .derivative_ulp = 0,
      .cost = 0.05,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    const T below = x < 0 ? T(0) : x;
    return x >= 0 ? T(1) : below;
  }
  template <class T>
  SIMDNN_INLINE static T derivative(T x) {
    return x == x ? T(0) : x;
  }
  template <class T>
  SIMDNN_INLINE static T derivative_from_output(T y) {
    return derivative(y);
  }
};

SIMDNN_LEVEL_END
