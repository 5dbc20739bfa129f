// Layer normalization (Ba, Kiros & Hinton 2016, arXiv:1607.06450): each row by its own mean and variance.
#pragma once

#include "../epilogue.hpp"

namespace simdnn {

template <class T>
class LayerNorm;

struct LayerNormSpec final : SpecFor<LayerNormSpec, LayerNorm> {
  static constexpr const char* kind = "layer_norm";
  double eps = 1e-5;
  bool affine = true;

  template <class Fields>
  void fields(Fields& f) {
    f("eps", eps);
    f("affine", affine);
  }

  void declare_parameters(const std::string& prefix, ParameterLayout& layout) const override;
};

template <class T>
class LayerNorm final : public LayerWithEpilogue<T> {
 public:
  LayerNorm(const LayerNormSpec& spec, ParameterBinder<T>& binder);
  bool has_parameters() const override { return weight_.values != nullptr; }
  void reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) override;
  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override;
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext& context) override;

 private:
  using LayerWithEpilogue<T>::epilogue_;
  using LayerWithEpilogue<T>::y_;

  void add_gradients(const Matrix<T>& gradient, const PassContext& context);

  Index features_;
  double eps_;
  ParameterView<T> weight_, bias_;
  std::vector<double> inverse_;  ///< 1 / sqrt(variance + eps) of each row
  std::vector<double> sums_;     ///< gradients w.r.t. weight, then bias, summed over the chunks of a batch
  Matrix<T> normal_;             ///< normalized rows before weight and bias; empty in inference
};

}  // namespace simdnn
