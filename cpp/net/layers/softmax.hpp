// Probabilities of classes, for losses of probabilities (Bridle 1990).
#pragma once

#include "../layer.hpp"

namespace simdnn {

template <class T>
class Softmax;

struct SoftmaxSpec final : SpecFor<SoftmaxSpec, Softmax> {};

template <class T>
class Softmax final : public Layer<T> {
 public:
  Softmax(const SoftmaxSpec& spec, ParameterBinder<T>&) : features_(spec.input.features) {}

  void reserve(Arena<T>& arena, Index rows, Index, Mode mode, bool) override {
    y_ = arena.matrix(rows, features_);
    if (mode == Mode::train) input_gradient_ = arena.matrix(rows, features_);
  }
  Matrix<T> forward(const Matrix<const T>& x, const PassContext&) override {
    const Matrix<T> y = y_.first_rows(x.rows);
    typed_kernels<T>().softmax({.x = x, .out = y});
    return y;
  }
  bool reads_output() const override { return false; }
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext&) override {
    const Matrix<T> dx = input_gradient_.first_rows(x.rows);
    typed_kernels<T>().softmax_backward({.x = x, .dy = gradient, .out = dx});
    return pass_through_gradient(dx, dx_init, prev_post_op);
  }

 private:
  Index features_;
  Matrix<T> y_, input_gradient_;
};

}  // namespace simdnn
