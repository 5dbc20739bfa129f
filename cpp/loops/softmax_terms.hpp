// The terms of softmax rows, exp(x) by a factor common to the row, each with what its rounding lost; sums in double.
#pragma once

#include "../base/views.hpp"
#include "../math/exp.hpp"
#include "../simd/lanes.hpp"
#include "../simd/level.hpp"

SIMDNN_LEVEL_BEGIN

constexpr Index kNobody = -1;

/// Blocks of a row that are worked on together, as far as registers go.
template <class T>
constexpr int kTogether = kVectorBytes == 64 ? 3 : (kVectorBytes == 32 ? 2 : 1);

/// How many of the first n elements lie before an address that is as round as a register.
template <class T>
SIMDNN_INLINE Index count_ragged(const T* x, Index n) {
  const Index before = Index(-reinterpret_cast<std::size_t>(x) / sizeof(T) % kWidth<T>);
  return before < n ? before : n;
}

/// No element is larger, and none less.
template <class T>
struct Range {
  T largest, least;
};

/// The largest element, and the least of those below 0 or else 0; a NaN is passed over here and spoils the row in the
/// sum. As words negative numbers are larger than others, and the larger the further they lie below 0; comparing words
/// costs nothing beside comparing numbers.
template <class T>
Range<T> row_range(const T* x, Index n) {
  using Word = typename Bits<T>::type;
  constexpr T lowest = -ExpConstants<T>::infinity;
  constexpr int most = 4 * kLanes;
  Lanes<T, 4> best(lowest);
  Lanes<Word, 4> words(Word(0));
  Index i = count_ragged(x, n);
  best.part[0] = load_part(x, int(i), lowest);
  words.part[0] = Vector<Word>(load_part(x, int(i), T(0)));
  for (; i + most <= n; i += most) {
    Lanes<T, 4> blocks = Lanes<T, 4>(x + i).held();
    best = raised(best, blocks);
    words = raised(words, to_bits(blocks));
  }
  Lanes<T> top = raised(raised(best.block(0), best.block(1)), raised(best.block(2), best.block(3)));
  Lanes<Word> word = raised(raised(words.block(0), words.block(1)), raised(words.block(2), words.block(3)));
  for (; i < n; i += kLanes) {
    Lanes<T> block(x + i, int(n - i), x[i]);
    top = raised(top, block);
    word = raised(word, to_bits(block));
  }
  const T least = from_bits<T>(max_lanes(word));
  return {max_lanes(top), least > 0 ? T(0) : least};
}

template <class T>
T row_max(const T* x, Index n) {
  return row_range(x, n).largest;
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
  static constexpr float lift = 24, near = 4096, above = 0x1p25f;
};

template <>
struct ShiftConstants<double> {
  static constexpr double lift = 53, near = 4096, above = 0x1p54;
};

/// A term, and what it is exactly. V: a scalar, or lanes of them.
template <class V>
struct Term : ScaledExp<V> {
  V value;

  SIMDNN_INLINE explicit Term(ScaledExp<V> e) : ScaledExp<V>(e) {
    V p = e.high;
    if constexpr (!kIsSingle<V>) p += e.tail;
    value = fma(e.scale, p, e.scale);
  }
};

template <class V>
SIMDNN_INLINE auto exact(const Term<V>& term) {
  auto p = wide(term.high);
  if constexpr (!kIsSingle<V>) p += term.tail;
  return fma(wide(term.scale), p, wide(term.scale));
}

/// What kind of row its terms come from.
enum class Reach {
  normal,  ///< all terms are normal numbers
  near,    ///< some are less, and 0
  far,     ///< the largest element is huge
};

/// A row's shift by 2^(lift - K), K = round(largest / ln 2): its terms are 2^(lift - K) exp(x), whose exponent is
/// changed instead of its argument, so that no difference is rounded. A row whose largest is huge is shifted by the
/// largest itself, with the rounding error of the difference (Knuth's TwoSum).
/// The lift keeps terms normal down to half the smallest subnormal probability; smaller ones are 0, NaN stays NaN.
template <class V>
struct Shift {
  using T = Scalar<V>;
  using C = ExpConstants<T>;
  using S = ShiftConstants<T>;
  V largest = 0, power = 0, least = 0;  ///< no element of the row is less than the least

  Shift() = default;
  SIMDNN_INLINE explicit Shift(V top, V bottom = V(-C::infinity))
      : largest(top), power(fma(top, C::per_ln2, C::round) - C::round), least(bottom) {}
  SIMDNN_INLINE explicit Shift(const Range<V>& row) : Shift(row.largest, row.least) {}

  SIMDNN_INLINE bool near() const { return abs(largest) <= S::near; }
  SIMDNN_INLINE Reach reach() const { return !near() ? Reach::far : (least >= floor() ? Reach::normal : Reach::near); }

