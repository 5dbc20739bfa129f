// Softmax, log-softmax, log-sum-exp, entropy and their backward passes over rows.
//
// A temperature other than 1 divides the logits; such rows are computed in double. Log-sum-exp is always computed in
// double, because its largest logit and logarithm may cancel.
#pragma once

#include "soft_targets.hpp"
#include "transposed_rows.hpp"

SIMDNN_LEVEL_BEGIN

/// Calls row(i, logits, log sum exp((x - largest) / temperature)) for each row, in double.
template <class T, class Row>
SIMDNN_INLINE void for_exact_rows(const SoftmaxRows<T>& batch, const Row& row) {
  for (Index i = 0; i < batch.x.rows; ++i) {
    const SoftRow<T> logits(batch.x.row(i), batch.x.columns);
    row(i, logits, exact_log_sum(logits, 1 / batch.temperature));
  }
}

/// out = write(log softmax(x / temperature)), in double.
template <class T, class Write>
SIMDNN_INLINE void exact_log_probabilities(const SoftmaxRows<T>& batch, const Write& write) {
  const double inverse = 1 / batch.temperature;
  for_exact_rows(batch, [&](Index i, const SoftRow<T>& row, double log_sum) SIMDNN_LAMBDA_INLINE {
    for_blocks(row.n, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      double distance[kLanes];
      T block[kLanes];
      row.load(first, count, distance);
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) block[l] = T(write(fma(distance[l], inverse, -log_sum)));
      store_block(batch.out.row(i) + first, count, block);
    });
  });
}

/// Calls work(block, first row, count) for blocks of up to sixteen short rows.
template <class T, class Work>
SIMDNN_INLINE void for_transposed_rows(const SoftmaxRows<T>& batch, const Work& work) {
  for (Index i = 0; i < batch.x.rows; i += kLanes) {
    const Index count = i + kLanes < batch.x.rows ? Index(kLanes) : batch.x.rows - i;
    TransposedRows<T> block;
    block.load(batch.x.row(i), batch.x.stride, count, batch.x.columns);
    work(block, i, count);
  }
}

/// out = exp(x) / sum exp(x) for each row; out may be x.
template <class T>
void softmax(const SoftmaxRows<T>& batch) {
  if (batch.temperature != 1) {
    return exact_log_probabilities(batch, [](double x) SIMDNN_LAMBDA_INLINE { return exp(x); });
  }
  if (batch.x.columns <= kShort) {
    return for_transposed_rows(batch, [&](TransposedRows<T>& block, Index i, Index count) SIMDNN_LAMBDA_INLINE {
      const Lanes<double> sums = block.exponentials();
      block.scale(reciprocal_of<T>(sums));
      block.set_dominant_to_one(sums);
      block.store(batch.out.row(i), batch.out.stride, count);
    });
  }
  RowExtrema<T> extrema = batch.x.rows > 0 ? row_extrema(batch.x.data, batch.x.columns) : RowExtrema<T>{};
  for (Index i = 0; i < batch.x.rows; ++i) {
    const T* const x = batch.x.row(i);
    T* const y = batch.out.row(i);
    const MaxShift<T> shift(extrema);
    const double sum = row_exp(x, batch.x.columns, shift, kNoColumn, y);
    if (i + 1 < batch.x.rows)
      extrema = row_extrema(x + batch.x.stride, batch.x.columns);  // overlaps with the division below
    row_scale(y, reciprocal_of<T>(sum), batch.x.columns);
    if (one_term_dominates(shift, sum)) set_dominant_to_one(y, batch.x.columns);
  }
}

/// out = x - log sum exp(x) for each row; out may be x.
template <class T>
void log_softmax(const SoftmaxRows<T>& batch) {
  if (batch.temperature != 1) {
    return exact_log_probabilities(batch, [](double x) SIMDNN_LAMBDA_INLINE { return x; });
  }
  for (Index i = 0; i < batch.x.rows; ++i) {
    const SoftRow<T> row(batch.x.row(i), batch.x.columns);
    const double log_sum = row.log_sum(row_exp<T>(row.x, row.n, row.shift, row.winner, nullptr));
    for_blocks(row.n, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      double distance[kLanes];
      T block[kLanes];
      row.load(first, count, distance);
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) block[l] = T(distance[l] - log_sum);
      store_block(batch.out.row(i) + first, count, block);
    });
  }
}

