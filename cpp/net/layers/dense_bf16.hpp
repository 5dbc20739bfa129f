// A dense layer whose products read bf16 and sum in float: y [rows, outputs] = f(x [rows, inputs] W + b).
#pragma once

#include "dense.hpp"

namespace simdnn {

class DenseBf16 final : public LayerWithEpilogue<float> {
 public:
  DenseBf16(const DenseSpec& spec, ParameterBinder<float>& binder);
  bool has_parameters() const override { return true; }
  void reserve(Arena<float>& arena, Index rows, Index time_steps, Mode mode, bool first) override;
  Matrix<float> forward(const Matrix<const float>& x, const PassContext& context) override;
  Matrix<float> backward(const Matrix<const float>& x, const Matrix<float>& gradient,
                         const Matrix<const float>& dx_init, const PostOp<float>& prev_post_op,
                         const PassContext& context) override;

 private:
  Index inputs_, outputs_;
  Matrix<const Bf16> weight_;
  ParameterView<float> master_, bias_;  ///< the float weight is not there in a network for inference alone
  Matrix<Bf16> x_, gradient_;           ///< the last input and the gradient w.r.t. x W + b, rounded
  Matrix<float> input_gradient_;        ///< empty in a first layer
};

}  // namespace simdnn
