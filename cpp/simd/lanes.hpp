// Blocks of sixteen virtual lanes, independent of the vector width, and sums over them in a fixed order.
#pragma once

#include "../base/views.hpp"
#include "vector.hpp"

SIMDNN_LEVEL_BEGIN

/// Sum of sixteen lanes by a fixed binary tree.
SIMDNN_INLINE double sum_lanes(const double* lane) {
  double a[8], b[4];
  for (int i = 0; i < 8; ++i) a[i] = lane[i] + lane[i + 8];
  for (int i = 0; i < 4; ++i) b[i] = a[i] + a[i + 4];
  return (b[0] + b[2]) + (b[1] + b[3]);
}

/// Copies sixteen elements, a register at a time.
template <class T>
SIMDNN_INLINE void copy_block(const T* from, T* to) {
  for (int l = 0; l < kLanes; l += kWidth<T>) store_vector(load_vector(from + l), to + l);
}

/// Loads the first `count` elements of a block and fills it up with `rest`.
template <class T>
SIMDNN_INLINE void load_block(const T* from, Index count, T rest, T* block) {
  if (count == kLanes) return copy_block(from, block);
  for (int l = 0; l < kLanes; l += kWidth<T>) store_vector(load_part(from + l, int(count) - l, rest), block + l);
}

/// Stores the first `count` elements of a block.
template <class T>
SIMDNN_INLINE void store_block(T* to, Index count, const T* block) {
  if (count == kLanes) return copy_block(block, to);
  for (int l = 0; l < kLanes; l += kWidth<T>) store_part(load_vector(block + l), to + l, int(count) - l);
}

/// Calls step(offset, count) for each block of sixteen; only the last may be shorter, so that the others need no mask.
template <class Step>
SIMDNN_INLINE void for_blocks(Index n, const Step& step) {
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) step(i, Index(kLanes));
  if (i < n) step(i, n - i);
}

/// Scalar counterparts of the functions of Lanes with the same names.
template <class T>
SIMDNN_INLINE T max(T a, T b) {
  return a < b ? b : a;
}
template <class T>
SIMDNN_INLINE T select_less(T x, T bound, T a, T b) {
  return x < bound ? a : b;
}

/// Calls work(0) to work(kCount - 1) without a loop, so that arrays indexed by the argument become registers.
template <int kCount, int k = 0, class Work>
SIMDNN_INLINE void unroll(const Work& work) {
  if constexpr (k < kCount) {
    work(k);
    unroll<kCount, k + 1>(work);
  }
}

/// Blocks of sixteen numbers in registers. Several blocks together keep a core's pipes full in a chain of dependent
/// operations.
template <class T, int kBlocks = 1>
struct Lanes {
  static constexpr int kParts = kBlocks * kLanes / kWidth<T>;
  Vector<T> part[kParts];

  SIMDNN_INLINE Lanes() : Lanes(T(0)) {}
  SIMDNN_INLINE Lanes(T value) {
    unroll<kParts>([&](int k) SIMDNN_LAMBDA_INLINE { part[k] = broadcast<T>(value); });
  }
  SIMDNN_INLINE explicit Lanes(const T* block) {
    unroll<kParts>([&](int k) SIMDNN_LAMBDA_INLINE { part[k] = load_vector(block + k * kWidth<T>); });
  }

  /// Loads the first `count` lanes and fills up with `rest`.
  SIMDNN_INLINE Lanes(const T* from, int count, T rest) {
    unroll<kParts>(
        [&](int k) SIMDNN_LAMBDA_INLINE { part[k] = load_part(from + k * kWidth<T>, count - k * kWidth<T>, rest); });
  }

  /// Applies f to corresponding registers of its arguments.
  template <class Function, class... Other>
  static SIMDNN_INLINE Lanes map(const Function& f, const Other&... other) {
    Lanes y;
    unroll<kParts>([&](int k) SIMDNN_LAMBDA_INLINE { y.part[k] = f(other.part[k]...); });
    return y;
  }

  friend SIMDNN_INLINE Lanes operator+(const Lanes& a, const Lanes& b) {
    return map([](Vector<T> a, Vector<T> b) SIMDNN_LAMBDA_INLINE { return a + b; }, a, b);
  }
  friend SIMDNN_INLINE Lanes operator-(const Lanes& a, const Lanes& b) {
    return map([](Vector<T> a, Vector<T> b) SIMDNN_LAMBDA_INLINE { return a - b; }, a, b);
  }
  friend SIMDNN_INLINE Lanes operator*(const Lanes& a, const Lanes& b) {
    return map([](Vector<T> a, Vector<T> b) SIMDNN_LAMBDA_INLINE { return a * b; }, a, b);
  }
  friend SIMDNN_INLINE Lanes operator/(const Lanes& a, const Lanes& b) {
    return map([](Vector<T> a, Vector<T> b) SIMDNN_LAMBDA_INLINE { return a / b; }, a, b);
  }
  friend SIMDNN_INLINE Lanes operator<<(const Lanes& a, int bits) {
    return map([&](Vector<T> a) SIMDNN_LAMBDA_INLINE { return a << bits; }, a);
  }
  friend SIMDNN_INLINE Lanes operator>>(const Lanes& a, int bits) {
    return map([&](Vector<T> a) SIMDNN_LAMBDA_INLINE { return a >> bits; }, a);
  }
  friend SIMDNN_INLINE Lanes operator&(const Lanes& a, const Lanes& b) {
    return map([](Vector<T> a, Vector<T> b) SIMDNN_LAMBDA_INLINE { return a & b; }, a, b);
  }
  friend SIMDNN_INLINE Lanes operator|(const Lanes& a, const Lanes& b) {
    return map([](Vector<T> a, Vector<T> b) SIMDNN_LAMBDA_INLINE { return a | b; }, a, b);
  }
  friend SIMDNN_INLINE Lanes operator-(const Lanes& a) {
    return map([](Vector<T> a) SIMDNN_LAMBDA_INLINE { return -a; }, a);
  }

