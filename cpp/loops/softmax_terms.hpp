// Terms of softmax rows: exp(x) times a factor common to the row, each with its rounding error; sums in double.
#pragma once

#include "../base/views.hpp"
#include "../math/exp.hpp"
#include "../simd/lanes.hpp"
#include "../simd/level.hpp"

SIMDNN_LEVEL_BEGIN

constexpr Index kNobody = -1;

/// Blocks of a row that are processed together, as many as registers allow.
template <class T>
constexpr int kTogether = kVectorBytes == 64 ? 3 : (kVectorBytes == 32 ? 2 : 1);

/// Number of the first n elements that precede an address aligned to a register.
template <class T>
SIMDNN_INLINE Index count_ragged(const T* x, Index n) {
  const Index before = Index(-reinterpret_cast<std::size_t>(x) / sizeof(T) % kWidth<T>);
  return before < n ? before : n;
}

/// Bounds of a row's elements.
template <class T>
struct RowExtrema {
  T largest, least;
};

/// The largest element, and the least negative bound: the smallest element, or 0 if none is negative. A NaN is ignored
/// here and makes the sum NaN. As unsigned words, negative numbers exceed all others and grow with their magnitude;
/// comparing words costs nothing next to comparing numbers.
template <class T>
RowExtrema<T> row_extrema(const T* x, Index n) {
  using Word = typename Bits<T>::type;
  constexpr T lowest = -ExpConstants<T>::infinity;
  constexpr int most = 4 * kLanes;
  Lanes<T, 4> best(lowest);
  Lanes<Word, 4> words(Word(0));
  Index i = count_ragged(x, n);
  best.part[0] = load_part(x, int(i), lowest);
  words.part[0] = Vector<Word>(load_part(x, int(i), T(0)));
  for (; i + most <= n; i += most) {
    Lanes<T, 4> blocks = Lanes<T, 4>(x + i).keep_in_register();
    best = max(best, blocks);
    words = max(words, to_bits(blocks));
  }
  Lanes<T> top = max(max(best.block(0), best.block(1)), max(best.block(2), best.block(3)));
  Lanes<Word> word = max(max(words.block(0), words.block(1)), max(words.block(2), words.block(3)));
  for (; i < n; i += kLanes) {
    Lanes<T> block(x + i, int(n - i), x[i]);
    top = max(top, block);
    word = max(word, to_bits(block));
  }
  const T least = from_bits<T>(max_lanes(word));
  return {max_lanes(top), least > 0 ? T(0) : least};
}

template <class T>
T row_max(const T* x, Index n) {
  return row_extrema(x, n).largest;
}

/// The first element that is equal to `value`, or n.
template <class T>
Index first_equal(const T* x, Index n, T value) {
  Index i = 0;
  while (i < n && !(x[i] == value)) ++i;
  return i;
}

template <class T>
struct MaxShiftConstants;

template <>
struct MaxShiftConstants<float> {
  static constexpr float lift = 24, near = 4096, above = 0x1p25f;
};

template <>
struct MaxShiftConstants<double> {
  static constexpr double lift = 53, near = 4096, above = 0x1p54;
};

/// A rounded term and its exact form. V is a scalar or lanes.
template <class V>
struct Term : ScaledExp<V> {
  V value;

  SIMDNN_INLINE explicit Term(ScaledExp<V> e) : ScaledExp<V>(e) {
    V p = e.high;
    if constexpr (!kIsF32<V>) p += e.tail;
    value = fma(e.scale, p, e.scale);
  }
};

template <class V>
SIMDNN_INLINE auto exact(const Term<V>& term) {
  auto p = wide(term.high);
  if constexpr (!kIsF32<V>) p += term.tail;
  return fma(wide(term.scale), p, wide(term.scale));
}

/// Range of a row's exponents, which decides whether terms may underflow.
enum class ExponentRange {
  normal,  ///< all terms are normal numbers
  near,    ///< some terms are below the normal range, and set to 0
  far,     ///< the largest element is so large that x - largest is formed instead
};

