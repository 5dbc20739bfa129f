// Update rules with first and second moments of the gradient: Adam and its variants.
#pragma once

#include "../../math/exp.hpp"
#include "parts.hpp"

SIMDNN_LEVEL_BEGIN

/// Their hyper-parameters after the common ones, in this order.
enum MomentHyper { kBeta1 = kCommonHypers, kBeta2, kEps, kEpsMode, kMomentHypers };

constexpr Hyper first_decay() { return Hyper::decay("beta1", 0.9, "Decay of the first moment."); }

constexpr RuleDescription with_moments(const char* name, const char* formula, const char* source, double lr,
                                       EpsMode mode) {
  RuleDescription info{};
  info.name = name;
  info.formula = formula;
  info.source = source;
  info.slots[0] = "exp_avg";
  info.slots[1] = "exp_avg_sq";
  info.hypers[kLr] = learning_rate(lr);
  info.hypers[kWeightDecay] = weight_decay();
  info.hypers[kDecoupled] = decoupled_weight_decay();
  info.hypers[kBeta1] = first_decay();
  info.hypers[kBeta2] = Hyper::decay("beta2", 0.999, "Decay of the second moment.");
  info.hypers[kEps] = division_guard(1e-8);
  info.hypers[kEpsMode] = eps_position(mode);
  return info;
}

constexpr RuleDescription with_momentum_decay(RuleDescription info) {
  info.scalar_state[0] = {"mu_product", 1};
  info.hypers[kMomentHypers] =
      Hyper::nonnegative("momentum_decay", 4e-3, "Rate at which the momentum approaches beta1.");
  return info;
}

/// Exponential moving averages of the gradient and of its square.
template <class T>
struct Moments {
  T beta1, rest1, rest2, least;
  DecayingSquares<T> squares;

  explicit Moments(const double* h)
      : beta1(T(h[kBeta1])),
        rest1(T(1 - h[kBeta1])),
        rest2(T(1 - h[kBeta2])),
        least(least_squared<T>(1 - h[kBeta2])),
        squares(h[kBeta2]) {}
  SIMDNN_INLINE T gradient(T g) const { return flush_below(least, g); }
  SIMDNN_INLINE T first(T g, T* const* slots, Index i) const {
    const T m = flush_tiny(fma(beta1, slots[0][i], rest1 * g));
    slots[0][i] = m;
    return m;
  }
  SIMDNN_INLINE T second(T g, T* const* slots, Index i) const {
    const T v = squares(slots[1][i], rest2 * (g * g));
    slots[1][i] = v;
    return v;
  }
};

/// Adam, with bias correction; AMSGrad divides by the largest second moment so far.
template <bool kLargest>
struct Adam {
  static constexpr RuleDescription describe() {
    RuleDescription info =
        with_moments(kLargest ? "amsgrad" : "adam",
                     kLargest ? "m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; w = max(w, v); "
                                "p -= lr m/(1-b1^t) / (sqrt(w/(1-b2^t)) + eps)"
                              : "m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; p -= lr m/(1-b1^t) / (sqrt(v/(1-b2^t)) + "
                                "eps)",
                     kLargest ? "Reddi, Kale & Kumar 2018, algorithm 2, with Adam's bias correction as PyTorch"
                              : "Kingma & Ba 2015, algorithm 1",
                     1e-3, kOutside);
    if (kLargest) info.slots[2] = "max_exp_avg_sq";
    return info;
  }
  static constexpr RuleDescription info = describe();

  template <class T>
  struct Step {
    Moments<T> moments;
    T rate;
    GuardedRoot<T> root;
    explicit Step(const UpdateStep& s)
        : moments(s.hypers),
          rate(T(-s.hypers[kLr] / (1 - power(s.hypers[kBeta1], s.step)))),
          root(s.hypers[kEpsMode], s.hypers[kEps], 1 - power(s.hypers[kBeta2], s.step)) {}
    SIMDNN_INLINE void operator()(T& p, T g, T* const* slots, Index i) const {
      g = moments.gradient(g);
      const T m = moments.first(g, slots, i);
      T v = moments.second(g, slots, i);
      if constexpr (kLargest) {
        v = slots[2][i] >= v ? slots[2][i] : v;  // a NaN propagates
        slots[2][i] = v;
      }
      p = fma(rate, m / root(v), p);
    }
  };
};

/// Adam with Nesterov's momentum, whose coefficient warms up.
struct NAdam {
  static constexpr RuleDescription info = with_momentum_decay(with_moments(
      "nadam",
      "u_t = b1 (1 - 0.96^(t momentum_decay) / 2); m, v as Adam; "
      "p -= lr (u_{t+1} m / (1 - u_1..u_{t+1}) + (1-u_t) g / (1 - u_1..u_t)) / (sqrt(v/(1-b2^t)) + eps)",
      "Dozat 2016, Incorporating Nesterov momentum into Adam, algorithm 2, as PyTorch writes it", 2e-3, kOutside));

