// A restricted Boltzmann machine of binary units, trained by contrastive divergence (Hinton 2002; Hinton 2010, "A
// practical guide to training restricted Boltzmann machines").
#pragma once

#include "network.hpp"
#include "optimizer.hpp"

namespace simdnn {

/// The chain from the data: k steps, whose reconstructions may be states too.
struct Sampling {
  int k = 1;
  bool visible = false;
};

/// P(h | v) = sigmoid(v W + c) and P(v | h) = sigmoid(h W^T + b).
template <class T>
class Boltzmann {
 public:
  Boltzmann(Index visible, Index hidden, std::shared_ptr<const OptimizerConfig> config, std::uint64_t seed);

  Index visible() const { return visible_; }
  Index hidden() const { return hidden_; }

  /// W, c and b, one after the other.
  Buffer<T>& values() { return values_; }
  Optimizer<T>& optimizer() { return optimizer_; }
  OwnedMutex& mutex() { return mutex_; }
  Nanoseconds work(Index rows) const { return double(rows) * double(visible_ * hidden_) * kBoltzmannWeight; }

  /// CD-k over mini-batches of `batch` in the order of the epoch; returns the mean squared error of the
  /// reconstructions, each before its step's update.
  double epoch(const Matrix<const T>& x, Index batch, const Sampling& sampling, std::uint64_t epoch,
               const StopToken& stop);

  /// out[i, :] = P(h | x[i, :]), contiguous.
  void transform(const Matrix<const T>& x, T* out, const StopToken& stop);

  /// out[i, :] = P(v | P(h | x[i, :])), contiguous.
  void reconstruct(const Matrix<const T>& x, T* out, const StopToken& stop);

 private:
  /// What contrastive divergence compares: V^T H, 1^T H and 1^T V, laid out as the values.
  using Statistics = Buffer<T>;

  Matrix<T> up(const Matrix<const T>& v, const StopToken& stop);
  Matrix<T> down(const Matrix<const T>& h, const StopToken& stop);
  Matrix<T> sample(const Matrix<T>& p, const Matrix<T>& out, std::uint32_t stream, Index first) const;
  void add(const Matrix<const T>& v, const Matrix<const T>& h, bool accumulate, Statistics& sums,
           const StopToken& stop);
  Matrix<const T> gather(const Matrix<const T>& x, const Index* order, Index count);
  double step(const Matrix<const T>& x, const Index* order, Index count, const Sampling& sampling,
              const StopToken& stop);
  double squared_error(const Matrix<const T>& a, const Matrix<const T>& b);

  T* hidden_bias() { return values_.data() + visible_ * hidden_; }
  T* visible_bias() { return hidden_bias() + hidden_; }

  Index visible_, hidden_;
  Buffer<T> values_, gradients_;
  Statistics positive_, negative_;
  Optimizer<T> optimizer_;
  std::uint64_t seed_;
  Arena<T> arena_;
  Matrix<T> data_, v_, h_, sample_;  ///< of a chunk of rows
  std::vector<Index> order_;
  OwnedMutex mutex_;
};

}  // namespace simdnn
