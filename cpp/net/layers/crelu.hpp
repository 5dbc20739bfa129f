// Concatenated relu (Shang et al. 2016, arXiv:1603.05201): y = [relu(x), relu(-x)].
#pragma once

#include "function_layer.hpp"

namespace simdnn {

template <class T>
class CRelu;

struct CReluSpec final : SpecFor<CReluSpec, CRelu> {
  static constexpr const char* kind = "crelu";
};

template <class T>
class CRelu final : public FunctionLayer<T> {
 public:
  CRelu(const CReluSpec& spec, ParameterBinder<T>&) : FunctionLayer<T>(spec) {}

 private:
  void compute(const Matrix<const T>& x, const Matrix<T>& y) const override {
    typed_kernels<T>().layers.crelu(x.data, x.stride, x.rows, x.columns, y.data, y.stride);
  }
  void differentiate(const Matrix<const T>& x, const Matrix<const T>& dy, const Matrix<T>& dx) const override {
    typed_kernels<T>().layers.crelu_backward(dy.data, dy.stride, x.data, x.stride, x.rows, x.columns, dx.data,
                                             dx.stride);
  }
};

}  // namespace simdnn