/// A row's shift by 2^(lift - K), K = round(largest / ln 2): its terms are 2^(lift - K) exp(x), whose exponent is
/// changed instead of its argument, so that no difference is rounded. A row whose largest is huge is shifted by the
/// largest itself, with the rounding error of the difference (Knuth's TwoSum).
/// The lift keeps terms normal down to half the smallest subnormal probability; smaller ones are 0, NaN stays NaN.
template <class V>
struct MaxShift {
  using T = Scalar<V>;
  using C = ExpConstants<T>;
  using S = MaxShiftConstants<T>;
  V largest = 0, power = 0, least = 0;  ///< `least` is a lower bound of the elements

  MaxShift() = default;
  SIMDNN_INLINE explicit MaxShift(V top, V bottom = V(-C::infinity))
      : largest(top), power(fma(top, C::per_ln2, C::round) - C::round), least(bottom) {}
  SIMDNN_INLINE explicit MaxShift(const RowExtrema<V>& row) : MaxShift(row.largest, row.least) {}

  SIMDNN_INLINE bool near() const { return abs(largest) <= S::near; }
  SIMDNN_INLINE ExponentRange exponent_range() const {
    return !near() ? ExponentRange::far : (least >= floor() ? ExponentRange::normal : ExponentRange::near);
  }

  SIMDNN_INLINE V offset() const { return S::lift - power; }
  /// The smallest x whose term is normal.
  SIMDNN_INLINE V floor() const { return far_floor() + power * C::ln2_high; }
  static constexpr T far_floor() { return -(S::lift + C::bias - 1) * C::ln2_high; }

  /// Exact term of the largest element; NaN if the row has no softmax.
  SIMDNN_INLINE double unit() const { return exact(term_of(largest, *this)); }
};

/// 2^offset exp(x), but 0 below the floor.
template <class V>
SIMDNN_INLINE ScaledExp<V> floored_exp(V x, V floor, V offset) {
  return scaled_exp(select_less(x, floor, floor - ExpConstants<Scalar<V>>::ln2_high, x), offset);
}

template <class V>
SIMDNN_INLINE Term<V> near_term(V x, V floor, V offset) {
  return Term<V>(floored_exp(x, floor, offset));
}

template <class V>
SIMDNN_INLINE Term<V> far_term(V x, V largest) {
  using S = MaxShift<Scalar<V>>;
  V difference = x - largest, floor = V(S::far_floor());
  V back = difference - x;
  V error = (x - (difference - back)) - (largest + back);
  auto e = floored_exp(difference, floor, V(S::S::lift));
  V missed = (1 + e.high) * select_less(difference, floor, V(Scalar<V>(0)), error);
  (kIsF32<V> ? e.high : e.tail) += missed;
  return Term<V>(e);
}

/// Terms of x, a scalar or lanes, for a row's shift.
template <ExponentRange range, class V, class T>
SIMDNN_INLINE Term<V> term_within(V x, const MaxShift<T>& shift) {
  if constexpr (range == ExponentRange::far) return far_term(x, V(shift.largest));
  if constexpr (range == ExponentRange::near) return near_term(x, V(shift.floor()), V(shift.offset()));
  return Term<V>(scaled_exp(x, V(shift.offset())));
}

template <class T>
SIMDNN_INLINE Term<T> term_of(T x, const MaxShift<T>& shift) {
  return shift.near() ? term_within<ExponentRange::near>(x, shift) : term_within<ExponentRange::far>(x, shift);
}

/// A factor as an unevaluated sum of two numbers: a product with it is rounded only once.
template <class V>
struct Factor {
  V high, low;
  SIMDNN_INLINE V operator*(const V& x) const { return fma(x, high, x * low); }
};

template <class V>
Factor(V, V) -> Factor<V>;

/// Conversion of x or 1 / x to a factor. D is double or lanes of it.
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

/// Sums of terms in lanes: of the rounded terms, and of all rounding errors (Dekker's Fast2Sum, which requires sums
/// that start above every term).
template <class T>
struct TermSums {
  Lanes<T> start, sum, lost;

  SIMDNN_INLINE explicit TermSums(const Lanes<T>& above) : start(above), sum(above) {}