  SIMDNN_INLINE V offset() const { return S::lift - power; }
  /// Where normal terms begin.
  SIMDNN_INLINE V floor() const { return far_floor() + power * C::ln2_high; }
  static constexpr T far_floor() { return -(S::lift + C::bias - 1) * C::ln2_high; }

  /// The term of the largest, exactly; NaN where the row has no softmax.
  SIMDNN_INLINE double unit() const { return exact(term_of(largest, *this)); }
};

/// 2^offset exp(x), but 0 below the floor.
template <class V>
SIMDNN_INLINE ScaledExp<V> floored_exp(V x, V floor, V offset) {
  return scaled_exp(chosen_below(x, floor, floor - ExpConstants<Scalar<V>>::ln2_high, x), offset);
}

template <class V>
SIMDNN_INLINE Term<V> near_term(V x, V floor, V offset) {
  return Term<V>(floored_exp(x, floor, offset));
}

template <class V>
SIMDNN_INLINE Term<V> far_term(V x, V largest) {
  using S = Shift<Scalar<V>>;
  V difference = x - largest, floor = V(S::far_floor());
  V back = difference - x;
  V error = (x - (difference - back)) - (largest + back);
  auto e = floored_exp(difference, floor, V(S::S::lift));
  V missed = (1 + e.high) * chosen_below(difference, floor, V(Scalar<V>(0)), error);
  (kIsSingle<V> ? e.high : e.tail) += missed;
  return Term<V>(e);
}

/// For a row's shift the terms of x, which may be lanes.
template <Reach reach, class V, class T>
SIMDNN_INLINE Term<V> term_within(V x, const Shift<T>& shift) {
  if constexpr (reach == Reach::far) return far_term(x, V(shift.largest));
  if constexpr (reach == Reach::near) return near_term(x, V(shift.floor()), V(shift.offset()));
  return Term<V>(scaled_exp(x, V(shift.offset())));
}

template <class T>
SIMDNN_INLINE Term<T> term_of(T x, const Shift<T>& shift) {
  return shift.near() ? term_within<Reach::near>(x, shift) : term_within<Reach::far>(x, shift);
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
/// which a sum starts with a number that no term reaches).
template <class T>
struct TermSums {
  Lanes<T> start, sum, lost;

  SIMDNN_INLINE explicit TermSums(const Lanes<T>& above) : start(above), sum(above) {}

  template <int kBlocks>
  SIMDNN_INLINE void add(const Term<Lanes<T, kBlocks>>& term) {
    each<kBlocks>([&](int b) SIMDNN_LAMBDA_INLINE {
      Lanes<T> scale = term.scale.block(b), next = sum + term.value.block(b);
      Lanes<T> rest = fma(scale, term.high.block(b), scale - (next - sum));
      if constexpr (!kIsSingle<T>) rest = fma(scale, term.tail.block(b), rest);
      lost += rest;
      sum = next;
    });
  }
  SIMDNN_INLINE Lanes<double> lanes() const { return (wide(sum) - wide(start)) + wide(lost); }
};

/// Where a sum of the other terms begins: above each, but not far above, as one left out may be by far the largest.
template <class T>
T start_without(Index left_out, const T* x, Index n, const Shift<T>& shift) {
  const T other = raised(row_max(x, left_out), row_max(x + left_out + 1, n - left_out - 1));
  return 2 * term_of(other, shift).scale;
}

/// y = the terms of a row; returns their sum but for that of `left_out`, whose y is 0. y may be x, or nullptr.
template <Reach reach, class T>
SIMDNN_INLINE double sum_terms(const T* x, Index n, Shift<T> shift, Index left_out, T* y) {
  using V = Lanes<T, kTogether<T>>;
  constexpr Reach at_gaps = reach == Reach::far ? reach : Reach::near;
  constexpr T nothing = -ExpConstants<T>::infinity;
  constexpr Index step = kTogether<T> * kLanes;
  const Index whole = n / step * step, gap = left_out < 0 ? n : left_out / step * step;
  TermSums<T> sums(left_out < 0 ? ShiftConstants<T>::above : start_without(left_out, x, n, shift));
  for (Index i = 0; i < n;) {
    const Index end = i <= gap && gap < whole ? gap : whole;
    for (; i < end; i += step) {
      auto term = term_within<reach>(V(x + i), shift);
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
double row_exp(const T* x, Index n, const Shift<T>& shift, Index left_out, T* y) {
  const auto sum = [&](T* to) SIMDNN_LAMBDA_INLINE {
    switch (shift.reach()) {
      case Reach::normal:
        return sum_terms<Reach::normal>(x, n, shift, left_out, to);
      case Reach::near:
        return sum_terms<Reach::near>(x, n, shift, left_out, to);
      default:
        return sum_terms<Reach::far>(x, n, shift, left_out, to);
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
