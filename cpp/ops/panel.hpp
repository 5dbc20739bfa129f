// Short rows side by side: element j of sixteen rows is one block, so that no lane idles and no sum crosses lanes.
#pragma once

#include "softmax.hpp"

SIMDNN_LEVEL_BEGIN

/// Rows up to this length lie side by side; longer ones fill the lanes themselves.
constexpr Index kShort = 48;

template <class T>
struct Panel {
  Index columns;
  T at[kShort][kLanes];
  Shift<T> shift[kLanes];
  const T* row[kLanes];

  /// Rows 0 to count - 1; the last one fills the lanes that are left.
  void load(const T* x, Index stride, Index count, Index n) {
    columns = n;
    for (int l = 0; l < kLanes; l += 4) {
      for (int r = l; r < l + 4; ++r) row[r] = x + (r < count ? r : count - 1) * stride;
      Index j = 0;
      for (; j + 4 <= n; j += 4) {
        T* const column[4] = {at[j], at[j + 1], at[j + 2], at[j + 3]};
        turn_block(row + l, j, column, l);
      }
      for (; j < n; ++j) {
        for (int r = l; r < l + 4; ++r) at[j][r] = row[r][j];
      }
    }
  }

  void store(T* y, Index stride, Index count) const {
    for (Index l = 0; l < count; l += 4) {
      if (l + 4 > count) {
        for (; l < count; ++l) {
          for (Index j = 0; j < columns; ++j) y[l * stride + j] = at[j][l];
        }
        return;
      }
      T* const row[4] = {y + l * stride, y + (l + 1) * stride, y + (l + 2) * stride, y + (l + 3) * stride};
      Index j = 0;
      for (; j + 4 <= columns; j += 4) {
        const T* const column[4] = {at[j], at[j + 1], at[j + 2], at[j + 3]};
        turn_block(column, l, row, j);
      }
      for (; j < columns; ++j) {
        for (int r = 0; r < 4; ++r) row[r][j] = at[j][l + r];
      }
    }
  }

  void find_shifts() {
    T largest[kLanes];
    Lanes<T> best(-ExpConstants<T>::infinity);
    for (Index j = 0; j < columns; ++j) best.take_larger(at[j]);
    best.store(largest);
    for (int l = 0; l < kLanes; ++l) shift[l] = Shift<T>(largest[l]);
  }

  /// Whether the first largest element of each row is its class; a negative class never is.
  void mark_correct(const std::int64_t* classes, Index count, std::uint8_t* correct) const {
    int winner[kLanes];
    T largest[kLanes];
    for (int l = 0; l < kLanes; ++l) winner[l] = int(columns), largest[l] = shift[l].largest;
    for (Index j = columns; j-- > 0;) {
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) winner[l] = at[j][l] == largest[l] ? int(j) : winner[l];
    }
    for (Index l = 0; l < count; ++l) correct[l] = winner[l] == classes[l];
  }

  /// at = the terms of each row; sums them but for one.
  void exponentials(const int* left_out, double* sum) {
    T least[kLanes], offset[kLanes];
    TermSums<T> sums;
    for (int l = 0; l < kLanes; ++l) {
      least[l] = shift[l].least();
      offset[l] = shift[l].offset();
    }
    for (Index j = 0; j < columns; ++j) {
      T kept[kLanes], lost[kLanes];
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) {
        const Pair<T> term = near_term(at[j][l], least[l], offset[l]);
        at[j][l] = term.value;
        kept[l] = left_out[l] != int(j) ? term.value : T(0);
        lost[l] = left_out[l] != int(j) ? term.error : T(0);
      }
      sums.add(kept, lost);
    }
    sums.store(sum);
    for (int l = 0; l < kLanes; ++l) {
      if (!shift[l].near()) sum[l] = lonely(l, left_out[l]);
    }
  }

  /// at *= the factor of each row.
  void scale(const Factor<T>* factor) {
    T high[kLanes], low[kLanes];
    for (int l = 0; l < kLanes; ++l) {
      high[l] = factor[l].high;
      low[l] = factor[l].low;
    }
    for (Index j = 0; j < columns; ++j) {
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) at[j][l] = fma(at[j][l], high[l], at[j][l] * low[l]);
    }
  }

 private:
  /// A row whose shift is of the other kind, along its length.
  double lonely(int l, int left_out) {
    T term[kShort];
    const double sum = row_exp(row[l], columns, shift[l], Index(left_out), term);
    for (Index j = 0; j < columns; ++j) at[j][l] = term[j];
    return sum;
  }
};

SIMDNN_LEVEL_END
