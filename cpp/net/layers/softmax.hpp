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
    typed_kernels<T>().softmax(softmax_rows(x, y_));
    return {y_.data, x.rows, features_, y_.stride};
  }
  bool reads_output() const override { return false; }
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext&) override {
    SoftmaxRows<T> rows = softmax_rows(x, input_gradient_);
    rows.dy = gradient.data;
    rows.dy_stride = gradient.stride;
    typed_kernels<T>().softmax_backward(rows);
    return pass_through_gradient({input_gradient_.data, x.rows, features_, input_gradient_.stride}, dx_init,
                                 prev_post_op);
  }

 private:
  SoftmaxRows<T> softmax_rows(const Matrix<const T>& x, const Matrix<T>& out) const {
    SoftmaxRows<T> rows;
    rows.rows = x.rows;
    rows.columns = features_;
    rows.x = x.data;
    rows.x_stride = x.stride;
    rows.out = out.data;
    rows.out_stride = out.stride;
    return rows;
  }

  Index features_;
  Matrix<T> y_, input_gradient_;
};

}  // namespace simdnn