  SIMDNN_INLINE void operator+=(const Lanes& other) { *this = *this + other; }

  friend SIMDNN_INLINE Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {
    return map([](Vector<T> a, Vector<T> b, Vector<T> c) SIMDNN_LAMBDA_INLINE { return fma(a, b, c); }, a, b, c);
  }

  /// Elementwise maximum; a NaN in a is kept.
  friend SIMDNN_INLINE Lanes max(const Lanes& a, const Lanes& b) {
    return map([](Vector<T> a, Vector<T> b) SIMDNN_LAMBDA_INLINE { return a < b ? b : a; }, a, b);
  }

  /// Elementwise minimum; a NaN in a is kept.
  friend SIMDNN_INLINE Lanes min(const Lanes& a, const Lanes& b) {
    return map([](Vector<T> a, Vector<T> b) SIMDNN_LAMBDA_INLINE { return b < a ? b : a; }, a, b);
  }

  /// Elementwise x < bound ? a : b.
  friend SIMDNN_INLINE Lanes select_less(const Lanes& x, const Lanes& bound, const Lanes& a, const Lanes& b) {
    return map([](Vector<T> x, Vector<T> bound, Vector<T> a, Vector<T> b)
                   SIMDNN_LAMBDA_INLINE { return x < bound ? a : b; },
               x, bound, a, b);
  }

  /// Elementwise y, but x where x is NaN.
  friend SIMDNN_INLINE Lanes keep_nan(const Lanes& x, const Lanes& y) {
    return map([](Vector<T> x, Vector<T> y) SIMDNN_LAMBDA_INLINE { return x == x ? y : x; }, x, y);
  }

  /// Elementwise a b, but 0 where a is 0, even if b is infinite or NaN.
  friend SIMDNN_INLINE Lanes times_unless_zero(const Lanes& a, const Lanes& b) {
    return map([](Vector<T> a, Vector<T> b) SIMDNN_LAMBDA_INLINE { return a == 0 ? a : a * b; }, a, b);
  }

  /// Elementwise b, but 0 where a is 0.
  friend SIMDNN_INLINE Lanes unless_zero(const Lanes& a, const Lanes& b) {
    return map([](Vector<T> a, Vector<T> b) SIMDNN_LAMBDA_INLINE { return a == 0 ? a : b; }, a, b);
  }

  /// The block with this index.
  SIMDNN_INLINE Lanes<T> block(int index) const {
    constexpr int parts = Lanes<T>::kParts;
    Lanes<T> one;
    unroll<parts>([&](int k) SIMDNN_LAMBDA_INLINE { one.part[k] = part[index * parts + k]; });
    return one;
  }

  /// Repeats the blocks kTimes times.
  template <int kTimes>
  SIMDNN_INLINE Lanes<T, kTimes * kBlocks> repeated() const {
    Lanes<T, kTimes * kBlocks> many;
    unroll<kTimes * kParts>([&](int k) SIMDNN_LAMBDA_INLINE { many.part[k] = part[k % kParts]; });
    return many;
  }

  SIMDNN_INLINE void store(T* to) const {
    unroll<kParts>([&](int k) SIMDNN_LAMBDA_INLINE { store_vector(part[k], to + k * kWidth<T>); });
  }
  /// Stores the first `count` lanes.
  SIMDNN_INLINE void store(T* to, int count) const {
    unroll<kParts>([&](int k) SIMDNN_LAMBDA_INLINE { store_part(part[k], to + k * kWidth<T>, count - k * kWidth<T>); });
  }

  /// Stops GCC from reloading the lanes from memory on each use.
  SIMDNN_INLINE Lanes keep_in_register() const {
    return map([](Vector<T> x) SIMDNN_LAMBDA_INLINE { return simdnn::SIMDNN_LEVEL::keep_in_register(x); }, *this);
  }

  /// A copy with 0 after the first `count` lanes.
  SIMDNN_INLINE Lanes first(int count) const {
    T lane[kBlocks * kLanes];
    store(lane);
    return Lanes(lane, count, T(0));
  }

