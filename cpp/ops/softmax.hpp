// The terms of softmax rows, exp(x) by a factor common to the row, each with what its rounding lost; sums in double.
#pragma once

#include "../math/exp.hpp"
#include "../math/level.hpp"
#include "lanes.hpp"
#include "spans.hpp"

SIMDNN_LEVEL_BEGIN

constexpr Index kNobody = -1;

/// The largest element; a NaN is passed over here and spoils the row in the sum.
template <class T>
T row_max(const T* x, Index n) {
  constexpr T lowest = -__builtin_inf();
  Lanes<T> best(lowest);
  for_blocks(n, [&](Index i, Index count) SIMDNN_LAMBDA_INLINE {
    if (count == kLanes) return best.take_larger(x + i);
    T block[kLanes];
    load_block(x + i, count, lowest, block);
    best.take_larger(block);
  });
  T lane[kLanes];
  best.store(lane);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int l = 0; l < width; ++l) lane[l] = lane[l + width] > lane[l] ? lane[l + width] : lane[l];
  }
  return lane[0];
}

/// The first element that is equal to `value`, or n.
template <class T>
Index first_equal(const T* x, Index n, T value) {
  Index i = 0;
  while (i < n && !(x[i] == value)) ++i;
  return i;
}

template <class T>
struct ShiftConstants;

template <>
struct ShiftConstants<float> {
  static constexpr float lift = 32;
  static constexpr double unlift = 0x1p-32;
  static constexpr float near = 4096;
};

template <>
struct ShiftConstants<double> {
  static constexpr double lift = 64;
  static constexpr double unlift = 0x1p-64;
  static constexpr double near = 4096;
};

/// A row's shift by 2^K, K = round(largest / ln 2): its terms are 2^-K exp(x), whose exponent is changed instead of
/// its argument, so that no difference is rounded. A row whose largest is huge is shifted by the largest itself, with
/// the rounding error of the difference (Knuth's TwoSum).
template <class T>
struct Shift {
  using C = ExpConstants<T>;
  using S = ShiftConstants<T>;
  T largest = 0, power = 0;

  Shift() = default;
  SIMDNN_INLINE explicit Shift(T top) : largest(top), power(fma(top, C::per_ln2, C::round) - C::round) {}

  SIMDNN_INLINE bool near() const { return abs(largest) <= S::near; }
  SIMDNN_INLINE T least() const { return largest - C::largest; }
  SIMDNN_INLINE T offset() const { return C::bias + S::lift - power; }

  /// A term in double, exact but for its last place.
  static SIMDNN_INLINE double exact(T x, T largest, T power) {
    using D = ExpConstants<double>;
    const double far = double(x) - double(largest), k = double(power);
    const double reduced = fma(-k, D::ln2_low, fma(-k, D::ln2_high, double(x)));
    return exp(abs(largest) <= S::near ? reduced : far);
  }

  /// The term of the largest; NaN where the row has no softmax.
  SIMDNN_INLINE double unit() const { return exact(largest, largest, power); }
};

/// A term, and 2^lift times what its rounding lost where it is normal. 0 below the least, NaN for NaN.
template <class T>
SIMDNN_INLINE Pair<T> lifted_term(T x, T low, T offset) {
  const auto e = reduce_exp(x, low, offset);
  const T scale = from_bits<T>(e.power << ExpConstants<T>::mantissa);
  const T sum = 1 + e.p, lost = e.p - (sum - 1);
  return {sum * scale * T(ShiftConstants<T>::unlift), lost * scale};
}

template <class T>
SIMDNN_INLINE Pair<T> near_term(T x, T least, T offset) {
  return lifted_term(x < least ? least : x, T(0), offset);
}

template <class T>
SIMDNN_INLINE Pair<T> far_term(T x, T largest) {
  using C = ExpConstants<T>;
  const T difference = x - largest;
  const T back = difference - x;
  const T error = (x - (difference - back)) - (largest + back);
  const bool counts = !(difference < -C::largest);
  return lifted_term(counts ? difference : -C::largest, counts ? error : T(0), C::bias + ShiftConstants<T>::lift);
}

/// A number as a sum of two: multiplying by it rounds but once.
template <class T>
struct Factor {
  T high = 0, low = 0;
  Factor() = default;
  explicit Factor(double value) : high(T(value)), low(T(value - double(high))) {}
  static Factor reciprocal(double x) {
    Factor factor;
    factor.high = T(1 / x);
    factor.low = T(fma(-double(factor.high), x, 1.0) / x);
    return factor;
  }
  SIMDNN_INLINE T operator*(T x) const { return fma(x, high, x * low); }
};

