// y = f(x W + b).
#pragma once

#include "layer.hpp"

namespace simdnn {

struct DenseSpec {
  Index inputs = 0, outputs = 0;
  bool bias = true;
  int activation = 0;  ///< its place in the registry
  std::vector<double> parameters;
};

template <class T>
class Dense final : public Layer<T> {
 public:
  explicit Dense(const DenseSpec& spec);
  Index inputs() const override { return spec_.inputs; }
  Index outputs() const override { return spec_.outputs; }
  std::vector<ParameterBlock> parameters() const override;
  void reserve(Arena<T>& arena, Index rows, Mode mode, bool first) override;
  void prepare(const ParameterViews<T>& views) override;
  Matrix<T> forward(const Matrix<const T>& x, const ParameterViews<T>& views, Mode mode, const Context&) override;
  Finish<T> backward_finish() const override;
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const ParameterViews<T>& views,
                     bool accumulate, const Matrix<const T>& start, const Finish<T>& below, const Context&) override;
  double flops() const override { return 6.0 * double(spec_.inputs) * double(spec_.outputs); }

 private:
  const T* bias(const ParameterViews<T>& views) const { return views.values + spec_.inputs * spec_.outputs; }

  DenseSpec spec_;
  std::vector<T> activation_parameters_;
  bool linear_;
  bool stores_derivative_;
  Matrix<T> y_, derivative_;
  Matrix<T> mirror_;          ///< W transposed, so that dX = dY W^T reads rows too
  Matrix<T> input_gradient_;  ///< empty in a first layer
};

}  // namespace simdnn
