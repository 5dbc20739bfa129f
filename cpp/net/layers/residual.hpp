// y = F(x) + S(x): the sum of a branch and a shortcut (He et al. 2016, arXiv:1512.03385, eq. 1 and 2).
#pragma once

#include "../epilogue.hpp"
#include "sequential.hpp"

namespace simdnn {

template <class T>
class Residual;

struct ResidualSpec final : SpecFor<ResidualSpec, Residual> {
  static constexpr const char* kind = "residual";
  std::shared_ptr<const SequentialSpec> branch;
  SpecPointer shortcut;  ///< nullptr: the identity

  template <class Fields>
  void fields(Fields& f) {
    f("branch", branch);
    f("shortcut", shortcut);
  }

  void declare_parameters(const std::string& prefix, ParameterLayout& layout) const override;
  double flops(Index time_steps) const override;
  void check(const InputReader& x, Index rows) const override;
  SpecPointer fold(BatchNormFolder& folder) const override;
  bool whole_batch() const override { return branch->whole_batch() || (shortcut && shortcut->whole_batch()); }
};

template <class T>
class Residual final : public LayerWithEpilogue<T> {
 public:
  Residual(const ResidualSpec& spec, ParameterBinder<T>& binder);
  bool has_parameters() const override {
    return branch_.has_parameters() || (shortcut_ && shortcut_->has_parameters());
  }
  void reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) override;
  Index time_steps(Index before) const override { return branch_.time_steps(before); }
  void commit_running_stats() override;
  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override;
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext& context) override;

 private:
  using LayerWithEpilogue<T>::epilogue_;
  using LayerWithEpilogue<T>::y_;

  Matrix<T> copy_of(const Matrix<T>& gradient);
  Matrix<const T> through_shortcut(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                                   const PassContext& context);

  Index outputs_;
  bool first_ = false;
  Sequential<T> branch_;
  std::unique_ptr<Layer<T>> shortcut_;
  Matrix<T> gradient_;  ///< a copy of the gradient w.r.t. y, which one of the two paths may overwrite
  Matrix<T> sum_;       ///< that gradient plus dx_init, for an identity shortcut
};

}  // namespace simdnn
