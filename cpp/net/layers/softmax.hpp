// Probabilities of classes, for losses of probabilities (Bridle 1990).
#pragma once

#include "function_layer.hpp"

namespace simdnn {

template <class T>
class Softmax;

struct SoftmaxSpec final : SpecFor<SoftmaxSpec, Softmax> {
  static constexpr const char* kind = "softmax";
};

template <class T>
class Softmax final : public FunctionLayer<T> {
 public:
  Softmax(const SoftmaxSpec& spec, ParameterBinder<T>&) : FunctionLayer<T>(spec) {}

 private:
  void compute(const Matrix<const T>& x, const Matrix<T>& y) const override {
    typed_kernels<T>().softmax(softmax_rows(x, y));
  }
  void differentiate(const Matrix<const T>& x, const Matrix<const T>& dy, const Matrix<T>& dx) const override {
    SoftmaxRows<T> rows = softmax_rows(x, dx);
    rows.dy = dy.data;
    rows.dy_stride = dy.stride;
    typed_kernels<T>().softmax_backward(rows);
  }
  static SoftmaxRows<T> softmax_rows(const Matrix<const T>& x, const Matrix<T>& out) {
    SoftmaxRows<T> rows;
    rows.rows = x.rows;
    rows.columns = x.columns;
    rows.x = x.data;
    rows.x_stride = x.stride;
    rows.out = out.data;
    rows.out_stride = out.stride;
    return rows;
  }
};

}  // namespace simdnn
