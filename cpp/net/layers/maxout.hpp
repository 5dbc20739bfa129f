// y[j] = max_k (x W + b)[j, k] (Goodfellow et al. 2013, arXiv:1302.4389, section 3): outputs of a dense layer compete.
#pragma once

#include "dense.hpp"

namespace simdnn {

template <class T>
class Maxout;

struct MaxoutSpec final : SpecFor<MaxoutSpec, Maxout> {
  static constexpr const char* kind = "maxout";
  DenseSpec dense;  ///< a layer with output.features * pieces outputs; the pieces of an output are adjacent
  Index pieces = 2;

  template <class Fields>
  void fields(Fields& f) {
    f("pieces", pieces);
    f("bias", dense.bias);
  }
  void derive() {
    dense.input = input;
    dense.output = {output.features * pieces, output.sequence};
  }

  void declare_parameters(const std::string& prefix, ParameterLayout& layout) const override {
    dense.declare_parameters(prefix, layout);
  }
  double flops(Index time_steps) const override { return dense.flops(time_steps); }
};

template <class T>
class Maxout final : public Layer<T> {
 public:
  Maxout(const MaxoutSpec& spec, ParameterBinder<T>& binder)
      : outputs_(spec.output.features), pieces_(spec.pieces), dense_(spec.dense.instantiate(binder)) {}

  bool has_parameters() const override { return true; }
  void reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) override {
    dense_->reserve(arena, rows, time_steps, mode, first);
    y_ = arena.matrix(rows, outputs_);
    if (mode == Mode::train) spread_ = arena.matrix(rows, outputs_ * pieces_);
  }
  bool reads_output() const override { return false; }
  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override;
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext& context) override;

 private:
  Index outputs_, pieces_;
  std::unique_ptr<Layer<T>> dense_;
  Matrix<T> parts_;   ///< outputs of the dense layer in the last forward pass
  Matrix<T> spread_;  ///< gradient w.r.t. parts_
  Matrix<T> y_;
};

}  // namespace simdnn
