#include "loader.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <stdexcept>
#include <string>

#include "../dispatch.hpp"
#include "random.hpp"

namespace simdnn {
namespace {

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

/// Calls copy(from, to) for each row of `count` samples: row `from` of the dataset is row `to` of the batch.
template <class Copy>
void for_rows(const SampleOrder& order, Index begin, Index count, Index rows, const Copy& copy) {
  if (order.at == nullptr) {
    for (Index i = 0; i < count * rows; ++i) copy(begin * rows + i, i);
  } else if (rows == 1) {
    for (Index i = 0; i < count; ++i) copy(order.at[i], i);
  } else {
    for (Index i = 0; i < count * rows; ++i) copy(order.at[i / rows] * rows + i % rows, i);
  }
}

}  // namespace

void ClassRange::reject(std::int64_t label, Index row, const char* name) const {
  throw std::out_of_range(name + ("[" + std::to_string(row)) + "]: class " + std::to_string(label) +
                          " is out of range for " + std::to_string(count) + " classes (0 to " +
                          std::to_string(count - 1) + ")");
}

template <class T>
T checked_weight(T weight, Index row) {
  if (weight >= 0 && !std::isinf(weight)) return weight;
  char text[32];
  std::snprintf(text, sizeof text, "%g", double(weight));
  throw std::invalid_argument("sample_weight[" + std::to_string(row) + "]: expected a finite number >= 0, got " + text);
}
template float checked_weight(float, Index);
template double checked_weight(double, Index);

void fill_order(std::vector<Index>& order, Index count, bool shuffled, std::uint64_t seed, std::uint64_t epoch) {
  order.resize(std::size_t(count));
  std::iota(order.begin(), order.end(), Index(0));
  if (shuffled) shuffle(order.data(), count, Random(seed, epoch));
}

template <class T>
void Loader<T>::reserve(const DatasetView<T>& samples, Index count, Index outputs) {
  outputs_ = outputs;
  grow(x_, count * samples.x.columns);
  if (samples.values) grow(values_, count * samples.output_time_steps * outputs);
}

template <class T>
Labels<T> Loader<T>::begin_batch(const DatasetView<T>& samples, const SampleOrder& order, Index begin, Index count,
                                 const ClassRange& range) {
  const Index rows = samples.output_time_steps;
  if (samples.classes) {
    if (Index(classes_.size()) < count * rows) classes_.resize(std::size_t(count * rows));
    std::int64_t* const own = classes_.data();
    for_rows(order, begin, count, rows,
             [&](Index from, Index to) { own[to] = range.checked(read_once(samples.classes + from), from); });
  }
  if (samples.weight) {
    if (Index(weight_.size()) < count * rows) weight_.resize(std::size_t(count * rows));
    T* const own = weight_.data();
    for_rows(order, begin, count, rows,
             [&](Index from, Index to) { own[to] = checked_weight(read_once(samples.weight + from), from); });
  }
  return {samples.classes ? classes_.data() : nullptr, samples.weight ? weight_.data() : nullptr};
}

template <class T>
void Loader<T>::load(const InputArray& x, Index i, T* to) {
  if (x.indptr == nullptr) return typed_kernels<T>().layers.cast(x.row(i), x.dtype, x.columns, T(x.scale), to);
  const T* const entries = reinterpret_cast<const T*>(x.data);
  std::fill_n(to, x.columns, T(0));
  for (Index k = x.indptr[i]; k < x.indptr[i + 1]; ++k) to[x.indices[k]] += T(x.scale) * entries[k];
}

template <class T>
MiniBatch<T> Loader<T>::gather(const DatasetView<T>& samples, const SampleOrder& order, Index count) {
  constexpr Index most_ahead = 128;
  const Index values = samples.output_time_steps * outputs_, inputs = samples.x.columns;
  for (Index i = 0; i < count; ++i) {
    const Index from = order.at[i];
    load(samples.x, from, x_.data() + i * inputs);
    if (samples.values) std::copy_n(samples.values + from * values, values, values_.data() + i * values);
  }
  if (samples.x.indptr == nullptr)
    fetch(samples.x, order.at + count, std::min({order.left - count, count, most_ahead}));
  return {{x_.data(), count, inputs, inputs}, nullptr, samples.values ? values_.data() : nullptr, nullptr};
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
  return {
      {in, count, x.columns, x.columns}, nullptr, samples.values ? samples.values + row * outputs_ : nullptr, nullptr};
}

template <class T>
MiniBatch<T> Loader<T>::take(const DatasetView<T>& samples, const SampleOrder& order, Index begin, Index count,
                             Index place) {
  MiniBatch<T> mini_batch = order.at ? gather(samples, order, count) : contiguous_view(samples, begin, count);
  const Index row = place * samples.output_time_steps;
  if (samples.classes) mini_batch.classes = classes_.data() + row;
  if (samples.weight) mini_batch.weight = weight_.data() + row;
  const Index columns = samples.x.columns / samples.time_steps;
  mini_batch.x = {mini_batch.x.data, count * samples.time_steps, columns, columns};
  return mini_batch;
}

SIMDNN_INSTANTIATE(Loader);

}  // namespace simdnn
