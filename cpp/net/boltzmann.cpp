#include "boltzmann.hpp"

#include <algorithm>
#include <numeric>

#include "epilogue.hpp"
#include "multiply.hpp"
#include "plan.hpp"
#include "random.hpp"

namespace simdnn {

template <class T>
Boltzmann<T>::Boltzmann(Index visible, Index hidden, std::shared_ptr<const OptimizerConfig> config, std::uint64_t seed)
    : visible_(visible),
      hidden_(hidden),
      values_(visible * hidden + hidden + visible),
      gradients_(values_.size()),
      positive_(values_.size()),
      negative_(values_.size()),
      optimizer_(std::move(config)),
      seed_(seed) {
  optimizer_.add(values_.data(), visible * hidden, {visible, hidden});
  optimizer_.add(hidden_bias(), hidden);
  optimizer_.add(visible_bias(), visible);
  for (const bool placing : {false, true}) {
    if (placing) arena_.allocate();
    data_ = arena_.matrix(kChunk, visible);
    v_ = arena_.matrix(kChunk, visible);
    h_ = arena_.matrix(kChunk, hidden);
    sample_ = arena_.matrix(kChunk, hidden);
  }
}

/// sigmoid(x weight + bias) in the first rows of `out`.
template <class T>
Matrix<T> units_of(const Matrix<const T>& x, const T* weight, Index row, Index column, const T* bias,
                   const Matrix<T>& out, const StopToken& stop) {
  static const int sigmoid = activation_index("sigmoid");
  Product<T> p;
  p.rows = x.rows;
  p.columns = out.columns;
  p.depth = x.columns;
  p.a = x.data;
  p.a_row = x.stride;
  p.a_column = 1;
  p.b = weight;
  p.b_row = row;
  p.b_column = column;
  p.c_init = bias;
  p.c = out.data;
  p.c_row = out.stride;
  p.padded = true;
  p.post_op.apply = typed_kernels<T>().activations[sigmoid].infer;
  multiply(p, stop);
  return {out.data, x.rows, out.columns, out.stride};
}

template <class T>
Matrix<T> Boltzmann<T>::up(const Matrix<const T>& v, const StopToken& stop) {
  return units_of<T>(v, values_.data(), hidden_, 1, hidden_bias(), h_, stop);
}

template <class T>
Matrix<T> Boltzmann<T>::down(const Matrix<const T>& h, const StopToken& stop) {
  return units_of<T>(h, values_.data(), 1, hidden_, visible_bias(), v_, stop);
}

/// States of units, 1 with the given probabilities; `first` is the place of the first row in its batch.
template <class T>
Matrix<T> Boltzmann<T>::sample(const Matrix<T>& p, const Matrix<T>& out, std::uint32_t stream, Index first) const {
  RandomRows<T> rows;
  rows.rows = p.rows;
  rows.columns = p.columns;
  rows.x = p.data;
  rows.x_stride = p.stride;
  rows.y = rows.slope = out.data;
  rows.stride = out.stride;
  rows.random = {seed_, std::uint64_t(optimizer_.attempted_steps()), stream, first};
  typed_kernels<T>().layers.bernoulli(rows);
  return {out.data, p.rows, p.columns, out.stride};
}

template <class T>
void Boltzmann<T>::add(const Matrix<const T>& v, const Matrix<const T>& h, bool accumulate, Statistics& sums,
                       const StopToken& stop) {
  static constexpr T one = 1;
  Product<T> p;
  p.depth = v.rows;
  const auto sum = [&](const T* a, Index a_row, Index a_column, Index rows, const Matrix<const T>& b, T* out) {
    p.rows = rows;
    p.columns = b.columns;
    p.a = a;
    p.a_row = a_row;
    p.a_column = a_column;
    p.b = b.data;
    p.b_row = b.stride;
    p.c = out;
    p.c_row = p.c_init_row = b.columns;
    p.c_init = accumulate ? out : nullptr;
    multiply(p, stop);
    return out + rows * b.columns;
  };
  T* out = sum(v.data, 1, v.stride, v.columns, h, sums.data());
  out = sum(&one, 0, 0, 1, h, out);
  sum(&one, 0, 0, 1, v, out);
}

template <class T>
Matrix<const T> Boltzmann<T>::gather(const Matrix<const T>& x, const Index* order, Index count) {
  for (Index i = 0; i < count; ++i) {
    std::copy_n(x.data + order[i] * x.stride, visible_, data_.data + i * data_.stride);
  }
  return Matrix<T>{data_.data, count, visible_, data_.stride};
}

template <class T>
double Boltzmann<T>::squared_error(const Matrix<const T>& a, const Matrix<const T>& b) {
  double sum = 0;
  for (Index i = 0; i < a.rows; ++i) {
    T* const difference = v_.data + i * v_.stride;  // over what was compared
    typed_kernels<T>().layers.difference(a.data + i * a.stride, b.data + i * b.stride, T(1), difference, visible_);
    sum += typed_kernels<T>().square_sum(difference, visible_);
  }
  return sum;
}

/// One update; hidden states that drive a reconstruction are sampled, the hidden half of the statistics are
/// probabilities (Hinton 2010, sections 3.1 to 3.3).
template <class T>
double Boltzmann<T>::step(const Matrix<const T>& x, const Index* order, Index count, const Sampling& sampling,
                          const StopToken& stop) {
  double error = 0;
  for (Index begin = 0; begin < count; begin += kChunk) {
    const Matrix<const T> data = gather(x, order + begin, std::min(kChunk, count - begin));
    Matrix<T> h = up(data, stop), v;
    add(data, h, begin > 0, positive_, stop);
    for (int i = 0; i < sampling.k && !stop.stopped(); ++i) {
      v = down(sample(h, sample_, std::uint32_t(2 * i), begin), stop);
      if (sampling.visible) sample(v, v, std::uint32_t(2 * i + 1), begin);
      h = up(v, stop);
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
double Boltzmann<T>::epoch(const Matrix<const T>& x, Index batch, const Sampling& sampling, std::uint64_t epoch,
                           const StopToken& stop) {
  order_.resize(std::size_t(x.rows));
  std::iota(order_.begin(), order_.end(), Index(0));
  shuffle(order_.data(), x.rows, Random(seed_, epoch));
  double error = 0;
  for (Index begin = 0; begin < x.rows && !stop.stopped(); begin += batch) {
    error += step(x, order_.data() + begin, std::min(batch, x.rows - begin), sampling, stop);
  }
  return error / double(x.rows * visible_);
}

/// Calls function(rows of x) chunk by chunk and stores the results contiguously.
template <class T, class Function>
void for_chunks(const Matrix<const T>& x, T* out, const StopToken& stop, const Function& function) {
  for (Index begin = 0; begin < x.rows && !stop.stopped(); begin += kChunk) {
    const Index rows = std::min(kChunk, x.rows - begin);
    const Matrix<T> y = function(Matrix<const T>{x.data + begin * x.stride, rows, x.columns, x.stride});
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
