// The base of layers that are one function of their input and have no parameters.
#pragma once

#include "../layer.hpp"

namespace simdnn {

/// A layer y = f(x) with dx = f'(x)^T dy; y and dx have separate matrices.
template <class T>
class FunctionLayer : public Layer<T> {
 public:
  explicit FunctionLayer(const LayerSpec& spec) : inputs_(spec.input.features), outputs_(spec.output.features) {}

  void reserve(Arena<T>& arena, Index rows, Index, Mode mode, bool) override {
    y_ = arena.matrix(rows, outputs_);
    if (mode == Mode::train) input_gradient_ = arena.matrix(rows, inputs_);
  }
  Matrix<T> forward(const Matrix<const T>& x, const PassContext&) override {
    const Matrix<T> y{y_.data, x.rows, outputs_, y_.stride};
    compute(x, y);
    return y;
  }
  bool reads_output() const override { return false; }
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext&) override {
    const Matrix<T> dx{input_gradient_.data, x.rows, inputs_, input_gradient_.stride};
    differentiate(x, gradient, dx);
    return pass_through_gradient(dx, dx_init, prev_post_op);
  }

 private:
  /// y = f(x).
  virtual void compute(const Matrix<const T>& x, const Matrix<T>& y) const = 0;

  /// dx = f'(x)^T dy.
  virtual void differentiate(const Matrix<const T>& x, const Matrix<const T>& dy, const Matrix<T>& dx) const = 0;

  Index inputs_, outputs_;
  Matrix<T> y_, input_gradient_;
};

}  // namespace simdnn
