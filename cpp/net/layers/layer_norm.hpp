// Layer normalisation (Ba, Kiros & Hinton 2016, arXiv:1607.06450): each row by its own mean and variance.
#pragma once

#include "../epilogue.hpp"

namespace simdnn {

template <class T>
class LayerNorm;

struct LayerNormSpec final : Described<LayerNormSpec, LayerNorm> {
  double eps = 1e-5;
  bool affine = true;

  void list(const std::string& prefix, Inventory& inventory) const override;
};

template <class T>
class LayerNorm final : public EndedLayer<T> {
 public:
  LayerNorm(const LayerNormSpec& spec, Cursor<T>& cursor);
  bool learns() const override { return weight_.values != nullptr; }
  void reserve(Arena<T>& arena, Index rows, Index steps, Mode mode, bool first) override;
  Matrix<T> forward(const Matrix<const T>& x, const Pass& pass) override;
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& start,
                     const Finish<T>& below, const Pass& pass) override;

 private:
  using EndedLayer<T>::epilogue_;
  using EndedLayer<T>::y_;

  void add_gradients(const Matrix<T>& gradient, const Pass& pass);

  Index features_;
  double eps_;
  typename Cursor<T>::Slice weight_, bias_;
  std::vector<double> inverse_;  ///< of each row
  std::vector<double> sums_;     ///< gradients of weight, then of bias, over the chunks of a batch
  Matrix<T> normal_;
};

}  // namespace simdnn
