// Softmax, its logarithm, log-sum-exp and their backward passes over rows.
//
// A temperature other than 1 divides the logits: those rows are computed in double. So is log-sum-exp, whose
// largest logit and logarithm may cancel.
#pragma once

#include "soft_targets.hpp"
#include "transposed_rows.hpp"

SIMDNN_LEVEL_BEGIN

/// Calls row(i, logits, exact log sum exp((x - largest) / temperature)).
template <class T, class Row>
SIMDNN_INLINE void for_exact_rows(const SoftmaxRows<T>& batch, const Row& row) {
  for (Index i = 0; i < batch.rows; ++i) {
    const SoftRow<T> logits(batch.x + i * batch.x_stride, batch.columns);
    row(i, logits, exact_log_sum(logits, 1 / batch.temperature));
  }
}

/// out = finish((x - largest) / temperature - log sum exp of it), in double.
template <class T, class Finish>
SIMDNN_INLINE void exact_log_probabilities(const SoftmaxRows<T>& batch, const Finish& finish) {
  const double inverse = 1 / batch.temperature;
  for_exact_rows(batch, [&](Index i, const SoftRow<T>& row, double log_sum) SIMDNN_LAMBDA_INLINE {
    for_blocks(row.n, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      double distance[kLanes];
      T block[kLanes];
      row.load(first, count, distance);
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) block[l] = T(finish(fma(distance[l], inverse, -log_sum)));
      store_block(batch.out + i * batch.out_stride + first, count, block);
    });
  });
}

/// Short rows, sixteen at a time: work(panel, first row, count).
template <class T, class Work>
SIMDNN_INLINE void for_panels(const SoftmaxRows<T>& batch, const Work& work) {
  for (Index i = 0; i < batch.rows; i += kLanes) {
    const Index count = i + kLanes < batch.rows ? Index(kLanes) : batch.rows - i;
    Panel<T> panel;
    panel.load(batch.x + i * batch.x_stride, batch.x_stride, count, batch.columns);
    work(panel, i, count);
  }
}

/// exp(x) / sum exp(x); out may be x.
template <class T>
void softmax(const SoftmaxRows<T>& batch) {
  if (batch.temperature != 1) {
    return exact_log_probabilities(batch, [](double x) SIMDNN_LAMBDA_INLINE { return exp(x); });
  }
  if (batch.columns <= kShort) {
    return for_panels(batch, [&](Panel<T>& panel, Index i, Index count) SIMDNN_LAMBDA_INLINE {
      const Lanes<double> sums = panel.exponentials();
      panel.scale(reciprocal_of<T>(sums));
      panel.settle(sums);
      panel.store(batch.out + i * batch.out_stride, batch.out_stride, count);
    });
  }
  Range<T> range = batch.rows > 0 ? row_range(batch.x, batch.columns) : Range<T>{};
  for (Index i = 0; i < batch.rows; ++i) {
    const T* const x = batch.x + i * batch.x_stride;
    T* const y = batch.out + i * batch.out_stride;
    const Shift<T> shift(range);
    const double sum = row_exp(x, batch.columns, shift, kNobody, y);
    if (i + 1 < batch.rows) range = row_range(x + batch.x_stride, batch.columns);  // beside the division below
    row_scale(y, reciprocal_of<T>(sum), batch.columns);
    if (alone(shift, sum)) settle(y, batch.columns);
  }
}

/// x - log sum exp(x); out may be x.
template <class T>
void log_softmax(const SoftmaxRows<T>& batch) {
  if (batch.temperature != 1) {
    return exact_log_probabilities(batch, [](double x) SIMDNN_LAMBDA_INLINE { return x; });
  }
  for (Index i = 0; i < batch.rows; ++i) {
    const SoftRow<T> row(batch.x + i * batch.x_stride, batch.columns);
    const double log_sum = row.log_sum(row_exp<T>(row.x, row.n, row.shift, row.winner, nullptr));
    for_blocks(row.n, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      double distance[kLanes];
      T block[kLanes];
      row.load(first, count, distance);
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) block[l] = T(distance[l] - log_sum);
      store_block(batch.out + i * batch.out_stride + first, count, block);
    });
  }
}

/// out[i] = log sum exp(x[i]).
template <class T>
void logsumexp(const SoftmaxRows<T>& batch) {
  for_exact_rows(batch, [&](Index i, const SoftRow<T>& row, double log_sum) SIMDNN_LAMBDA_INLINE {
    const double peak = double(row.shift.largest) / batch.temperature;
    const bool unbounded = peak - peak != 0 && !row.has_nan();  // inf, or -inf alone
    batch.out[i * batch.out_stride] = T(unbounded ? peak : peak + log_sum);
  });
}

/// Softmax into out, then out_j = finish(p_j, dy_j, sum of gather(p, dy)) / temperature.
template <class T, class Gather, class Finish>
SIMDNN_INLINE void backward(const SoftmaxRows<T>& batch, const Gather& gather, const Finish& finish) {
  softmax(batch);
  const double inverse = 1 / batch.temperature;
  for (Index i = 0; i < batch.rows; ++i) {
    T* const out = batch.out + i * batch.out_stride;
    const T* const dy = batch.dy + i * batch.dy_stride;
    const auto load = [&](Index first, Index count, T* p, T* slope) SIMDNN_LAMBDA_INLINE {
      load_block(out + first, count, T(0), p);
      load_block(dy + first, count, T(0), slope);
    };
    double lane[kLanes] = {};
    for_blocks(batch.columns, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      T p[kLanes], slope[kLanes];
      load(first, count, p, slope);
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) lane[l] += gather(double(p[l]), double(slope[l]));
    });
    const double sum = sum_lanes(lane);
    for_blocks(batch.columns, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      T p[kLanes], slope[kLanes];
      load(first, count, p, slope);
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) p[l] = T(finish(double(p[l]), double(slope[l]), sum) * inverse);
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

/// out[i] = -sum p log p, 0 log 0 = 0.
template <class T>
void entropy(const SoftmaxRows<T>& batch) {
  for (Index i = 0; i < batch.rows; ++i) {
    double lane[kLanes] = {};
    for_blocks(batch.columns, [&](Index first, Index count) SIMDNN_LAMBDA_INLINE {
      T p[kLanes];
      load_block(batch.x + i * batch.x_stride + first, count, T(0), p);
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) lane[l] -= p[l] == 0 ? 0.0 : double(p[l]) * log(double(p[l]));
    });
    batch.out[i * batch.out_stride] = T(sum_lanes(lane));
  }
}

/// -dy (log p + 1), dy one number a row.
template <class T>
void entropy_backward(const SoftmaxRows<T>& batch) {
  for (Index i = 0; i < batch.rows; ++i) {
    const double slope = double(batch.dy[i * batch.dy_stride]);
    const T* const p = batch.x + i * batch.x_stride;
    T* const out = batch.out + i * batch.out_stride;
    SIMDNN_VECTORIZE
    for (Index j = 0; j < batch.columns; ++j) out[j] = T(-slope * (log(double(p[j])) + 1));
  }
}

/// dy is one number a row.
template <class T>
void logsumexp_backward(const SoftmaxRows<T>& batch) {
  softmax(batch);
  for (Index i = 0; i < batch.rows; ++i) {
    const Factor<T> factor = factor_of<T>(double(batch.dy[i * batch.dy_stride]) / batch.temperature);
    row_scale(batch.out + i * batch.out_stride, factor, batch.columns);
  }
}

SIMDNN_LEVEL_END
