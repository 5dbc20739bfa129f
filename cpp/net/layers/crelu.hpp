// Concatenated relu (Shang et al. 2016, arXiv:1603.05201): y = [relu(x), relu(-x)].
#pragma once

#include "columns.hpp"

namespace simdnn {

template <class T>
class CRelu;

struct CReluSpec final : SpecFor<CReluSpec, CRelu> {};

template <class T>
class CRelu final : public Layer<T> {
 public:
  CRelu(const CReluSpec& spec, ParameterBinder<T>&) : features_(spec.input.features) {}

  void reserve(Arena<T>& arena, Index rows, Index, Mode mode, bool) override {
    y_ = arena.matrix(rows, 2 * features_);
    if (mode == Mode::train) input_gradient_ = arena.matrix(rows, features_);
  }
  Matrix<T> forward(const Matrix<const T>& x, const PassContext&) override {
    typed_kernels<T>().layers.crelu(x.data, x.stride, x.rows, features_, y_.data, y_.stride);
    return {y_.data, x.rows, 2 * features_, y_.stride};
  }
  bool reads_output() const override { return false; }
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext&) override {
    const Matrix<T> dx{input_gradient_.data, x.rows, features_, input_gradient_.stride};
    typed_kernels<T>().layers.crelu_backward(gradient.data, gradient.stride, x.data, x.stride, x.rows, features_,
                                             dx.data, dx.stride);
    return pass_through_gradient(dx, dx_init, prev_post_op);
  }

 private:
  Index features_;
  Matrix<T> y_, input_gradient_;
};

}  // namespace simdnn
