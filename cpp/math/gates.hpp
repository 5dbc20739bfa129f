// Gated forms x sigmoid(beta x) and their derivatives w.r.t. x and beta.
//
// They follow from t = 1 / (1 + exp(a)), a >= 0, as the functions of tanh.hpp do.
#pragma once

#include "tanh.hpp"

SIMDNN_LEVEL_BEGIN

/// Selection by a condition on beta. With ?: GCC leaves a branch that is the same for every x, and no vector code.
template <class T>
SIMDNN_INLINE T choose(bool condition, T yes, T no) {
  const auto mask = typename Bits<T>::type(0) - condition;
  return from_bits<T>((to_bits(yes) & mask) | (to_bits(no) & ~mask));
}

/// Constants of a gate, which depend on beta only. A tiny beta has no lift, because x may then be huge.
template <class T>
struct GateScale {
  T size, most, lift, unlift;
};

template <class T>
SIMDNN_INLINE GateScale<T> gate_scale(T beta, T limit, T lift, T unlift) {
  using F = RangeReductionConstants<T>;
  const T largest = from_bits<T>(to_bits(ExpConstants<T>::infinity) - 1);
  const bool tiny = abs(beta) < F::least_scale;
  const T size = choose(abs(beta) > F::most_scale, F::most_scale, abs(beta));
  const T most = choose(tiny, F::least_limit, limit) / size;
  return {size, choose(most < largest, most, largest), choose(tiny, T(0), lift), choose(tiny, T(1), unlift)};
}
template <class T>
SIMDNN_INLINE GateScale<T> gate_scale(T beta) {
  using F = RangeReductionConstants<T>;
  return gate_scale(beta, F::limit, F::lift, F::unlift);
}

/// x sigmoid(beta x) = max(x, -0.0) - |x| t for beta > 0. Max error 1.25 ULP for beta = 1, else 1.3.
template <class T>
SIMDNN_INLINE T scaled_gate(T x, T beta) {
  const GateScale<T> by = gate_scale(beta);
  const T a = bound_size(abs(x), by.most);
  const RangeReduction<T> f = reduce_range(a, by.size, by.lift, by.unlift);
  const T y = fma(over(a * f.s, f), -by.unlift, clamp_size(flipped(x, beta), T(-0.0)));
  return choose(beta == 0, x * T(0.5), flipped(y, beta));
}

/// t (1 - slope (1 - t)): the derivative of a gate at -a, where slope = a d/da (a + low).
template <class T>
SIMDNN_INLINE T gate_slope(Logistic<T> s, Pair<T> slope) {
  const Pair<T> c = complement(s);
  const Pair<T> minus = {fma(slope.value, c.value, T(-1)), fma(slope.value, c.error, slope.error)};
  return times_tail(s, minus) * ExpConstants<T>::unlift;
}

/// d/dx (x sigmoid(beta x)) is g = t (1 - a + a t) for beta x <= 0 and 1 - g above, a = |beta x|: its sums are exact
/// around the root beta x = -1.2785. Max error 2.6 ULP (float, double); within 20 % of the root, 9e-9 absolute (float).
template <class T>
SIMDNN_INLINE T scaled_gate_derivative(T x, T beta) {
  const GateScale<T> by = gate_scale(beta);
  const T a = bound_size(abs(x), by.most);
  const RangeReduction<T> f = reduce_range(a, by.size, by.lift, by.unlift);
  const T t = f.s / f.d;
  const T rest = fma(-t, f.lost, fma(-t, f.d, f.s)) * T(0.7);
  const T scaled = a * (by.size * by.unlift);
  const T m = fma(t, scaled, fma(-a, by.size, T(1)));
  const T g = fma(t, m, rest * fma(t, scaled, m));
  const T z = flipped(x, beta);
  return fma(flipped(g, z), -by.unlift, step(z));
}

/// d/d beta (x sigmoid(beta x)) = x^2 t (1 - t). Max error 3 ULP.
template <class T>
SIMDNN_INLINE T scaled_gate_slope(T x, T beta) {
  using F = RangeReductionConstants<T>;
  const GateScale<T> by = gate_scale(beta, F::square_limit, F::square_lift, F::square_unlift);
  const T a = bound_size(abs(x), by.most);
  const RangeReduction<T> f = reduce_range(a, by.size, by.lift, by.unlift);
  const T t = over(f.s, f);
  return (a * t) * (a * fma(t, -by.unlift, T(1))) * by.unlift;
}

SIMDNN_LEVEL_END
