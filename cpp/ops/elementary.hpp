// Elementary functions with equal bits on every machine, and their list at the end.
#pragma once

#include "../base/descriptions.hpp"
#include "../base/list.hpp"
#include "../math/exp.hpp"
#include "../math/log.hpp"

SIMDNN_LEVEL_BEGIN

struct Exp {
  static constexpr Description info{
      .name = "exp",
      .summary = "Exponential function.",
      .formula = "exp(x)",
      .kink = "exp(-inf) = 0, exp(+inf) = inf",
      .source = "definition",
      .example = "F.exp([-1.0, 0.0, 1.0])",
      .example_value = "array([0.36787944, 1.        , 2.71828183])",
      .value_ulp = 0.9,
      .cost = 0.35,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return exp(x);
  }
};

struct Expm1 {
  static constexpr Description info{
      .name = "expm1",
      .summary = "exp(x) - 1 without cancellation near 0.",
      .formula = "exp(x) - 1",
      .kink = "expm1(-inf) = -1, expm1(+inf) = inf, expm1(-0.0) = -0.0",
      .source = "definition",
      .example = "F.expm1([-1.0, 0.0, 1e-10])",
      .example_value = "array([-6.32120559e-01,  0.00000000e+00,  1.00000000e-10])",
      .value_ulp = 1.0,
      .cost = 0.45,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return expm1(x);
  }
};

struct Log {
  static constexpr Description info{
      .name = "log",
      .summary = "Natural logarithm.",
      .formula = "log(x)",
      .kink = "log(+-0) = -inf, log(+inf) = inf, NaN below zero",
      .source = "definition",
      .example = "F.log([1.0, 2.0, 10.0])",
      .example_value = "array([0.        , 0.69314718, 2.30258509])",
      .value_ulp = 1.0,
      .cost = 0.6,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return log(x);
  }
};

struct Log1p {
  static constexpr Description info{
      .name = "log1p",
      .summary = "log(1 + x) without cancellation near 0.",
      .formula = "log(1 + x)",
      .kink = "log1p(-1) = -inf, log1p(+inf) = inf, NaN below -1, log1p(-0.0) = -0.0",
      .source = "definition",
      .example = "F.log1p([0.0, 1e-10, 1.0])",
      .example_value = "array([0.00000000e+00, 1.00000000e-10, 6.93147181e-01])",
      .value_ulp = 1.0,
      .cost = 0.7,
  };
  template <class T>
  SIMDNN_INLINE static T value(T x) {
    return log1p(x);
  }
};

using Elementary = List<Exp, Expm1, Log, Log1p>;

SIMDNN_LEVEL_END
