// Batch normalisation (Ioffe & Szegedy 2015, arXiv:1502.03167): y = (x - mean) / sqrt(variance + eps) w + b, by the
// batch while it trains, by running statistics in evaluation.
#pragma once

#include "../epilogue.hpp"

namespace simdnn {

template <class T>
class BatchNorm;

struct BatchNormSpec final : Described<BatchNormSpec, BatchNorm> {
  double eps = 1e-5;
  double momentum = 0.1;  ///< the share of a new batch in the running statistics; negative: a plain mean of all
  bool affine = true;

  void list(const std::string& prefix, Inventory& inventory) const override;
  bool whole_batch() const override { return true; }
  bool scales() const override { return true; }
  Scaling scaling(const Folding& next) const override;
};

template <class T>
class BatchNorm final : public EndedLayer<T> {
 public:
  BatchNorm(const BatchNormSpec& spec, Cursor<T>& cursor);
  bool learns() const override { return weight_.values != nullptr; }
  void reserve(Arena<T>& arena, Index rows, Index steps, Mode mode, bool first) override;
  Matrix<T> forward(const Matrix<const T>& x, const Pass& pass) override;
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& start,
                     const Finish<T>& below, const Pass& pass) override;
  void keep() override;

 private:
  using EndedLayer<T>::epilogue_;
  using EndedLayer<T>::y_;

  NormColumns<T> columns();

  Index features_;
  double eps_, momentum_;
  typename Cursor<T>::Slice weight_, bias_;
  T *running_mean_, *running_variance_, *batches_;
  Index batch_ = 0;              ///< rows whose own statistics the last forward pass used; 0: it used the running ones
  bool fresh_ = false;           ///< its statistics have not yet joined the running ones
  std::vector<double> numbers_;  ///< rows of features: mean, variance, inverse, sums, products
  Matrix<T> factors_;            ///< rows of features: center, scale, offset, tilt, back
};

}  // namespace simdnn
