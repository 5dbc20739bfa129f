// Update rules: named hyper-parameters, named state, one scalar step each. The registry is the last line.
#pragma once

#include "../math/level.hpp"
#include "description.hpp"
#include "list.hpp"
#include "spans.hpp"

SIMDNN_LEVEL_BEGIN

constexpr double kUnbounded = __builtin_inf();

/// base^n by squaring: the same bits wherever it runs, unlike a libm's pow.
inline double power(double base, std::int64_t n) {
  double result = 1;
  for (; n > 0; n /= 2, base *= base) {
    if (n % 2) result *= base;
  }
  return result;
}

/// A moment below the smallest normal number becomes zero: subnormals would cost an assist at every step for ever.
SIMDNN_INLINE float flush(float x) { return abs(x) < __FLT_MIN__ ? 0.0f : x; }
SIMDNN_INLINE double flush(double x) { return abs(x) < __DBL_MIN__ ? 0.0 : x; }

/// p -= lr g.
struct Sgd {
  static constexpr RuleDescription about{
      .name = "sgd",
      .formula = "p -= lr (g + weight_decay p)",
      .source = "Robbins & Monro 1951",
      .slots = {},
      .hypers = {{"lr", 1e-3, 0, kUnbounded}, {"weight_decay", 0, 0, kUnbounded}},
  };
  template <class T>
  struct Step {
    T lr, weight_decay;
    Step(const double* h, std::int64_t) : lr(T(h[0])), weight_decay(T(h[1])) {}
    SIMDNN_INLINE void operator()(T& p, T g, T* const*, Index) const { p = fma(-lr, fma(weight_decay, p, g), p); }
  };
};

/// Heavy ball, or Nesterov's form of it that needs one gradient a step, at the look-ahead point.
struct Momentum {
  static constexpr RuleDescription about{
      .name = "momentum",
      .formula = "b = momentum b + (1 - dampening) g; p -= lr b, or lr (g + momentum b) if nesterov; b = g at step 1",
      .source = "Polyak 1964; Sutskever et al. 2013, section 2, as PyTorch writes it",
      .slots = {"momentum_buffer"},
      .hypers = {{"lr", 1e-3, 0, kUnbounded},
                 {"weight_decay", 0, 0, kUnbounded},
                 {"momentum", 0, 0, kUnbounded},
                 {"dampening", 0, -kUnbounded, kUnbounded},
                 {"nesterov", 0, 0, 2}},
  };
  template <class T>
  struct Step {
    T lr, weight_decay, momentum, fresh;
    bool nesterov;
    Step(const double* h, std::int64_t step)
        : lr(T(h[0])),
          weight_decay(T(h[1])),
          momentum(T(h[2])),
          fresh(step == 1 ? T(1) : T(1 - h[3])),
          nesterov(h[4] != 0) {}
    SIMDNN_INLINE void operator()(T& p, T g, T* const* slots, Index i) const {
      g = fma(weight_decay, p, g);
      const T b = flush(fma(momentum, slots[0][i], fresh * g));
      slots[0][i] = b;
      p = fma(-lr, nesterov ? fma(momentum, b, g) : b, p);
    }
  };
};

/// Adaptive moments, bias-corrected, eps outside the square root.
struct Adam {
  static constexpr RuleDescription about{
      .name = "adam",
      .formula = "m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; p -= lr m/(1-b1^t) / (sqrt(v/(1-b2^t)) + eps)",
      .source = "Kingma & Ba 2015, algorithm 1",
      .slots = {"exp_avg", "exp_avg_sq"},
      .hypers = {{"lr", 1e-3, 0, kUnbounded},
                 {"weight_decay", 0, 0, kUnbounded},
                 {"beta1", 0.9, 0, 1},
                 {"beta2", 0.999, 0, 1},
                 {"eps", 1e-8, 0, kUnbounded}},
  };
  template <class T>
  struct Step {
    T rate, weight_decay, beta1, beta2, rest1, rest2, correction, eps;
    Step(const double* h, std::int64_t step)
        : rate(T(-h[0] / (1 - power(h[2], step)))),
          weight_decay(T(h[1])),
          beta1(T(h[2])),
          beta2(T(h[3])),
          rest1(T(1 - h[2])),
          rest2(T(1 - h[3])),
          correction(T(1 / __builtin_sqrt(1 - power(h[3], step)))),
          eps(T(h[4])) {}
    SIMDNN_INLINE void operator()(T& p, T g, T* const* slots, Index i) const {
      g = fma(weight_decay, p, g);
      const T m = flush(fma(beta1, slots[0][i], rest1 * g));
      const T v = flush(fma(beta2, slots[1][i], rest2 * (g * g)));
      slots[0][i] = m;
      slots[1][i] = v;
      p = fma(rate, m / fma(sqrt(v), correction, eps), p);
    }
  };
};

using Rules = List<Sgd, Momentum, Adam>;

SIMDNN_LEVEL_END
