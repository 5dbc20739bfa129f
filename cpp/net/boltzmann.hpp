// A restricted Boltzmann machine of binary units, trained by contrastive divergence (Hinton 2002; Hinton 2010, "A
// practical guide to training restricted Boltzmann machines").
#pragma once

#include "loader.hpp"
#include "network.hpp"
#include "optimizer.hpp"

namespace simdnn {

/// The Gibbs chain from the data: k steps, whose reconstructions are probabilities or, if `visible`, states.
struct Sampling {
  int k = 1;
  bool visible = false;
};

/// P(h | v) = sigmoid(v W + c) and P(v | h) = sigmoid(h W^T + b).
template <class T>
class Boltzmann {
 public:
  Boltzmann(Index visible, Index hidden, const std::shared_ptr<const OptimizerConfig>& config, std::uint64_t seed);

  Index visible() const { return visible_; }
  Index hidden() const { return hidden_; }

  /// The parameters W, c and b, one after the other.
  Buffer<T>& values() { return values_; }
  Optimizer<T>& optimizer() { return optimizer_; }
  OwnedMutex& mutex() { return *mutex_; }
  Nanoseconds work(Index rows) const { return double(rows) * double(visible_ * hidden_) * kBoltzmannWeight; }

  /// CD-k over mini-batches of `batch` in the order of the epoch; returns the mean squared error of the
  /// reconstructions, each before its step's update.
  double epoch(const InputArray& x, Index batch, const Sampling& sampling, std::uint64_t epoch, const StopToken& stop);

  /// out[i, :] = P(h | x[i, :]), contiguous.
  void transform(const Matrix<const T>& x, T* out, const StopToken& stop);

  /// out[i, :] = P(v | P(h | x[i, :])), contiguous.
  void reconstruct(const Matrix<const T>& x, T* out, const StopToken& stop);

 private:
  /// The sums V^T H [visible, hidden], 1^T H and 1^T V, which contrastive divergence compares, in the layout of the
  /// values.
  using Statistics = Buffer<T>;

  /// The parts of a buffer in the layout of the values.
  struct Blocks {
    Matrix<T> weight, hidden_bias, visible_bias;
  };
  Blocks blocks(Buffer<T>& buffer) const {
    T* const data = buffer.data();
    const Index weights = visible_ * hidden_;
    return {{data, visible_, hidden_, hidden_},
            {data + weights, 1, hidden_, hidden_},
            {data + weights + hidden_, 1, visible_, visible_}};
  }

  Matrix<T> up(const Matrix<const T>& v, const StopToken& stop);
  Matrix<T> down(const Matrix<const T>& h, const StopToken& stop);
  Matrix<T> sample(const Matrix<T>& p, const Matrix<T>& out, std::uint32_t stream, Index first) const;
  void add(const Matrix<const T>& v, const Matrix<const T>& h, bool accumulate, Statistics& sums,
           const StopToken& stop);
  double step(const DatasetView<T>& samples, const SampleOrder& order, Index count, const Sampling& sampling,
              const StopToken& stop);
  double squared_error(const Matrix<const T>& a, const Matrix<const T>& b);

  Index visible_, hidden_;
  Buffer<T> values_, gradients_;
  Statistics positive_, negative_;
  Optimizer<T> optimizer_;
  std::uint64_t seed_;
  Arena<T> arena_;
  Matrix<T> v_, h_, sample_;  ///< units of a chunk of rows
  Loader<T> loader_;
  std::vector<Index> order_;
  std::shared_ptr<OwnedMutex> mutex_;  ///< also that of the optimizer's configuration
};

}  // namespace simdnn
