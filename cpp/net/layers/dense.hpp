// y = f(x W + b).
#pragma once

#include "../epilogue.hpp"

namespace simdnn {

template <class T>
class Dense;

struct DenseSpec final : Described<DenseSpec, Dense> {
  bool bias = true;
  Activation activation_of_output;

  Index weights() const { return input.features * output.features; }
  void list(const std::string& prefix, Inventory& inventory) const override;
  SpecPointer scaled(const Scaling& scaling, Folding& last) const override;
  double flops(Index steps) const override { return 6.0 * double(weights()) * double(steps); }
};

template <class T>
class Dense final : public EndedLayer<T> {
 public:
  Dense(const DenseSpec& spec, Cursor<T>& cursor);
  bool learns() const override { return true; }
  void reserve(Arena<T>& arena, Index rows, Index steps, Mode mode, bool first) override;
  Matrix<T> forward(const Matrix<const T>& x, const Pass& pass) override;
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& start,
                     const Finish<T>& below, const Pass& pass) override;

 private:
  using EndedLayer<T>::epilogue_;
  using EndedLayer<T>::y_;

  Index inputs_, outputs_;
  typename Cursor<T>::Slice weight_, bias_;
  Matrix<T> input_gradient_;  ///< empty in a first layer
};

}  // namespace simdnn
