// Terms of softmax rows, which are exp(x) times a power of 2 common to the row, and their sums in double.
#pragma once

#include "../base/views.hpp"
#include "../math/exp.hpp"
#include "../math/flush.hpp"
#include "../simd/lanes.hpp"
#include "../simd/level.hpp"

SIMDNN_LEVEL_BEGIN

/// The index of a column that does not exist.
constexpr Index kNoColumn = -1;

/// Blocks of a row that are processed together, as many as registers allow.
template <class T>
constexpr int kTogether = kVectorBytes == 64 ? 3 : (kVectorBytes == 32 ? 2 : 1);

/// Number of elements, of the first n, before the first address that is aligned to a register.
template <class T>
SIMDNN_INLINE Index count_ragged(const T* x, Index n) {
  const Index before = Index(-reinterpret_cast<std::size_t>(x) / sizeof(T) % kWidth<T>);
  return before < n ? before : n;
}

/// The largest element of a row, and the smallest, or 0 if that is not negative.
template <class T>
struct RowExtrema {
  T largest, least;
};

/// Returns the largest element of a row and its smallest element, or 0 if none is negative. A NaN is ignored here; it
/// makes the sum of terms NaN. Read as unsigned integers, negative numbers exceed all others and grow with their
/// magnitude, so that the smallest element is the largest integer.
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

/// Index of the first element that is equal to `value`, or n.
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

/// A term, exact and rounded. V is a scalar or lanes.
template <class V>
struct Term : ScaledExp<V> {
  V value;  ///< rounded

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
  near,    ///< some terms are below the normal range and become 0
  far,     ///< the largest element is huge, so that terms are computed from x - largest
};

/// The factor 2^(lift - K) of a row's terms 2^(lift - K) exp(x), K = round(largest / ln 2). The exponent of exp(x) is
/// changed instead of its argument, so that no difference is rounded. If the largest element is huge, terms are
/// computed from x - largest instead, with the rounding error of the difference (Knuth's TwoSum). The lift keeps terms
/// normal down to half the smallest subnormal probability; smaller ones are 0, NaN stays NaN.
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
  /// The smallest x whose term is a normal number.
  SIMDNN_INLINE V floor() const { return far_floor() + power * C::ln2_high; }
  static constexpr T far_floor() { return -(S::lift + C::bias - 1) * C::ln2_high; }

  /// The exact term of the largest element; NaN if the row has no softmax.
  SIMDNN_INLINE double largest_term() const { return exact(term_of(largest, *this)); }
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

/// Terms of x, which is a scalar or lanes, for a row's shift.
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

template <class T>
SIMDNN_INLINE Factor<Vector<T>> broadcast(const Factor<T>& x) {
  return {broadcast<T>(x.high), broadcast<T>(x.low)};
}

/// A factor that turns terms into gradients: the product is 0 if it is tiny, and nothing subnormal comes up on the way.
template <class V>
struct GradientFactor {
  Factor<V> factor;
  V least;  ///< the smallest term whose gradient counts
  SIMDNN_INLINE V operator*(const V& x) const { return factor * flush_below(least, x); }
};

template <class T>
SIMDNN_INLINE GradientFactor<Vector<T>> broadcast(const GradientFactor<T>& x) {
  return {broadcast(x.factor), broadcast<T>(x.least)};
}

/// Conversion of x to a factor of gradients. D is double or lanes of it.
template <class T, class D>
SIMDNN_INLINE auto gradient_factor_of(const D& x) {
  constexpr double margin = 1 + 0x1p-20;  // for the rounding of quotient and product
  const D smallest(kLeastNormal<T>);
  auto high = narrow<T>(flush_below(smallest, x));
  auto low = narrow<T>(flush_below(smallest, x - wide(high)));
  return GradientFactor<decltype(high)>{{high, low}, narrow<T>(D(double(kLeastGradient<T>) * margin) / x)};
}

/// Sums of rounded terms and of all rounding errors, in lanes. Dekker's Fast2Sum requires that a sum exceeds its next
/// term, hence a start above every term.
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

/// Start of a sum without one term: just above all other terms, because the omitted one may be far larger than they.
template <class T>
T start_without(Index left_out, const T* x, Index n, const MaxShift<T>& shift) {
  const T other = max(row_max(x, left_out), row_max(x + left_out + 1, n - left_out - 1));
  return 2 * term_of(other, shift).scale;
}

/// Writes the terms of a row to y and returns their sum; the term of the element `left_out` becomes 0. y may be x, or
/// nullptr.
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
    V part(x + i, int(n - i), nothing);  // the block with the gap, or the last block
    if (i == gap) part = part.with(int(left_out - i), nothing);
    auto term = term_within<at_gaps>(part, shift);
    if (y) term.value.store(y + i, int(n - i));
    sums.add(term);
    i += step;
  }
  return sum_lanes(sums.lanes());
}

/// Calls sum_terms() for the row's range of exponents; the common range has a loop without y.
template <class T>
double row_exp(const T* x, Index n, const MaxShift<T>& shift, Index left_out, T* y) {
  switch (shift.exponent_range()) {
    case ExponentRange::normal:
      return y ? sum_terms<ExponentRange::normal>(x, n, shift, left_out, y)
               : sum_terms<ExponentRange::normal>(x, n, shift, left_out, static_cast<T*>(nullptr));
    case ExponentRange::near:
      return sum_terms<ExponentRange::near>(x, n, shift, left_out, y);
    default:
      return sum_terms<ExponentRange::far>(x, n, shift, left_out, y);
  }
}

/// y *= factor, a Factor or a GradientFactor.
template <class T, class AnyFactor>
void row_scale(T* y, const AnyFactor& factor, Index n) {
  const auto wide = broadcast(factor);
  const auto scale_part = [&](T* to, Index count) SIMDNN_LAMBDA_INLINE {
    store_part(wide * load_part(to, int(count), T(0)), to, int(count));
  };
  Index i = count_ragged(y, n);
  scale_part(y, i);
  for (; i + kWidth<T> <= n; i += kWidth<T>) store_vector(wide * load_vector(y + i), y + i);
  scale_part(y + i, n - i);
}

/// Upper bound of a sum that one term dominates, since a single term is at most sqrt(2) 2^lift.
template <class T>
constexpr double kLargestDominantSum = 1.5 * double(std::uint64_t(1) << int(MaxShiftConstants<T>::lift));
/// Fraction of a sum that vanishes when the largest probability is rounded, or that a sum in double cannot resolve.
template <class T>
constexpr double kTiny = kIsF32<T> ? 0x1p-25 : 0x1p-52;

/// True if all terms of a row but the largest round away, so that its probability must be exactly 1. The quotient of
/// term and sum may differ from 1 by an ULP, because the sum includes the term's rounding error.
template <class T>
bool one_term_dominates(const MaxShift<T>& shift, double sum) {
  if (sum > kLargestDominantSum<T>) return false;
  return sum - shift.largest_term() <= sum * kTiny<T>;
}

/// Sets the dominant probability to exactly 1.
template <class T>
void set_dominant_to_one(T* y, Index n) {
  for (Index i = 0; i < n; ++i) y[i] = y[i] > T(0.5) ? T(1) : y[i];
}

SIMDNN_LEVEL_END
