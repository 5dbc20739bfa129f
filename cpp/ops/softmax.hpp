// The terms of softmax rows, exp(x) by a factor common to the row, each with what its rounding lost; sums in double.
#pragma once

#include "../math/exp.hpp"
#include "../math/level.hpp"
#include "lanes.hpp"
#include "spans.hpp"

SIMDNN_LEVEL_BEGIN

constexpr Index kNobody = -1;

/// Blocks of a row that are worked on together, as far as registers go.
template <class T>
constexpr int kTogether = kVectorBytes == 64 ? 3 : 1;

/// How many of the first n elements lie before an address that is as round as a register.
template <class T>
SIMDNN_INLINE Index count_ragged(const T* x, Index n) {
  const Index before = Index(-reinterpret_cast<std::size_t>(x) / sizeof(T) % kWidth<T>);
  return before < n ? before : n;
}

/// The largest element, in whatever order; a NaN is passed over here and spoils the row in the sum.
template <class T>
T row_max(const T* x, Index n) {
  constexpr T lowest = -ExpConstants<T>::infinity;
  constexpr int most = 4 * kLanes;
  Lanes<T, 4> best(lowest);
  Index i = count_ragged(x, n);
  best.part[0] = load_part(x, int(i), lowest);
  for (; i + most <= n; i += most) best = raised(best, Lanes<T, 4>(x + i));
  Lanes<T> rest = raised(raised(best.block(0), best.block(1)), raised(best.block(2), best.block(3)));
  for_blocks(n - i, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
    T block[kLanes];
    load_block(x + i + first, count, lowest, block);
    rest = raised(rest, Lanes<T>(block));
  });
  return max_lanes(rest);
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
  static constexpr float lift = 24, near = 4096;
};

template <>
struct ShiftConstants<double> {
  static constexpr double lift = 53, near = 4096;
};

/// A term, exactly scale (1 + high + tail). V: a scalar, or lanes of them.
template <class V>
struct Term {
  V value, scale, high, tail;
};

template <class V>
SIMDNN_INLINE auto exact(const Term<V>& term) {
  return fma(wide(term.scale), wide(term.high) + wide(term.tail), wide(term.scale));
}

/// 2^n exp(x + low) by a shift of the exponent; where that leaves no exponent the term is 0.
template <class V>
SIMDNN_INLINE Term<V> shifted_term(V x, V low, V offset) {
  auto e = reduce_exp<false>(x, low, offset);
  V scale = from_bits<V>(e.power << ExpConstants<Scalar<V>>::mantissa);
  return {fma(scale, e.p, scale), scale, e.high, e.tail};
}

/// A row's shift by 2^(lift - K), K = round(largest / ln 2): its terms are 2^(lift - K) exp(x), whose exponent is
/// changed instead of its argument, so that no difference is rounded. A row whose largest is huge is shifted by the
/// largest itself, with the rounding error of the difference (Knuth's TwoSum).
/// The lift keeps terms normal down to half the smallest subnormal probability; smaller ones are 0, NaN stays NaN.
template <class V>
struct Shift {
  using T = Scalar<V>;
  using C = ExpConstants<T>;
  using S = ShiftConstants<T>;
  static constexpr T base = C::bias + S::lift;
  V largest = 0, power = 0;

  Shift() = default;
  SIMDNN_INLINE explicit Shift(V top) : largest(top), power(fma(top, C::per_ln2, C::round) - C::round) {}

  SIMDNN_INLINE bool near() const { return abs(largest) <= S::near; }

  /// Amid the arguments whose terms are 0.
  SIMDNN_INLINE V least() const { return (power - base) * T(ExpConstants<double>::ln2_high); }
  SIMDNN_INLINE V offset() const { return base - power; }

  /// The term of the largest, exactly; NaN where the row has no softmax.
  SIMDNN_INLINE double unit() const { return exact(term_of(largest, *this)); }
};

template <class V>
SIMDNN_INLINE Term<V> near_term(V x, V least, V offset) {
  return shifted_term(raised(x, least), V(Scalar<V>(0)), offset);
}

template <class V>
SIMDNN_INLINE Term<V> far_term(V x, V largest) {
  constexpr Scalar<V> least = -ExpConstants<Scalar<V>>::largest;
  V difference = x - largest;
  V back = difference - x;
  V error = (x - (difference - back)) - (largest + back);
  return shifted_term(raised(difference, V(least)), chosen_below(difference, V(least), V(Scalar<V>(0)), error),
                      V(Shift<V>::base));
}

template <class T>
SIMDNN_INLINE Term<T> term_of(T x, const Shift<T>& shift) {
  return shift.near() ? near_term(x, shift.least(), shift.offset()) : far_term(x, shift.largest);
}

/// A number as a sum of two: multiplying by it rounds but once.
template <class V>
struct Factor {
  V high, low;
  SIMDNN_INLINE V operator*(const V& x) const { return fma(x, high, x * low); }
};

template <class V>
Factor(V, V) -> Factor<V>;

/// D: double, or lanes of it.
template <class T, class D>
SIMDNN_INLINE auto factor_of(const D& x) {
  auto high = narrow<T>(x);
  return Factor{high, narrow<T>(x - wide(high))};
}
template <class T, class D>
SIMDNN_INLINE auto reciprocal_of(const D& x) {
  auto high = narrow<T>(1 / x);
  return Factor{high, narrow<T>(fma(0 - wide(high), x, D(1)) * wide(high))};
}

