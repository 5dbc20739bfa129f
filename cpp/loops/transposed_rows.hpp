// Sixteen short rows, one per lane: element j of all rows is one block, so that all lanes work and sums stay in lanes.
#pragma once

#include "softmax_terms.hpp"

SIMDNN_LEVEL_BEGIN

/// Length of the longest rows that are transposed; longer ones fill the lanes themselves.
constexpr Index kShort = 64;

/// Calls work(row, column) for all square blocks of sixteen rows; the last ones may overlap.
template <class T, class Work>
SIMDNN_INLINE void for_squares(Index columns, const Work& work) {
  constexpr Index side = kSquare<T>;
  for (Index j = 0; columns >= side && j < columns; j += side) {
    const Index column = j + side <= columns ? j : columns - side;
    for (int l = 0; l < kLanes; l += kWidth<T>) work(l, column);
  }
}

/// Transposes sixteen rows to blocks of sixteen lanes [columns], and back.
template <class T>
SIMDNN_INLINE void rows_to_lanes(const T* const* row, Index columns, T* at) {
  constexpr int side = kSquare<T>;
  for_squares<T>(columns, [&](int l, Index j) SIMDNN_LAMBDA_INLINE {
    Vector<T> square[side];
    for (int i = 0; i < side; ++i) square[i] = load_rows(row + l + i, j);
    transpose_squares(square);
    for (int i = 0; i < side; ++i) store_vector(square[i], at + (j + i) * kLanes + l);
  });
  for (Index j = 0; j < columns && columns < side; ++j) {
    for (int l = 0; l < kLanes; ++l) at[j * kLanes + l] = row[l][j];
  }
}
template <class T>
SIMDNN_INLINE void lanes_to_rows(const T* at, Index columns, T* const* row) {
  constexpr int side = kSquare<T>;
  for_squares<T>(columns, [&](int l, Index j) SIMDNN_LAMBDA_INLINE {
    Vector<T> square[side];
    for (int i = 0; i < side; ++i) square[i] = load_vector(at + (j + i) * kLanes + l);
    transpose_squares(square);
    for (int i = 0; i < side; ++i) store_rows(square[i], row + l + i, j);
  });
  for (Index j = 0; j < columns && columns < side; ++j) {
    for (int l = 0; l < kLanes; ++l) row[l][j] = at[j * kLanes + l];
  }
}

/// Sixteen short rows, one per lane, whose largest elements are not huge: `near` tells it.
template <class T>
struct LaneRows {
  using V = Lanes<T>;

  Index columns;
  T at[kShort][kLanes];
  MaxShift<V> shift;
  V second;   ///< second largest element of each row
  bool near;  ///< true if MaxShift::near() holds for all rows

  void find_shifts() {
    V best(-ExpConstants<T>::infinity);
    second = best;
    for (Index j = 0; j < columns; ++j) {
      V x(at[j]);
      second = max(second, min(best, x));
      best = max(best, x);
    }
    shift = MaxShift<V>(best);
    near = MaxShift<T>(max_lanes(max(best, 0 - best))).near();
  }

  /// Finds the first largest element of each row; `none` for a row of NaN.
  void find_winners(int none, int* winner) const {
    T largest[kLanes];
    shift.largest.store(largest);
    for (int l = 0; l < kLanes; ++l) winner[l] = none;
    for (Index j = columns; j-- > 0;) {
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) winner[l] = at[j][l] == largest[l] ? int(j) : winner[l];
    }
  }

  /// Marks rows whose first largest element is at their class; a negative class never is.
  void mark_correct(const std::int64_t* classes, Index count, std::uint8_t* correct) const {
    int winner[kLanes];
    find_winners(int(columns), winner);
    for (Index l = 0; l < count; ++l) correct[l] = winner[l] == classes[l];
  }

  /// Replaces one element of each row by -inf, so that its term is 0.
  void leave_out(const int* column) {
    for (int l = 0; l < kLanes; ++l) at[column[l]][l] = -ExpConstants<T>::infinity;
  }

  /// Exact terms of x, one lane per row.
  Lanes<double> near_terms(const V& x) const { return exact(near_term(x, shift.floor(), shift.offset())); }

  /// A start of the sum of all terms but one per row, which leave_out() has set to -inf; x was its element.
  V start_without(const V& x) const {
    const V most = select_less(x, shift.largest, shift.largest, second);
    return T(2) * near_term(most, shift.floor(), shift.offset()).scale;
  }

  /// Replaces elements by their terms; returns the sums, which start at `above`, a bound of every term.
  Lanes<double> sum_near_terms(const V& above) {
    constexpr int together = kTogether<T>;
    V floor = shift.floor(), offset = shift.offset();
    TermSums<T> sums(above);
    Index j = 0;
    for (; j + together <= columns; j += together) add<together>(j, floor, offset, sums);
    for (; j < columns; ++j) add<1>(j, floor, offset, sums);
    return sums.lanes();
  }

  /// Multiplies each row by its factor, a Factor or a GradientFactor.
  template <class AnyFactor>
  void scale(const AnyFactor& factor) {
    for (Index j = 0; j < columns; ++j) (factor * V(at[j])).store(at[j]);
  }

 private:
  template <int kBlocks>
  SIMDNN_INLINE void add(Index j, const V& floor, const V& offset, TermSums<T>& sums) {
    auto term =
        near_term(Lanes<T, kBlocks>(at[j]), floor.template repeated<kBlocks>(), offset.template repeated<kBlocks>());
    term.value.store(at[j]);
    sums.add(term);
  }
};