  template <int kBlocks>
  SIMDNN_INLINE void add(const Term<Lanes<T, kBlocks>>& term) {
    unroll<kBlocks>([&](int b) SIMDNN_LAMBDA_INLINE {
      Lanes<T> scale = term.scale.block(b), next = sum + term.value.block(b);
      Lanes<T> rest = fma(scale, term.high.block(b), scale - (next - sum));
      if constexpr (!kIsF32<T>) rest = fma(scale, term.tail.block(b), rest);
      lost += rest;
      sum = next;
    });
  }
  SIMDNN_INLINE Lanes<double> lanes() const { return (wide(sum) - wide(start)) + wide(lost); }
};

/// Start of a sum without one term: above each other term, but not far above, because the omitted one may dominate.
template <class T>
T start_without(Index left_out, const T* x, Index n, const MaxShift<T>& shift) {
  const T other = max(row_max(x, left_out), row_max(x + left_out + 1, n - left_out - 1));
  return 2 * term_of(other, shift).scale;
}

/// y = the terms of a row; returns their sum without the element `left_out`, whose y is 0. y may be x, or nullptr.
template <ExponentRange range, class T>
SIMDNN_INLINE double sum_terms(const T* x, Index n, MaxShift<T> shift, Index left_out, T* y) {
  using V = Lanes<T, kTogether<T>>;
  constexpr ExponentRange at_gaps = range == ExponentRange::far ? range : ExponentRange::near;
  constexpr T nothing = -ExpConstants<T>::infinity;
  constexpr Index step = kTogether<T> * kLanes;
  const Index whole = n / step * step, gap = left_out < 0 ? n : left_out / step * step;
  TermSums<T> sums(left_out < 0 ? MaxShiftConstants<T>::above : start_without(left_out, x, n, shift));
  for (Index i = 0; i < n;) {
    const Index end = i <= gap && gap < whole ? gap : whole;
    for (; i < end; i += step) {
      auto term = term_within<range>(V(x + i), shift);
      if (y) term.value.store(y + i);
      sums.add(term);
    }
    if (i == n) break;
    V part(x + i, int(n - i), nothing);  // the one with a gap, or the last one
    if (i == gap) part = part.with(int(left_out - i), nothing);
    auto term = term_within<at_gaps>(part, shift);
    if (y) term.value.store(y + i, int(n - i));
    sums.add(term);
    i += step;
  }
  return sum_lanes(sums.lanes());
}

template <class T>
double row_exp(const T* x, Index n, const MaxShift<T>& shift, Index left_out, T* y) {
  const auto sum = [&](T* to) SIMDNN_LAMBDA_INLINE {
    switch (shift.exponent_range()) {
      case ExponentRange::normal:
        return sum_terms<ExponentRange::normal>(x, n, shift, left_out, to);
      case ExponentRange::near:
        return sum_terms<ExponentRange::near>(x, n, shift, left_out, to);
      default:
        return sum_terms<ExponentRange::far>(x, n, shift, left_out, to);
    }
  };
  return y ? sum(y) : sum(nullptr);
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

/// Bound of a sum that one term dominates: a single term is at most sqrt(2) 2^lift.
template <class T>
constexpr double kLargestDominantSum = 1.5 * double(std::uint64_t(1) << int(MaxShiftConstants<T>::lift));
/// Fraction of a sum that vanishes when the largest probability is rounded, or that a sum in double cannot resolve.
template <class T>
constexpr double kTiny = kIsF32<T> ? 0x1p-25 : 0x1p-52;

/// True if a row's other terms vanish next to the largest, so that its probability must be exactly 1; the quotient of
/// term and sum may miss 1 by an ULP, because the sum includes the term's rounding error.
template <class T>
bool one_term_dominates(const MaxShift<T>& shift, double sum) {
  if (sum > kLargestDominantSum<T>) return false;
  return sum - shift.unit() <= sum * kTiny<T>;
}

/// Sets the dominant probability to exactly 1.
template <class T>
void set_dominant_to_one(T* y, Index n) {
  for (Index i = 0; i < n; ++i) y[i] = y[i] > T(0.5) ? T(1) : y[i];
}

SIMDNN_LEVEL_END