/// Sums of terms, a lane each: of what they are rounded to, and of what all roundings lost (Dekker's Fast2Sum, for
/// which a sum starts with a power of two that no term reaches).
template <class T>
struct TermSums {
  Lanes<T> start, sum, lost;

  SIMDNN_INLINE explicit TermSums(const Lanes<T>& above) : start(above), sum(above) {}

  template <int kBlocks>
  SIMDNN_INLINE void add(const Term<Lanes<T, kBlocks>>& term) {
    each<kBlocks>([&](int b) SIMDNN_LAMBDA_INLINE {
      Lanes<T> scale = term.scale.block(b), next = sum + term.value.block(b);
      lost += fma(scale, term.tail.block(b), fma(scale, term.high.block(b), scale - (next - sum)));
      sum = next;
    });
  }
  SIMDNN_INLINE Lanes<double> lanes() const { return (wide(sum) - wide(start)) + wide(lost); }
};

/// The largest element but for one.
template <class T>
T largest_other(const T* x, Index n, T largest, Index left_out) {
  if (left_out < 0 || x[left_out] < largest) return largest;
  return raised(row_max(x, left_out), row_max(x + left_out + 1, n - left_out - 1));
}

/// Of so many elements, those that a block has.
SIMDNN_INLINE Index clipped(Index count) { return count < 0 ? 0 : (count < kLanes ? count : Index(kLanes)); }

/// Puts rounded terms of a row's blocks into y, unless that is nullptr, and adds them up.
template <bool Near, int kBlocks, class T>
SIMDNN_INLINE void add_blocks(const T* x, const Shift<T>& shift, TermSums<T>& sums, T* y) {
  using V = Lanes<T, kBlocks>;
  Term<V> term = Near ? near_term(V(x), V(shift.least()), V(shift.offset())) : far_term(V(x), V(shift.largest));
  if (y) term.value.store(y);
  sums.add(term);
}

/// y = the terms of a row; returns their sum but for that of `left_out`, whose y is 0. y may be x, or nullptr.
template <bool Near, class T>
SIMDNN_INLINE double sum_terms(const T* x, Index n, const Shift<T>& shift, Index left_out, T* y) {
  constexpr int blocks = kTogether<T>;
  constexpr Index step = blocks * kLanes;
  const Index whole = n / step * step, gap = left_out < 0 ? n : left_out / step * step;
  TermSums<T> sums(2 * term_of(largest_other(x, n, shift.largest, left_out), shift).scale);
  for (Index i = 0; i < n;) {
    const Index end = i <= gap && gap < whole ? gap : whole;
    for (; i < end; i += step) add_blocks<Near, blocks>(x + i, shift, sums, y ? y + i : nullptr);
    if (i == n) break;
    T part[step];  // the one with a gap, or the last one
    for (Index b = 0; b < step; b += kLanes) {
      load_block(x + i + b, clipped(n - i - b), -ExpConstants<T>::infinity, part + b);
    }
    if (i == gap) part[left_out - i] = -ExpConstants<T>::infinity;
    add_blocks<Near, blocks>(part, shift, sums, part);
    for (Index b = 0; y && b < step; b += kLanes) store_block(y + i + b, clipped(n - i - b), part + b);
    i += step;
  }
  return sum_lanes(sums.lanes());
}

template <class T>
double row_exp(const T* x, Index n, const Shift<T>& shift, Index left_out, T* y) {
  if (y == nullptr) {
    return shift.near() ? sum_terms<true, T>(x, n, shift, left_out, nullptr)
                        : sum_terms<false, T>(x, n, shift, left_out, nullptr);
  }
  return shift.near() ? sum_terms<true>(x, n, shift, left_out, y) : sum_terms<false>(x, n, shift, left_out, y);
}

template <class T>
void row_scale(T* y, const Factor<T>& factor, Index n) {
  const Factor<Vector<T>> wide{broadcast<T>(factor.high), broadcast<T>(factor.low)};
  const auto scale_part = [&](T* to, Index count) SIMDNN_LAMBDA_INLINE {
    store_part(wide * load_part(to, int(count), T(0)), to, int(count));
  };
  Index i = count_ragged(y, n);
  scale_part(y, i);
  for (; i + kWidth<T> <= n; i += kWidth<T>) store_vector(wide * load_vector(y + i), y + i);
  scale_part(y + i, n - i);
}

/// The square root of two and some more: no single term is larger.
template <class T>
constexpr double kMostAlone = 1.5 * double(std::uint64_t(1) << int(ShiftConstants<T>::lift));
/// A share of the sum that keeps no probability from 1; or that a sum in double does not show.
template <class T>
constexpr double kTiny = kIsSingle<T> ? 0x1p-25 : 0x1p-52;

/// Whether a row's other terms are too small to keep its largest probability from 1: the sum knows what the rounding
/// of that term lost, so that their quotient may miss it by an ULP.
template <class T>
bool alone(const Shift<T>& shift, double sum) {
  if (sum > kMostAlone<T>) return false;
  return sum - shift.unit() <= sum * kTiny<T>;
}

/// Makes it 1.
template <class T>
void settle(T* y, Index n) {
  for (Index i = 0; i < n; ++i) y[i] = y[i] > T(0.5) ? T(1) : y[i];
}

SIMDNN_LEVEL_END
