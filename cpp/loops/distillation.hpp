// Distillation: the divergence of a student's softened classes from a teacher's, fused with its gradient.
//
// With x and y less the largest element of their rows and divided by the temperature T,
//   loss = T^2 (sum_j e_j (y_j - x_j) / E + log(S / E)),  e = exp(y), E = sum e, s = exp(x), S = sum s
//   d loss / d x = T (s / S - e / E).
// Equal distances from the largest elements give equal bits, so that equal classes have the loss 0.
#pragma once

#include "../base/descriptions.hpp"
#include "../math/log.hpp"
#include "transposed_rows.hpp"

SIMDNN_LEVEL_BEGIN

/// A term below 2^-86 (double: 2^-500) of the largest counts as 0, so that no product with its term is subnormal.
template <class T>
struct SoftenerConstants {
  using C = ExpConstants<T>;
  static constexpr T lift = MaxShiftConstants<T>::lift;
  static constexpr T floor = (kIsF32<T> ? -86 : -500) * C::ln2_high;
  static constexpr T vanishing = -(lift + C::bias) * C::ln2_high;  ///< a distance whose term is 0
};

/// Distances (x - largest) / T as unevaluated sums, and their exponentials. V is the lanes of T.
template <class T>
struct Softener {
  using V = Lanes<T>;
  using C = SoftenerConstants<T>;
  V largest;
  Factor<V> inverse;  ///< 1 / T
  bool plain;         ///< T = 1

  Softener(const V& top, double temperature)
      : largest(top), inverse(factor_of<T>(Lanes<double>(1 / temperature))), plain(temperature == 1) {}

  struct Distance {
    V value, error;
  };

  SIMDNN_INLINE Distance distance(const V& x) const {
    V value = x - largest, back = value - x;
    V error = (x - (value - back)) - (largest + back);
    if (!plain) {
      V scaled = value * inverse.high;
      error = fma(value, inverse.high, -scaled) + fma(value, inverse.low, error * inverse.high);
      value = scaled;
    }
    return {value, select_less(value, C::floor, V(T(0)), error)};
  }

  SIMDNN_INLINE Term<V> term(const Distance& d) const {
    ScaledExp<V> e = scaled_exp(select_less(d.value, C::floor, C::vanishing, d.value), V(C::lift));
    V missed = fma(d.error, e.high, d.error);
    (kIsF32<T> ? e.high : e.tail) += missed;
    return Term<V>(e);
  }
};

/// Sums over a student's and a teacher's terms.
template <class T>
struct DivergenceSums {
  TermSums<T> student{MaxShiftConstants<T>::above}, teacher{MaxShiftConstants<T>::above};
  Lanes<double> dot;  ///< sum e_j (y_j - x_j)

  /// Adds a block of logits; returns its rounded terms.
  SIMDNN_INLINE void add(const Softener<T>& student_softener, const Lanes<T>& x, const Softener<T>& teacher_softener,
                         const Lanes<T>& y, Lanes<T>& student_term, Lanes<T>& teacher_term) {
    const auto dx = student_softener.distance(x), dy = teacher_softener.distance(y);
    const Term<Lanes<T>> s = student_softener.term(dx), e = teacher_softener.term(dy);
    student.add(s);
    teacher.add(e);
    Lanes<T> gap = (dy.value - dx.value) + (dy.error - dx.error);
    dot += wide(times_unless_zero(e.value, gap));  // 0 log 0 = 0
    student_term = s.value;
    teacher_term = e.value;
  }
};

/// Factors that turn a student's and a teacher's terms into gradients. V is lanes of T.
template <class V>
struct DivergenceFactors {
  Factor<V> student, teacher;  ///< reciprocals of the sums of terms
  GradientFactor<V> slope;

  SIMDNN_INLINE V gradient(const V& s, const V& e) const {
    return slope * fma(s, student.high, fma(s, student.low, -(teacher * e)));
  }
};

/// Distillation of rows without a hard part.
template <class T>
struct Divergence {
  using V = Lanes<T>;

