// Softmax cross-entropy of one row with a distribution over the classes; cross_entropy.hpp has the formula.
#pragma once

#include "../math/log.hpp"
#include "softmax_terms.hpp"

SIMDNN_LEVEL_BEGIN

/// Label smoothing of Szegedy et al. 2016, section 7: (1 - eps) t + eps / C, for a class index or probabilities.
template <class T>
struct Smoothed {
  const T* probabilities = nullptr;  ///< nullptr if the target is a class index
  Index target = kNoColumn;
  double keep = 1, spread = 0;
  const double* class_scale = nullptr;

  /// Loads a_j t_j for a block of columns from `first`; 0 beyond the row.
  SIMDNN_INLINE Lanes<double> load(Index first, Index count) const {
    T t[kLanes];
    double factor[kLanes];
    if (probabilities) {
      load_block(probabilities + first, count, T(0), t);
    } else {
      for (int l = 0; l < kLanes; ++l) t[l] = 0;
      if (std::size_t(target - first) < kLanes) t[target - first] = 1;
    }
    Lanes<double> weighted = fma(keep, wide(Lanes<T>(t)), spread);
    if (class_scale == nullptr && count == kLanes) return weighted;
    if (class_scale) {
      load_block(class_scale + first, count, 0.0, factor);
    } else {
      for (int l = 0; l < kLanes; ++l) factor[l] = l < count ? 1.0 : 0.0;
    }
    return times_unless_zero(Lanes<double>(factor), weighted);
  }

  /// The target class, or the first of the most probable ones.
  Index winner(Index n) const {
    return probabilities ? first_equal(probabilities, n, row_max(probabilities, n)) : target;
  }
};

/// A row of logits x [n], its largest element and that element's column.
template <class T>
struct SoftRow {
  const T* x;
  Index n;
  MaxShift<T> shift;
  Index winner;  ///< column of the largest element

  SoftRow(const T* row, Index columns) : x(row), n(columns), shift(row_extrema(row, columns)) {
    const Index found = first_equal(x, n, shift.largest);
    winner = found < n ? found : 0;
  }

  bool has_nan() const {
    for (Index i = 0; i < n; ++i) {
      if (x[i] != x[i]) return true;
    }
    return false;
  }

  /// log sum exp(x - largest), from the sum of all terms but the largest.
  double log_sum(double rest) const { return log1p(rest / shift.largest_term()); }

  /// Loads x_j - largest in double; 0 beyond the row.
  SIMDNN_INLINE Lanes<double> load(Index first, Index count) const {
    return wide(Lanes<T>(x + first, int(count), shift.largest)) - double(shift.largest);
  }
  SIMDNN_INLINE void load(Index first, Index count, double* distance) const { load(first, count).store(distance); }
};

/// Returns the row's loss without a focal factor. Writes scale * gradient unless `gradient` is nullptr; it may be x.
template <class T>
double soft_row(const SoftRow<T>& row, const Smoothed<T>& targets, double scale, T* gradient) {
  Lanes<double> target_sum, dot;
  for_blocks(row.n, [&](Index i, Index count) SIMDNN_LAMBDA_INLINE {
    const Lanes<double> t = targets.load(i, count);
    target_sum += t;
    dot += times_unless_zero(t, row.load(i, count));  // 0 log 0 = 0
  });
  const double all = sum_lanes(target_sum), largest_term = row.shift.largest_term();
  const double rest = row_exp(row.x, row.n, row.shift, row.winner, gradient);
  if (gradient) gradient[row.winner] = term_of(row.shift.largest, row.shift).value;
  const double factor = scale * all / (rest + largest_term);
  for_blocks(gradient ? row.n : 0, [&](Index i, Index count) SIMDNN_LAMBDA_INLINE {
    const Lanes<double> target_part = -scale * targets.load(i, count),
                        terms = flush_wide<T>(wide(Lanes<T>(gradient + i, int(count), T(0))));
    narrow_gradient<T>(fma(factor, terms, target_part)).store(gradient + i, int(count));
  });
  return fma(all, row.log_sum(rest), -sum_lanes(dot));
}

/// log sum exp((x - largest) / temperature), with exponentials in double.
template <class T>
double exact_log_sum(const SoftRow<T>& row, double inverse_temperature) {
  double lane[kLanes] = {};
  for_blocks(row.n, [&](Index i, Index count) SIMDNN_LAMBDA_INLINE {
    double distance[kLanes];
    row.load(i, count, distance);
    const Index skipped = row.winner - i;
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      const double term = exp(distance[l] * inverse_temperature);
      lane[l] += l < count && l != skipped ? term : 0.0;
    }
  });
  const double largest = double(row.shift.largest);
  return log1p(sum_lanes(lane) + (largest - largest));  // NaN where the row has no softmax
}

/// (1 - p)^gamma for q = 1 - p; 0^gamma = 0.
SIMDNN_INLINE double focal_factor(double q, double gamma) { return exp(gamma * log(q)); }

/// p log p / (1 - p), which is -1 at p = 1 and 0 at p = 0.
SIMDNN_INLINE double focal_slope(double p, double log_p, double q) {
  const double inside = p * (log_p / q);
  return p == 0 ? 0.0 : (q > 0 || q != q ? inside : -1.0);
}

/// Returns the row's loss with a focal factor, in double. Writes scale * gradient unless `gradient` is nullptr.
template <class T>
double focal_row(const SoftRow<T>& row, const Smoothed<T>& targets, double gamma, double scale, T* gradient) {
  const double log_sum = exact_log_sum(row, 1);
  const auto terms = [&](Index i, Index count, double* p, double* loss, double* slope) SIMDNN_LAMBDA_INLINE {
    double t[kLanes], distance[kLanes];
    targets.load(i, count).store(t);
    row.load(i, count, distance);
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      const double log_p = distance[l] - log_sum, q = -expm1(log_p);
      const double weight = t[l] == 0 ? 0.0 : t[l] * focal_factor(q, gamma);
      p[l] = 1 - q;
      loss[l] = weight == 0 ? 0.0 : -(weight * log_p);
      slope[l] = weight * (gamma * focal_slope(p[l], log_p, q) - 1);
    }
  };
  double loss_lane[kLanes] = {}, slope_lane[kLanes] = {};
  for_blocks(row.n, [&](Index i, Index count) SIMDNN_LAMBDA_INLINE {
    double p[kLanes], loss[kLanes], slope[kLanes];
    terms(i, count, p, loss, slope);
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      loss_lane[l] += loss[l];
      slope_lane[l] += slope[l];
    }
  });
  const double all = sum_lanes(slope_lane);
  for_blocks(gradient ? row.n : 0, [&](Index i, Index count) SIMDNN_LAMBDA_INLINE {
    T block[kLanes];
    double p[kLanes], loss[kLanes], slope[kLanes];
    terms(i, count, p, loss, slope);
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) block[l] = narrow_gradient<T>(scale * flush_wide<T>(fma(-p[l], all, slope[l])));
    store_block(gradient + i, count, block);
  });
  return sum_lanes(loss_lane);
}

SIMDNN_LEVEL_END
