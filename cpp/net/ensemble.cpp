#include "ensemble.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "../threads/parallel.hpp"
#include "epilogue.hpp"

namespace simdnn {
namespace {

/// Bytes of members' outputs that wait for their mean.
constexpr Index kWaiting = 4 << 20;

/// Turns rows of logits into probabilities, in place.
template <class T>
void to_probabilities(T* logits, Index rows, Index columns) {
  static const int sigmoid = activation_index("sigmoid");
  if (columns == 1) {
    typed_kernels<T>().activations[sigmoid].infer(logits, nullptr, rows, 1, rows, nullptr);
  } else {
    const Matrix<T> m{logits, rows, columns, columns};
    typed_kernels<T>().softmax({.x = m, .out = m});
  }
}

/// Outputs of members, each `stride` elements after the last, and their weights.
template <class T>
struct Weighted {
  const T* outputs;
  Index stride;
  const std::vector<double>& weights;
  double total;  ///< sum of the weights

  /// sums[i] = sum over members of weight f(i, output) / total, added in their order.
  template <class F>
  void mean(Index begin, Index count, double* sums, const F& f) const {
    std::fill_n(sums, count, 0.0);
    for (std::size_t k = 0; k < weights.size(); ++k) {
      if (weights[k] == 0) continue;
      const T* const from = outputs + Index(k) * stride + begin;
      for (Index i = 0; i < count; ++i) sums[i] += weights[k] * f(i, double(from[i]));
    }
    for (Index i = 0; i < count; ++i) sums[i] /= total;
  }
};

/// Writes the means of outputs [begin, end) and, unless it is nullptr, the standard deviations.
template <class T>
void combine(const Weighted<T>& members, Index begin, Index end, T* mean, T* deviation) {
  constexpr Index most = 256;
  double means[most], squares[most];
  for (Index first = begin; first < end; first += most) {
    const Index count = std::min(most, end - first);
    members.mean(first, count, means, [](Index, double y) { return y; });
    for (Index i = 0; i < count; ++i) mean[first + i] = T(means[i]);
    if (!deviation) continue;
    members.mean(first, count, squares, [&](Index i, double y) { return (y - means[i]) * (y - means[i]); });
    for (Index i = 0; i < count; ++i) deviation[first + i] = T(std::sqrt(squares[i]));
  }
}

/// The means, and the standard deviations, of `count` outputs, which threads share.
template <class T>
void combine(const Weighted<T>& members, Index count, T* mean, T* deviation) {
  const Nanoseconds work = kLayerElement * double(count) * double(members.weights.size());
  parallel_for(count, 256, work, [&](Index begin, Index end) { combine(members, begin, end, mean, deviation); });
}

}  // namespace

template <class T>
void Ensemble<T>::predict_members(const Matrix<const T>& x, Index time_steps, T* out, Index stride, int threads,
                                  const StopToken& stop) const {
  const Index columns = members.front().network->outputs(), rows = x.rows * outputs_of(time_steps) / columns;
  std::vector<Prediction> predictions;
  for (std::size_t k = 0; k < members.size(); ++k) {
    if (weights[k] == 0) continue;
    T* const to = out + Index(k) * stride;
    Prediction one = members[k].predict(x, time_steps, to);
    if (probabilities) {
      one.run = [run = std::move(one.run), to, rows, columns](const StopToken& token) {
        run(token);
        to_probabilities(to, rows, columns);
      };
    }
    predictions.push_back(std::move(one));
  }
  if (2 * Index(predictions.size()) <= threads) {  // threads share the work inside each member
    for (const Prediction& one : predictions) one.run(stop);
  } else {
    run_predictions(std::move(predictions), threads, stop);
  }
}

template <class T>
void Ensemble<T>::predict(const Matrix<const T>& x, Index time_steps, T* mean, T* deviation, int threads,
                          const StopToken& stop) const {
  const Index outputs = outputs_of(time_steps), block = block_rows(x.rows, outputs);
  const Index stride = checked_product(block, outputs);
  double total = 0;
  for (const double weight : weights) total += weight;
  const auto size = std::size_t(checked_product(stride, Index(members.size())));
  const std::unique_ptr<T[]> memory(new T[size]);
  for (Index begin = 0; begin < x.rows && !stop.stopped(); begin += block) {
    const Index rows = std::min(block, x.rows - begin), count = rows * outputs, first = begin * outputs;
    predict_members(x.row_range(begin, rows), time_steps, memory.get(), stride, threads, stop);
    const Weighted<T> weighted{memory.get(), stride, weights, total};
    combine(weighted, count, mean + first, deviation ? deviation + first : nullptr);
  }
}

template <class T>
Nanoseconds Ensemble<T>::work(Index samples, Index time_steps) const {
  Nanoseconds sum = 0;
  for (const Inference<T>& one : members) sum += one.network->flops(time_steps) * one.flop * double(samples);
  return sum;
}

/// Number of outputs of a sample of so many rows.
template <class T>
Index Ensemble<T>::outputs_of(Index time_steps) const {
  const Network<T>& network = *members.front().network;
  return network.output_time_steps(time_steps) * network.outputs();
}

/// Samples whose outputs are averaged together: all of them if states are carried from one batch to the next.
template <class T>
Index Ensemble<T>::block_rows(Index rows, Index outputs) const {
  const auto stateful = [](const Inference<T>& one) { return !one.network->states().empty(); };
  if (std::any_of(members.begin(), members.end(), stateful)) return rows;
  const Index bytes = checked_product(Index(members.size()) * Index(sizeof(T)), outputs);
  return std::min(rows, std::max<Index>(kWaiting / bytes / kChunk, 1) * kChunk);
}

SIMDNN_INSTANTIATE(Ensemble);

}  // namespace simdnn
