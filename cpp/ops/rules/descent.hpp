// Update rules along the gradient: plain SGD, momentum, Lion.
#pragma once

#include "parts.hpp"

SIMDNN_LEVEL_BEGIN

/// Gradient descent: p -= lr g.
struct Sgd {
  static constexpr RuleDescription info{
      .name = "sgd",
      .formula = "p -= lr (g + weight_decay p)",
      .source = "Robbins & Monro 1951",
      .slots = {},
      .hypers = {learning_rate(1e-3), weight_decay(), decoupled_weight_decay()},
      .counts = false,
  };
  template <class T>
  struct Step {
    T rate, least;
    explicit Step(const UpdateStep& s) : rate(T(-s.hypers[kLr])), least(least_times<T>(s.hypers[kLr])) {}
    SIMDNN_INLINE void operator()(T& p, T g, T* const*, Index) const { p = fma(rate, flush_below(least, g), p); }
  };
};

/// Heavy-ball momentum, or Nesterov's momentum with one gradient per step, at the look-ahead point.
struct Momentum {
  static constexpr RuleDescription info{
      .name = "momentum",
      .formula =
          "b = momentum b + (1 - dampening) g; p -= lr b, or lr (g + momentum b) if nesterov; b = g at step 1; "
          "lr_in_velocity: b takes lr g, and p -= b, or momentum b + lr g",
      .source = "Polyak 1964; Sutskever et al. 2013, section 2, as PyTorch writes it",
      .slots = {"momentum_buffer"},
      .hypers = {learning_rate(1e-3),
                 weight_decay(),
                 decoupled_weight_decay(),
                 Hyper::nonnegative("momentum", 0, "Decay of the velocity; 0 is plain gradient descent."),
                 {"dampening", 0, -kUnbounded, kUnbounded, "Part of each later gradient that the velocity leaves out."},
                 Hyper::flag("nesterov", false, "Nesterov's look-ahead; needs a momentum and no dampening."),
                 rate_in_velocity()},
      .counts = false,
  };
  template <class T>
  struct Step {
    T momentum, fresh, direct, rate, least_gradient, least_velocity, least_step;
    bool nesterov;
    explicit Step(const UpdateStep& s) : momentum(T(s.hypers[3])), nesterov(s.hypers[5] != 0) {
      const bool inside = s.hypers[6] != 0;
      const double lr = s.hypers[kLr], taken = inside ? lr : 1, weight = (s.step == 1 ? 1 : 1 - s.hypers[4]) * taken;
      fresh = T(weight);
      direct = T(taken);
      rate = T(inside ? -1 : -lr);
      least_gradient = max(least_times<T>(weight), least_times<T>(taken));
      least_velocity = least_times<T>(s.hypers[3]);
      least_step = least_times<T>(inside ? 1 : lr);
    }
    SIMDNN_INLINE void operator()(T& p, T g, T* const* slots, Index i) const {
      g = flush_below(least_gradient, g);
      const T b = fma(momentum, slots[0][i], fresh * g), kept = flush_below(least_velocity, b);
      slots[0][i] = kept;
      p = fma(rate, flush_below(least_step, nesterov ? fma(momentum, kept, direct * g) : b), p);
    }
  };
};

/// Lion: a step along the sign of an interpolated momentum.
struct Lion {
  static constexpr RuleDescription info{
      .name = "lion",
      .formula = "p = (1 - lr weight_decay) p - lr sign(b1 m + (1-b1) g); m = b2 m + (1-b2) g",
      .source = "Chen et al. 2023, Symbolic discovery of optimization algorithms, algorithm 2",
      .slots = {"exp_avg"},
      .hypers = {learning_rate(1e-4), weight_decay(), decoupled_weight_decay(true),
                 Hyper::decay("beta1", 0.9, "Weight of the old momentum in the step."),
                 Hyper::decay("beta2", 0.99, "Weight of the old momentum in the new one.")},
  };
  template <class T>
  struct Step {
    T rate, beta1, beta2, rest1, rest2;
    explicit Step(const UpdateStep& s)
        : rate(T(-s.hypers[kLr])),
          beta1(T(s.hypers[3])),
          beta2(T(s.hypers[4])),
          rest1(T(1 - s.hypers[3])),
          rest2(T(1 - s.hypers[4])) {}
    SIMDNN_INLINE void operator()(T& p, T g, T* const* slots, Index i) const {
      g = flush_tiny(g);
      const T m = slots[0][i];
      p = fma(rate, sign(fma(beta1, m, rest1 * g)), p);
      slots[0][i] = flush_tiny(fma(beta2, m, rest2 * g));
    }
  };
};

SIMDNN_LEVEL_END