  /// A copy with one lane replaced.
  SIMDNN_INLINE Lanes with(int lane, T value) const {
    using Word = typename Bits<T>::type;
    Lanes y;
    unroll<kParts>([&](int k) SIMDNN_LAMBDA_INLINE {
      const Vector<Word> place = broadcast<Word>(Word(lane - k * kWidth<T>));
      y.part[k] = place == iota<Word>() ? broadcast<T>(value) : part[k];
    });
    return y;
  }
};

template <class T, int kBlocks>
struct ScalarOf<Lanes<T, kBlocks>> {
  using type = T;
};
template <class T, int kBlocks>
struct Bits<Lanes<T, kBlocks>> {
  using Word = typename Bits<T>::type;
  using type = Lanes<Word, kBlocks>;
  static SIMDNN_INLINE type of(const Lanes<T, kBlocks>& x) {
    return type::map([](Vector<T> x) SIMDNN_LAMBDA_INLINE { return Vector<Word>(x); }, x);
  }
  static SIMDNN_INLINE Lanes<T, kBlocks> back(const type& bits) {
    return Lanes<T, kBlocks>::map([](Vector<Word> bits) SIMDNN_LAMBDA_INLINE { return Vector<T>(bits); }, bits);
  }
};

/// The magnitudes of the lanes.
template <class T, int kBlocks>
SIMDNN_INLINE Lanes<T, kBlocks> abs(const Lanes<T, kBlocks>& x) {
  using Words = typename Bits<Lanes<T, kBlocks>>::type;
  return from_bits<Lanes<T, kBlocks>>(to_bits(x) & Words(to_bits(T(-0.0)) - 1));
}

/// Magnitudes with the signs of other lanes.
template <class T, int kBlocks>
SIMDNN_INLINE Lanes<T, kBlocks> copysign(const Lanes<T, kBlocks>& magnitude, const Lanes<T, kBlocks>& sign) {
  using Words = typename Bits<Lanes<T, kBlocks>>::type;
  return from_bits<Lanes<T, kBlocks>>(to_bits(abs(magnitude)) | (to_bits(sign) & Words(to_bits(T(-0.0)))));
}

/// Applies a function of a scalar to each lane.
template <class Function, class T, int kBlocks>
SIMDNN_INLINE Lanes<T, kBlocks> each_lane(const Function& f, const Lanes<T, kBlocks>& x) {
  T lane[kBlocks * kLanes];
  x.store(lane);
  SIMDNN_VECTORIZE
  for (int l = 0; l < kBlocks * kLanes; ++l) lane[l] = f(lane[l]);
  return Lanes<T, kBlocks>(lane);
}

/// Looks up elements of a table of sixteen by the low four bits of each index.
template <int kBlocks>
SIMDNN_INLINE Lanes<float, kBlocks> lookup(const float* table, const Lanes<std::uint32_t, kBlocks>& index) {
  return Lanes<float, kBlocks>::map([&](U32Vector index) SIMDNN_LAMBDA_INLINE { return lookup(table, index); }, index);
}

/// Converts to double, without rounding.
SIMDNN_INLINE double wide(float x) { return double(x); }
SIMDNN_INLINE double wide(double x) { return x; }
template <class T, int kBlocks>
SIMDNN_INLINE Lanes<double, kBlocks> wide(const Lanes<T, kBlocks>& x) {
  if constexpr (sizeof(T) == sizeof(double)) {
    return x;
  } else {
    Lanes<double, kBlocks> y;
    unroll<Lanes<T, kBlocks>::kParts>([&](int k)
                                          SIMDNN_LAMBDA_INLINE { widen(x.part[k], y.part[2 * k], y.part[2 * k + 1]); });
    return y;
  }
}

/// Converts from double, rounding to T; lanes of float stay as they are.
template <class T>
SIMDNN_INLINE T narrow(double x) {
  return T(x);
}
template <class T, int kBlocks>
SIMDNN_INLINE Lanes<T, kBlocks> narrow(const Lanes<double, kBlocks>& x) {
  if constexpr (sizeof(T) == sizeof(double)) {
    return x;
  } else {
    Lanes<T, kBlocks> y;
    unroll<Lanes<T, kBlocks>::kParts>(
        [&](int k) SIMDNN_LAMBDA_INLINE { y.part[k] = narrow(x.part[2 * k], x.part[2 * k + 1]); });
    return y;
  }
}

template <class T, int kBlocks>
SIMDNN_INLINE Lanes<float, kBlocks> narrow(const Lanes<float, kBlocks>& x) {
  return x;
}

SIMDNN_INLINE double sum_lanes(const Lanes<double>& x) {
  double lane[kLanes];
  x.store(lane);
  return sum_lanes(lane);
}

/// Largest lane; no lane may be NaN.
template <class T>
SIMDNN_INLINE T max_lanes(const Lanes<T>& x) {
  T lane[kLanes], a[8], b[4];
  x.store(lane);
  for (int i = 0; i < 8; ++i) a[i] = max(lane[i], lane[i + 8]);
  for (int i = 0; i < 4; ++i) b[i] = max(a[i], a[i + 4]);
  return max(max(b[0], b[2]), max(b[1], b[3]));
}

SIMDNN_LEVEL_END