  static double mu(const double* h, std::int64_t step) {
    constexpr double log_096 = -0x1.4e69ed6d80eb3p-5;  // the constant 0.96 is Dozat's
    return h[kBeta1] * (1 - 0.5 * exp(double(step) * h[kMomentHypers] * log_096));
  }
  static void advance(const double* h, std::int64_t step, double* scalar_state) { scalar_state[0] *= mu(h, step); }

  template <class T>
  struct Step {
    Moments<T> moments;
    T now, ahead;
    GuardedRoot<T> root;
    explicit Step(const UpdateStep& s)
        : moments(s.hypers), root(s.hypers[kEpsMode], s.hypers[kEps], 1 - power(s.hypers[kBeta2], s.step)) {
      const double next = mu(s.hypers, s.step + 1);
      now = T(-s.hypers[kLr] * (1 - mu(s.hypers, s.step)) / (1 - s.scalar_state[0]));
      ahead = T(-s.hypers[kLr] * next / (1 - s.scalar_state[0] * next));
    }
    SIMDNN_INLINE void operator()(T& p, T g, T* const* slots, Index i) const {
      g = moments.gradient(g);
      const T m = moments.first(g, slots, i);
      const T v = moments.second(g, slots, i);
      p = fma(ahead, m, now * g) / root(v) + p;
    }
  };
};

/// Adam that omits the division while the second moment rests on too few gradients, and rectifies its variance later.
struct RAdam {
  static constexpr RuleDescription info = with_moments(
      "radam",
      "m, v as Adam; R = 2/(1-b2) - 1; r = R - 2 t b2^t/(1-b2^t); if r > 5: p -= lr m/(1-b1^t) "
      "sqrt((r-4)(r-2)R / ((R-4)(R-2)r)) sqrt(1-b2^t) / (sqrt(v) + eps), else p -= lr m/(1-b1^t)",
      "Liu et al. 2020, On the variance of the adaptive learning rate and beyond, algorithm 2", 1e-3, kHat);

  template <class T>
  struct Step {
    Moments<T> moments;
    T rate;
    bool rectified;
    GuardedRoot<T> root;
    explicit Step(const UpdateStep& s)
        : moments(s.hypers), root(s.hypers[kEpsMode], s.hypers[kEps], 1 - power(s.hypers[kBeta2], s.step)) {
      const double b2 = power(s.hypers[kBeta2], s.step);
      const double most = 2 / (1 - s.hypers[kBeta2]) - 1;
      const double length = most - 2 * double(s.step) * b2 / (1 - b2);
      rectified = length > 5;
      const double rectification = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length);
      rate =
          T(-s.hypers[kLr] / (1 - power(s.hypers[kBeta1], s.step)) * (rectified ? __builtin_sqrt(rectification) : 1));
    }
    SIMDNN_INLINE void operator()(T& p, T g, T* const* slots, Index i) const {
      g = moments.gradient(g);
      const T m = moments.first(g, slots, i);
      const T v = moments.second(g, slots, i);
      p = fma(rate, m / (rectified ? root(v) : T(1)), p);
    }
  };
};

/// Adam with the decaying maximum of |g| in place of the second moment.
struct Adamax {
  static constexpr RuleDescription info{
      .name = "adamax",
      .formula = "m = b1 m + (1-b1) g; u = max(b2 u, |g| + eps); p -= lr m / ((1-b1^t) u)",
      .source = "Kingma & Ba 2015, section 7.1, algorithm 2, with eps as PyTorch has it",
      .slots = {"exp_avg", "exp_inf"},
      .hypers = {learning_rate(2e-3), weight_decay(), decoupled_weight_decay(), first_decay(),
                 Hyper::decay("beta2", 0.999, "Decay of the largest gradient."), division_guard(1e-8)},
  };
  template <class T>
  struct Step {
    Moments<T> moments;
    T rate, eps;
    explicit Step(const UpdateStep& s)
        : moments(s.hypers), rate(T(-s.hypers[kLr] / (1 - power(s.hypers[kBeta1], s.step)))), eps(T(s.hypers[kEps])) {}
    SIMDNN_INLINE void operator()(T& p, T g, T* const* slots, Index i) const {
      g = flush_tiny(g);
      const T m = moments.first(g, slots, i);
      const T old = moments.squares(slots[1][i], T(0)), size = abs(g) + eps;
      const T u = old >= size ? old : size;  // a NaN of the gradient propagates
      slots[1][i] = u;
      p = fma(rate, m / u, p);
    }
  };
};

SIMDNN_LEVEL_END