/// out[i] = log sum exp(x[i]).
template <class T>
void logsumexp(const SoftmaxRows<T>& batch) {
  for_exact_rows(batch, [&](Index i, const SoftRow<T>& row, double log_sum) SIMDNN_LAMBDA_INLINE {
    const double peak = double(row.shift.largest) / batch.temperature;
    const bool unbounded = peak - peak != 0 && !row.has_nan();  // inf, or -inf alone
    batch.out.data[i * batch.out.stride] = T(unbounded ? peak : peak + log_sum);
  });
}

/// Computes p = softmax(x / temperature), then out_j = write(p_j, dy_j, sum of gather(p, dy)) / temperature.
template <class T, class Gather, class Write>
SIMDNN_INLINE void backward(const SoftmaxRows<T>& batch, const Gather& gather, const Write& write) {
  softmax(batch);
  const double inverse = 1 / batch.temperature;
  for (Index i = 0; i < batch.x.rows; ++i) {
    T* const out = batch.out.row(i);
    const T* const dy = batch.dy.row(i);
    const auto load = [&](Index first, Index count, T* p, T* slope) SIMDNN_LAMBDA_INLINE {
      load_block(out + first, count, T(0), p);
      load_block(dy + first, count, T(0), slope);
    };
    double lane[kLanes] = {};
    for_blocks(batch.x.columns, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      T p[kLanes], slope[kLanes];
      load(first, count, p, slope);
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) lane[l] += gather(double(p[l]), double(slope[l]));
    });
    const double sum = sum_lanes(lane);
    for_blocks(batch.x.columns, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      T p[kLanes], slope[kLanes];
      load(first, count, p, slope);
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) p[l] = T(write(double(p[l]), double(slope[l]), sum) * inverse);
      store_block(out + first, count, p);
    });
  }
}

template <class T>
void softmax_backward(const SoftmaxRows<T>& batch) {
  backward(
      batch, [](double p, double dy) SIMDNN_LAMBDA_INLINE { return p * dy; },
      [](double p, double dy, double sum) SIMDNN_LAMBDA_INLINE { return p * (dy - sum); });
}

template <class T>
void log_softmax_backward(const SoftmaxRows<T>& batch) {
  backward(
      batch, [](double, double dy) SIMDNN_LAMBDA_INLINE { return dy; },
      [](double p, double dy, double sum) SIMDNN_LAMBDA_INLINE { return fma(-p, sum, dy); });
}

/// out[i] = -sum p log p for each row p, where 0 log 0 = 0.
template <class T>
void entropy(const SoftmaxRows<T>& batch) {
  for (Index i = 0; i < batch.x.rows; ++i) {
    double lane[kLanes] = {};
    for_blocks(batch.x.columns, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      T p[kLanes];
      load_block(batch.x.row(i) + first, count, T(0), p);
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) lane[l] -= p[l] == 0 ? 0.0 : double(p[l]) * log(double(p[l]));
    });
    batch.out.data[i * batch.out.stride] = T(sum_lanes(lane));
  }
}

/// out = -dy (log p + 1), the gradient of entropy w.r.t. p, with one dy per row.
template <class T>
void entropy_backward(const SoftmaxRows<T>& batch) {
  for (Index i = 0; i < batch.x.rows; ++i) {
    const double slope = double(batch.dy.data[i * batch.dy.stride]);
    const T* const p = batch.x.row(i);
    T* const out = batch.out.row(i);
    SIMDNN_VECTORIZE
    for (Index j = 0; j < batch.x.columns; ++j) out[j] = T(-slope * (log(double(p[j])) + 1));
  }
}

/// out = dy softmax(x / temperature) / temperature, the gradient of log-sum-exp, with one dy per row.
template <class T>
void logsumexp_backward(const SoftmaxRows<T>& batch) {
  softmax(batch);
  for (Index i = 0; i < batch.x.rows; ++i) {
    const Factor<T> factor = factor_of<T>(double(batch.dy.data[i * batch.dy.stride]) / batch.temperature);
    row_scale(batch.out.row(i), factor, batch.x.columns);
  }
}

SIMDNN_LEVEL_END
