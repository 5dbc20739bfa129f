// A dense layer some of whose inputs are positions of numbers among bins, and stand for piecewise-linear codes:
// y [rows, outputs] = f(codes(x) W + b).
#pragma once

#include "../../threads/cost.hpp"
#include "../epilogue.hpp"

namespace simdnn {

template <class T>
class PiecewiseLinear;

struct PiecewiseLinearSpec final : SpecFor<PiecewiseLinearSpec, PiecewiseLinear> {
  static constexpr const char* kind = "piecewise_linear";
  Index encoded = 0;  ///< number of positions, which come before the other inputs
  Index bins = 1;     ///< at most kMaxBins
  bool bias = true;
  Activation activation_of_output;

  template <class Fields>
  void fields(Fields& f) {
    f("encoded", encoded);
    f("bins", bins);
    f("bias", bias);
    f("activation", activation_of_output);
  }

  Index plain() const { return input.features - encoded; }
  Index codes() const { return checked_product(encoded, bins); }
  Index weights() const { return (codes() + plain()) * output.features; }
  void declare_parameters(const std::string& prefix, ParameterLayout& layout) const override;
  SpecPointer with_affine_scale(const AffineScale& scaling, BatchNormFolder& last) const override;
  double flops(Index time_steps) const override;
};

template <class T>
class PiecewiseLinear final : public LayerWithEpilogue<T> {
 public:
  PiecewiseLinear(const PiecewiseLinearSpec& spec, ParameterBinder<T>& binder);
  bool has_parameters() const override { return true; }
  void reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) override;
  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override;
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext& context) override;

 private:
  using LayerWithEpilogue<T>::epilogue_;
  using LayerWithEpilogue<T>::y_;

  /// Estimated time of a pass through the codes, which reads all their weights once.
  Nanoseconds work(Index rows) const;
  void add_gradients(const Matrix<const T>& x, const Matrix<T>& dz, const PassContext& context);

  Index encoded_, plain_, bins_, outputs_;
  ParameterView<T> code_weight_, weight_;  ///< rows of the codes, and rows of the other inputs
  ParameterView<T> bias_;
  Matrix<T> input_gradient_;  ///< empty in a first layer
};

}  // namespace simdnn
