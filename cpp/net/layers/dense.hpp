// A dense layer: y [rows, outputs] = f(x [rows, inputs] W + b).
#pragma once

#include "../epilogue.hpp"

namespace simdnn {

template <class T>
class Dense;

struct DenseSpec final : SpecFor<DenseSpec, Dense> {
  static constexpr const char* kind = "dense";
  bool bias = true;
  Activation activation_of_output;

  template <class Fields>
  void fields(Fields& f) {
    f("bias", bias);
    f("activation", activation_of_output);
  }

  using SpecFor<DenseSpec, Dense>::instantiate;
  std::unique_ptr<Layer<float>> instantiate(ParameterBinder<float>& binder) const override;

  Index weights() const { return input.features * output.features; }
  void declare_parameters(const std::string& prefix, ParameterLayout& layout) const override;
  SpecPointer with_affine_scale(const AffineScale& scaling, BatchNormFolder& last) const override;
  double flops(Index time_steps) const override { return 6.0 * double(weights()) * double(time_steps); }
};

template <class T>
class Dense final : public LayerWithEpilogue<T> {
 public:
  Dense(const DenseSpec& spec, ParameterBinder<T>& binder);
  bool has_parameters() const override { return true; }
  void reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) override;
  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override;
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext& context) override;

 private:
  using LayerWithEpilogue<T>::epilogue_;
  using LayerWithEpilogue<T>::y_;

  Index inputs_, outputs_;
  ParameterView<T> weight_, bias_;
  Matrix<T> input_gradient_;  ///< empty in a first layer
};

}  // namespace simdnn