/// Sums of terms, a lane each: in double what they are rounded to, in T what the roundings lost. Terms that are
/// subnormal lose more than that, so that their sum might be less than nothing.
template <class T>
struct TermSums {
  Lanes<double> value;
  Lanes<T> error;

  SIMDNN_INLINE void add(const T* values, const T* errors) {
    value += wide(values);
    error += Lanes<T>(errors);
  }

  SIMDNN_INLINE void store(double* sum) const {
    T lost[kLanes];
    value.store(sum);
    error.store(lost);
    for (int l = 0; l < kLanes; ++l) {
      const double found = fma(double(lost[l]), ShiftConstants<T>::unlift, sum[l]);
      sum[l] = found < 0 ? 0.0 : found;
    }
  }

  SIMDNN_INLINE double total() const {
    double sum[kLanes];
    store(sum);
    return sum_lanes(sum);
  }
};

/// The terms of one block, 0 beyond the row; adds them to the lanes, but for the one at `left_out`.
template <bool Near, bool Whole, class T>
SIMDNN_INLINE void block_terms(const T* x, int count, const Shift<T>& shift, int left_out, TermSums<T>& sums,
                               T* block) {
  T kept[kLanes], lost[kLanes];
  const T largest = shift.largest, least = shift.least(), offset = shift.offset();
  load_block(x, Index(count), largest, block);
  SIMDNN_VECTORIZE
  for (int l = 0; l < kLanes; ++l) {
    const Pair<T> term = Near ? near_term(block[l], least, offset) : far_term(block[l], largest);
    block[l] = Whole || l < count ? term.value : T(0);
    kept[l] = Whole || (l < count && l != left_out) ? term.value : T(0);
    lost[l] = Whole || (l < count && l != left_out) ? term.error : T(0);
  }
  sums.add(kept, lost);
}

/// The sum of a row's terms but for that of `left_out`; keep(offset, count, block) sees the rounded terms.
template <bool Near, class T, class Keep>
SIMDNN_INLINE double sum_terms(const T* x, Index n, const Shift<T>& shift, Index left_out, const Keep& keep) {
  TermSums<T> sums;
  for (Index i = 0; i < n; i += kLanes) {
    T block[kLanes];
    const int count = i + kLanes <= n ? kLanes : int(n - i);
    const Index skipped = left_out - i;
    if (count == kLanes && std::size_t(skipped) >= kLanes) {
      block_terms<Near, true>(x + i, kLanes, shift, kLanes, sums, block);
      keep(i, Index(kLanes), block);
    } else {
      block_terms<Near, false>(x + i, count, shift, std::size_t(skipped) < kLanes ? int(skipped) : kLanes, sums, block);
      keep(i, Index(count), block);
    }
  }
  return sums.total();
}

/// y = the terms; returns their sum but for one. y may be x.
template <class T>
double row_exp(const T* x, Index n, const Shift<T>& shift, Index left_out, T* y) {
  const auto keep = [&](Index i, Index count, const T* block)
                        SIMDNN_LAMBDA_INLINE { store_block(y + i, count, block); };
  return shift.near() ? sum_terms<true>(x, n, shift, left_out, keep) : sum_terms<false>(x, n, shift, left_out, keep);
}

template <class T>
double row_exp_sum(const T* x, Index n, const Shift<T>& shift, Index left_out) {
  const auto forget = [](Index, Index, const T*) SIMDNN_LAMBDA_INLINE {};
  return shift.near() ? sum_terms<true>(x, n, shift, left_out, forget)
                      : sum_terms<false>(x, n, shift, left_out, forget);
}

template <class T>
void row_scale(T* y, const Factor<T>& factor, Index n) {
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) y[i] = factor * y[i];
}

/// Whether a row's other terms are too small to keep its largest probability from 1: the sum knows what the rounding
/// of that term lost, so that their quotient may miss it by an ULP.
template <class T>
bool alone(const Shift<T>& shift, double sum) {
  constexpr double tiny = 0.25 / double(std::uint64_t(1) << ExpConstants<T>::mantissa);
  const Pair<T> term =
      shift.near() ? near_term(shift.largest, shift.least(), shift.offset()) : far_term(shift.largest, shift.largest);
  return sum - fma(double(term.error), ShiftConstants<T>::unlift, double(term.value)) <= sum * tiny;
}

/// Makes it 1.
template <class T>
void settle(T* y, Index n, Index step) {
  for (Index i = 0; i < n; ++i) y[i * step] = y[i * step] > T(0.5) ? T(1) : y[i * step];
}

SIMDNN_LEVEL_END
