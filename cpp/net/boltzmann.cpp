#include "boltzmann.hpp"

#include <algorithm>

#include "epilogue.hpp"
#include "parallel_product.hpp"
#include "plan.hpp"

namespace simdnn {

template <class T>
Boltzmann<T>::Boltzmann(Index visible, Index hidden, const std::shared_ptr<const OptimizerConfig>& config,
                        std::uint64_t seed)
    : visible_(visible),
      hidden_(hidden),
      values_(visible * hidden + hidden + visible),
      gradients_(values_.size()),
      positive_(values_.size()),
      negative_(values_.size()),
      optimizer_(config),
      seed_(seed),
      mutex_(config->mutex) {
  const Blocks parameters = blocks(values_);
  optimizer_.add(parameters.weight.data, visible * hidden, {visible, hidden});
  optimizer_.add(parameters.hidden_bias.data, hidden);
  optimizer_.add(parameters.visible_bias.data, visible);
  for (const bool placing : {false, true}) {
    if (placing) arena_.allocate();
    v_ = arena_.matrix(kChunk, visible);
    h_ = arena_.matrix(kChunk, hidden);
    sample_ = arena_.matrix(kChunk, hidden);
  }
}

/// sigmoid(x W + bias) in the first rows of `out`.
template <class T>
Matrix<T> probabilities(const Matrix<const T>& x, const Operand<T>& weight, const Matrix<T>& bias, const Matrix<T>& out,
                        const StopToken& stop) {
  static const int sigmoid = activation_index("sigmoid");
  const Matrix<T> p = out.first_rows(x.rows);
  multiply<T>({.a = x,
               .b = weight,
               .c_init = broadcast(bias),
               .c = p,
               .padded = true,
               .post_op = {.apply = typed_kernels<T>().activations[sigmoid].infer}},
              stop);
  return p;
}

/// P(h | v) = sigmoid(v W + c) [rows, hidden].
template <class T>
Matrix<T> Boltzmann<T>::up(const Matrix<const T>& v, const StopToken& stop) {
  const Blocks parameters = blocks(values_);
  return probabilities<T>(v, parameters.weight, parameters.hidden_bias, h_, stop);
}

/// P(v | h) = sigmoid(h W^T + b) [rows, visible].
template <class T>
Matrix<T> Boltzmann<T>::down(const Matrix<const T>& h, const StopToken& stop) {
  const Blocks parameters = blocks(values_);
  return probabilities<T>(h, transposed(parameters.weight), parameters.visible_bias, v_, stop);
}

/// States of units, each 1 with its probability in p; `first` is the index of the first row in its batch.
template <class T>
Matrix<T> Boltzmann<T>::sample(const Matrix<T>& p, const Matrix<T>& out, std::uint32_t stream, Index first) const {
  const Matrix<T> states = out.first_rows(p.rows);
  typed_kernels<T>().layers.bernoulli({.x = p,
                                       .y = states,
                                       .slope = states,
                                       .random = {seed_, std::uint64_t(optimizer_.attempted_steps()), stream, first}});
  return states;
}

/// Computes the sums v^T h, 1^T h and 1^T v; if `accumulate`, adds them to those of earlier chunks of the batch.
template <class T>
void Boltzmann<T>::add(const Matrix<const T>& v, const Matrix<const T>& h, bool accumulate, Statistics& sums,
                       const StopToken& stop) {
  const Blocks to = blocks(sums);
  const auto sum = [&](const Operand<T>& a, const Matrix<const T>& b, const Matrix<T>& c) {
    multiply<T>({.a = a, .b = b, .c_init = accumulate ? c : Matrix<T>{}, .c = c}, stop);
  };
  sum(transposed(v), h, to.weight);
  sum(row_of_ones<T>(h.rows), h, to.hidden_bias);
  sum(row_of_ones<T>(v.rows), v, to.visible_bias);
}

/// The sum of (a - b)^2 over the rows.
template <class T>
double Boltzmann<T>::squared_error(const Matrix<const T>& a, const Matrix<const T>& b) {
  double sum = 0;
  for (Index i = 0; i < a.rows; ++i) {
    T* const difference = v_.data + i * v_.stride;  // v_ is no longer needed
    typed_kernels<T>().layers.difference(a.data + i * a.stride, b.data + i * b.stride, T(1), difference, visible_);
    sum += typed_kernels<T>().square_sum(difference, visible_);
  }
  return sum;
}

/// Makes one update. The hidden states that drive a reconstruction are sampled; the statistics use the probabilities of
/// the hidden units (Hinton 2010, sections 3.1 to 3.3).
template <class T>
double Boltzmann<T>::step(const DatasetView<T>& samples, const SampleOrder& order, Index count,
                          const Sampling& sampling, const StopToken& stop) {
  double error = 0;
  for (Index begin = 0; begin < count; begin += kChunk) {
    const Index rows = std::min(kChunk, count - begin);
    const Matrix<const T> data = loader_.take(samples, order.from(begin), begin, rows, 0).x;
    Matrix<T> h = up(data, stop), v;
    apply(flush_post_op<T>(), h);
    add(data, h, begin > 0, positive_, stop);
    for (int i = 0; i < sampling.k && !stop.stopped(); ++i) {
      v = down(sample(h, sample_, std::uint32_t(2 * i), begin), stop);
      if (sampling.visible) sample(v, v, std::uint32_t(2 * i + 1), begin);
      h = up(v, stop);
      apply(flush_post_op<T>(), h);
      apply(flush_post_op<T>(), v);
    }
    if (stop.stopped()) return error;
    add(v, h, begin > 0, negative_, stop);
    error += squared_error(v, data);
  }
  typed_kernels<T>().layers.difference(negative_.data(), positive_.data(), T(1.0 / double(count)), gradients_.data(),
                                       gradients_.size());
  const T* const gradients = gradients_.data();
  optimizer_.step({gradients, gradients + visible_ * hidden_, gradients + visible_ * hidden_ + hidden_});
  stop.after(kStepOverhead);
  return error;
}

template <class T>
double Boltzmann<T>::epoch(const InputArray& x, Index batch, const Sampling& sampling, std::uint64_t epoch,
                           const StopToken& stop) {
  const DatasetView<T> samples{.x = x};
  fill_order(order_, x.rows, true, seed_, epoch);
  loader_.reserve(samples, std::min(kChunk, batch), 0);
  double error = 0;
  for (Index begin = 0; begin < x.rows && !stop.stopped(); begin += batch) {
    const SampleOrder order{order_.data() + begin, x.rows - begin};
    error += step(samples, order, std::min(batch, x.rows - begin), sampling, stop);
  }
  return error / double(x.rows * visible_);
}

/// Calls function(rows of x) chunk by chunk and stores the results contiguously.
template <class T, class Function>
void for_chunks(const Matrix<const T>& x, T* out, const StopToken& stop, const Function& function) {
  for (Index begin = 0; begin < x.rows && !stop.stopped(); begin += kChunk) {
    const Index rows = std::min(kChunk, x.rows - begin);
    const Matrix<T> y = function(x.row_range(begin, rows));
    copy_rows<T>(y, out, y.columns);
    out += rows * y.columns;
  }
}

template <class T>
void Boltzmann<T>::transform(const Matrix<const T>& x, T* out, const StopToken& stop) {
  for_chunks(x, out, stop, [&](const Matrix<const T>& rows) { return up(rows, stop); });
}

template <class T>
void Boltzmann<T>::reconstruct(const Matrix<const T>& x, T* out, const StopToken& stop) {
  for_chunks(x, out, stop, [&](const Matrix<const T>& rows) { return down(up(rows, stop), stop); });
}

SIMDNN_INSTANTIATE(Boltzmann);

}  // namespace simdnn