/// Sixteen short rows, transposed from row-major matrices and back, with any largest elements.
template <class T>
struct TransposedRows : LaneRows<T> {
  using V = Lanes<T>;
  using LaneRows<T>::columns, LaneRows<T>::at, LaneRows<T>::shift, LaneRows<T>::near;

  const T* row[kLanes];

  /// Loads rows 0 to count - 1; the last row fills the remaining lanes.
  void load(const T* x, Index stride, Index count, Index n) {
    columns = n;
    for (int l = 0; l < kLanes; ++l) row[l] = x + (l < count ? l : count - 1) * stride;
    rows_to_lanes(row, columns, at[0]);
    LaneRows<T>::find_shifts();
  }

  void store(T* y, Index stride, Index count) const {
    T* to[kLanes];
    for (int l = 0; l < kLanes; ++l) to[l] = y + (l < count ? l : count - 1) * stride;
    lanes_to_rows(at[0], columns, to);
  }

  /// Exact terms of x, one lane per row.
  Lanes<double> terms(const V& x) const {
    Lanes<double> found = LaneRows<T>::near_terms(x);
    if (near) return found;
    T each[kLanes];
    double term[kLanes];
    x.store(each);
    found.store(term);
    for (int l = 0; l < kLanes; ++l) {
      if (!shift_of(l).near()) term[l] = exact(term_of(each[l], shift_of(l)));
    }
    return Lanes<double>(term);
  }

  /// Replaces the elements of each row by their terms; returns the sums.
  Lanes<double> exponentials() { return sum_terms(MaxShiftConstants<T>::above, nullptr); }

  /// Variant of exponentials() without one column per row, which leave_out() has set to -inf; x was its element.
  Lanes<double> exponentials_without(const int* left_out, const V& x) {
    return sum_terms(LaneRows<T>::start_without(x), left_out);
  }

  /// In rows where all other terms round away, sets the largest probability to 1.
  void set_dominant_to_one(const Lanes<double>& sums) {
    double sum[kLanes], largest[kLanes];
    sums.store(sum);
    terms(shift.largest).store(largest);
    for (int l = 0; l < kLanes; ++l) {
      if (!(sum[l] - largest[l] <= sum[l] * kTiny<T>)) continue;
      for (Index j = 0; j < columns; ++j) at[j][l] = at[j][l] > T(0.5) ? T(1) : at[j][l];
    }
  }

 private:
  /// Replaces elements by their terms; returns the sums, which start at `above`, a bound of every term.
  Lanes<double> sum_terms(const V& above, const int* left_out) {
    const Lanes<double> sums = LaneRows<T>::sum_near_terms(above);
    return near ? sums : with_far(sums, left_out);
  }

  MaxShift<T> shift_of(int l) const {
    T largest[kLanes];
    shift.largest.store(largest);
    return MaxShift<T>(largest[l]);
  }

  /// Recomputes the rows with a huge largest element, one row at a time.
  Lanes<double> with_far(const Lanes<double>& sums, const int* left_out) {
    double sum[kLanes];
    sums.store(sum);
    for (int l = 0; l < kLanes; ++l) {
      const MaxShift<T> row_shift = shift_of(l);
      if (row_shift.near()) continue;
      T term[kShort];
      sum[l] = row_exp(row[l], columns, row_shift, left_out ? Index(left_out[l]) : kNoColumn, term);
      for (Index j = 0; j < columns; ++j) at[j][l] = term[j];
    }
    return Lanes<double>(sum);
  }
};

SIMDNN_LEVEL_END
