// Update rules that divide by the root of summed or averaged squares of the gradient: Adagrad, RMSprop, Adadelta.
#pragma once

#include "parts.hpp"

SIMDNN_LEVEL_BEGIN

/// Adagrad: divides by the root of the sum of all squared gradients.
struct Adagrad {
  static constexpr RuleDescription info{
      .name = "adagrad",
      .formula = "s += g^2; p -= lr / (1 + (t-1) lr_decay) g / (sqrt(s) + eps)",
      .source = "Duchi, Hazan & Singer 2011, section 1.1, as PyTorch writes it",
      .slots = {"sum"},
      .hypers = {learning_rate(1e-2), weight_decay(), decoupled_weight_decay(),
                 Hyper::nonnegative("lr_decay", 0, "Step t has the learning rate lr / (1 + (t - 1) * lr_decay)."),
                 division_guard(1e-10), eps_position(kOutside)},
  };
  template <class T>
  struct Step {
    T rate;
    GuardedRoot<T> root;
    explicit Step(const UpdateStep& s)
        : rate(T(-s.hypers[kLr] / (1 + double(s.step - 1) * s.hypers[3]))), root(s.hypers[5], s.hypers[4], 1) {}
    SIMDNN_INLINE void operator()(T& p, T g, T* const* slots, Index i) const {
      g = flush_tiny(g);
      const T sum = flush_below(kLeastNormal<T>, fma(g, g, slots[0][i]));
      slots[0][i] = sum;
      p = fma(rate, g / root(sum), p);
    }
  };
};

/// RMSprop: divides by the root of a decaying mean of squares, less the squared mean if centered; optional momentum.
template <bool kCentered, bool kMomentum>
struct RmsProp {
  static constexpr RuleDescription describe() {
    RuleDescription info{
        .name = kCentered ? (kMomentum ? "rmsprop_centered_momentum" : "rmsprop_centered")
                          : (kMomentum ? "rmsprop_momentum" : "rmsprop"),
        .formula = kCentered ? "s = alpha s + (1-alpha) g^2; a = alpha a + (1-alpha) g; u = g / (sqrt(s - a^2) + eps); "
                               "p -= lr u, or with momentum: b = momentum b + u; p -= lr b"
                             : "s = alpha s + (1-alpha) g^2; u = g / (sqrt(s) + eps); p -= lr u, or with momentum: "
                               "b = momentum b + u; p -= lr b",
        .source = "Hinton 2012, lecture 6e; centered: Graves 2013, eq. 38-41; as PyTorch writes it",
        .slots = {"square_avg", nullptr, nullptr},
        .hypers = {learning_rate(1e-2), weight_decay(), decoupled_weight_decay(),
                   Hyper::decay("alpha", 0.99, "Decay of the mean of squares."), division_guard(1e-8),
                   eps_position(kOutside)},
    };
    if (kMomentum) {
      info.slots[1] = "momentum_buffer";
      info.hypers[6] = Hyper::nonnegative("momentum", 0, "Decay of the velocity; 0 has none.");
      info.hypers[7] = rate_in_velocity();
    }
    if (kCentered) info.slots[1 + kMomentum] = "grad_avg";
    return info;
  }
  static constexpr RuleDescription info = describe();

  template <class T>
  struct Step {
    T alpha, rest, rate, momentum = T(0), gain = T(1), least, least_u = kLeastGradient<T>;
    DecayingSquares<T> squares;
    GuardedRoot<T> root;
    explicit Step(const UpdateStep& s)
        : alpha(T(s.hypers[3])),
          rest(T(1 - s.hypers[3])),
          rate(T(-s.hypers[kLr])),
          least(least_squared<T>(1 - s.hypers[3])),
          squares(s.hypers[3]),
          root(s.hypers[5], s.hypers[4], 1) {
      if (!kMomentum) return;
      momentum = T(s.hypers[6]);
      if (s.hypers[7] != 0) {
        gain = -rate;
        rate = T(-1);
        least_u = least_velocity<T>(s.hypers[kLr]);
      }
    }
    SIMDNN_INLINE void operator()(T& p, T g, T* const* slots, Index i) const {
      g = flush_below(least, g);
      T square = squares(slots[0][i], rest * (g * g));
      slots[0][i] = square;
      if constexpr (kCentered) {
        const T mean = flush_tiny(fma(alpha, slots[1 + kMomentum][i], rest * g));
        slots[1 + kMomentum][i] = mean;
        square = fma(-mean, mean, square);
        square = square < 0 ? T(0) : square;  // rounding may make a variance negative; NaN stays
      }
      T u = g / root(square);
      if constexpr (kMomentum) {
        u = flush_below(least_u, fma(momentum, slots[1][i], gain * u));
        slots[1][i] = u;
      }
      p = fma(rate, u, p);
    }
  };
};

/// Adadelta: scales by the ratio of the root mean squares of past steps and of gradients, so that steps have the units
/// of parameters.
struct Adadelta {
  static constexpr RuleDescription info{
      .name = "adadelta",
      .formula = "s = rho s + (1-rho) g^2; u = sqrt(a + eps) / sqrt(s + eps) g; a = rho a + (1-rho) u^2; p -= lr u",
      .source = "Zeiler 2012, algorithm 1",
      .slots = {"square_avg", "acc_delta"},
      .hypers = {learning_rate(1), weight_decay(), decoupled_weight_decay(),
                 Hyper::decay("rho", 0.9, "Decay of both means."), division_guard(1e-6)},
  };
  template <class T>
  struct Step {
    T rate, rest, eps, least;
    DecayingSquares<T> squares;
    explicit Step(const UpdateStep& s)
        : rate(T(-s.hypers[kLr])),
          rest(T(1 - s.hypers[3])),
          eps(T(s.hypers[4])),
          least(least_squared<T>(1 - s.hypers[3])),
          squares(s.hypers[3]) {}
    SIMDNN_INLINE void operator()(T& p, T g, T* const* slots, Index i) const {
      g = flush_below(least, g);
      const T square = squares(slots[0][i], rest * (g * g));
      const T delta = slots[1][i];
      const T u = sqrt(delta + eps) / sqrt(square + eps) * g;
      slots[0][i] = square;
      const T counted = flush_below(least, u);
      slots[1][i] = squares(delta, rest * (counted * counted));
      p = fma(rate, u, p);
    }
  };
};

SIMDNN_LEVEL_END
