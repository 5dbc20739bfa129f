#include "loader.hpp"

#include <algorithm>

#include "../dispatch.hpp"

namespace simdnn {
namespace {

template <class T>
constexpr DType kDType = sizeof(T) == sizeof(float) ? DType::f32 : DType::f64;

/// Prefetches the next batch's rows, which are scattered in memory.
void fetch(const InputArray& x, const Index* order, Index count) {
  constexpr Index line = 64, most = 16 * line;
  for (Index i = 0; i < count; ++i) {
    const char* const row = x.row(order[i]);
    for (Index offset = 0; offset < std::min(x.row_bytes(), most); offset += line) __builtin_prefetch(row + offset);
  }
}

template <class T>
void grow(Buffer<T>& buffer, Index n) {
  if (buffer.size() < n) buffer = Buffer<T>(n);
}

}  // namespace

template <class T>
void Loader<T>::reserve(const DatasetView<T>& samples, Index count, Index outputs) {
  const Index rows = count * samples.output_time_steps;
  outputs_ = outputs;
  grow(x_, count * samples.x.columns);
  if (samples.values) grow(values_, rows * outputs);
  if (samples.weight) grow(weight_, rows);
  if (samples.classes) classes_.resize(std::max(classes_.size(), std::size_t(rows)));
}

/// One sample; entries of a sparse one that stand in the same column add up.
template <class T>
void Loader<T>::load(const InputArray& x, Index i, T* to) const {
  if (x.indptr == nullptr) return typed_kernels<T>().layers.cast(x.row(i), x.dtype, x.columns, T(x.scale), to);
  const T* const entries = reinterpret_cast<const T*>(x.data);
  std::fill_n(to, x.columns, T(0));
  for (Index k = x.indptr[i]; k < x.indptr[i + 1]; ++k) to[x.indices[k]] += T(x.scale) * entries[k];
}

template <class T>
MiniBatch<T> Loader<T>::gather(const DatasetView<T>& samples, const SampleOrder& order, Index count) {
  constexpr Index most_ahead = 128;
  const Index rows = samples.output_time_steps, values = rows * outputs_, inputs = samples.x.columns;
  for (Index i = 0; i < count; ++i) {
    const Index from = order.at[i];
    load(samples.x, from, x_.data() + i * inputs);
    if (samples.classes) std::copy_n(samples.classes + from * rows, rows, classes_.data() + i * rows);
    if (samples.values) std::copy_n(samples.values + from * values, values, values_.data() + i * values);
    if (samples.weight) std::copy_n(samples.weight + from * rows, rows, weight_.data() + i * rows);
  }
  if (samples.x.indptr == nullptr)
    fetch(samples.x, order.at + count, std::min({order.left - count, count, most_ahead}));
  return {{x_.data(), count, inputs, inputs},
          samples.classes ? classes_.data() : nullptr,
          samples.values ? values_.data() : nullptr,
          samples.weight ? weight_.data() : nullptr};
}

template <class T>
MiniBatch<T> Loader<T>::contiguous_view(const DatasetView<T>& samples, Index begin, Index count) {
  const InputArray& x = samples.x;
  const Index row = begin * samples.output_time_steps;
  const T* in = x_.data();
  if (x.indptr) {
    for (Index i = 0; i < count; ++i) load(x, begin + i, x_.data() + i * x.columns);
  } else if (x.dtype == kDType<T> && x.scale == 1) {
    in = reinterpret_cast<const T*>(x.row(begin));
  } else {
    typed_kernels<T>().layers.cast(x.row(begin), x.dtype, count * x.columns, T(x.scale), x_.data());
  }
  return {{in, count, x.columns, x.columns},
          samples.classes ? samples.classes + row : nullptr,
          samples.values ? samples.values + row * outputs_ : nullptr,
          samples.weight ? samples.weight + row : nullptr};
}

template <class T>
MiniBatch<T> Loader<T>::take(const DatasetView<T>& samples, const SampleOrder& order, Index begin, Index count) {
  MiniBatch<T> mini_batch = order.at ? gather(samples, order, count) : contiguous_view(samples, begin, count);
  const Index columns = samples.x.columns / samples.time_steps;
  mini_batch.x = {mini_batch.x.data, count * samples.time_steps, columns, columns};
  return mini_batch;
}

SIMDNN_INSTANTIATE(Loader);

}  // namespace simdnn