  /// Computes up to sixteen short rows, one row per lane.
  static void short_rows(const LossRows<T>& batch, Index first, Index count) {
    const double temperature = batch.parameters[0];
    TransposedRows<T> student, teacher;
    student.load(batch.output.row(first), batch.output.stride, count, batch.output.columns);
    teacher.load(batch.values.row(first), batch.values.stride, count, batch.output.columns);
    if (batch.row_correct) {
      int found[kLanes], wanted[kLanes];
      student.find_winners(0, found);
      teacher.find_winners(0, wanted);
      for (Index l = 0; l < count; ++l) batch.row_correct[first + l] = found[l] == wanted[l];
    }
    const Softener<T> of_student(student.shift.largest, temperature), of_teacher(teacher.shift.largest, temperature);
    DivergenceSums<T> sums;
    for (Index j = 0; j < batch.output.columns; ++j) {
      V s, e;
      sums.add(of_student, V(student.at[j]), of_teacher, V(teacher.at[j]), s, e);
      s.store(student.at[j]);
      e.store(teacher.at[j]);
    }
    double s_sum[kLanes], e_sum[kLanes], dot[kLanes], weight[kLanes], loss[kLanes], slope[kLanes];
    sums.student.lanes().store(s_sum);
    sums.teacher.lanes().store(e_sum);
    sums.dot.store(dot);
    for (Index l = 0; l < kLanes; ++l) {
      weight[l] = batch.row_weight ? double(batch.row_weight[first + (l < count ? l : count - 1)]) : 1.0;
    }
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      loss[l] = weight[l] * (temperature * temperature) * (dot[l] / e_sum[l] + log(s_sum[l] / e_sum[l]));
      slope[l] = batch.scale * temperature * weight[l];
    }
    for (Index l = 0; l < count; ++l) batch.row_loss[first + l] = loss[l];
    if (!batch.gradient.data) return;
    const DivergenceFactors<V> factors{reciprocal_of<T>(Lanes<double>(s_sum)), reciprocal_of<T>(Lanes<double>(e_sum)),
                                       gradient_factor_of<T>(Lanes<double>(slope))};
    for (Index j = 0; j < batch.output.columns; ++j) {
      factors.gradient(V(student.at[j]), V(teacher.at[j])).store(student.at[j]);
    }
    student.store(batch.gradient.row(first), batch.gradient.stride, count);
  }

  /// Computes a long row. The gradient is the place of the student's terms; the teacher's are computed twice.
  static void long_row(const LossRows<T>& batch, Index i) {
    const T *const x = batch.output.row(i), *const y = batch.values.row(i);
    const Index n = batch.output.columns;
    const T top = row_max(x, n), teacher_top = row_max(y, n);
    if (batch.row_correct) batch.row_correct[i] = winner(x, n, top) == winner(y, n, teacher_top);
    T* const gradient = batch.gradient.data ? batch.gradient.row(i) : nullptr;
    const double temperature = batch.parameters[0], weight = batch.row_weight ? double(batch.row_weight[i]) : 1.0;
    const Softener<T> student(V(top), temperature), teacher(V(teacher_top), temperature);
    constexpr T nothing = -ExpConstants<T>::infinity;
    DivergenceSums<T> sums;
    for_blocks(n, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      V s, e;
      sums.add(student, V(x + first, int(count), nothing), teacher, V(y + first, int(count), nothing), s, e);
      if (gradient) s.store(gradient + first, int(count));
    });
    const double s_sum = sum_lanes(sums.student.lanes()), e_sum = sum_lanes(sums.teacher.lanes());
    batch.row_loss[i] = weight * (temperature * temperature) * (sum_lanes(sums.dot) / e_sum + log(s_sum / e_sum));
    const DivergenceFactors<V> factors{reciprocal_of<T>(Lanes<double>(s_sum)), reciprocal_of<T>(Lanes<double>(e_sum)),
                                       gradient_factor_of<T>(Lanes<double>(batch.scale * temperature * weight))};
    for_blocks(gradient ? n : 0, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      const V e = teacher.term(teacher.distance(V(y + first, int(count), nothing))).value;
      factors.gradient(V(gradient + first, int(count), T(0)), e).store(gradient + first, int(count));
    });
  }

  static void rows(const LossRows<T>& batch) {
    const bool is_short = batch.output.columns <= kShort;
    for (Index i = 0; i < batch.output.rows; i += is_short ? Index(kLanes) : 1) {
      const Index left = batch.output.rows - i;
      is_short ? short_rows(batch, i, left < kLanes ? left : Index(kLanes)) : long_row(batch, i);
    }
  }

 private:
  /// Column of the first largest element; 0 in a row of NaN.
  static Index winner(const T* x, Index n, T largest) {
    const Index found = first_equal(x, n, largest);
    return found < n ? found : 0;
  }
};

SIMDNN_LEVEL_END
