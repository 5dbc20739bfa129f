// The softmax of each row (Bridle 1990), for losses that take probabilities.
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
    typed_kernels<T>().softmax({.x = x, .out = y});
  }
  void differentiate(const Matrix<const T>& x, const Matrix<const T>& dy, const Matrix<T>& dx) const override {
    typed_kernels<T>().softmax_backward({.x = x, .dy = dy, .out = dx});
  }
};

}  // namespace simdnn
