// y = F(x) + S(x): a branch beside a shortcut (He et al. 2016, arXiv:1512.03385, eq. 1 and 2).
#pragma once

#include "../epilogue.hpp"
#include "sequential.hpp"

namespace simdnn {

template <class T>
class Residual;

struct ResidualSpec final : Described<ResidualSpec, Residual> {
  std::shared_ptr<const ChainSpec> branch;
  SpecPointer shortcut;  ///< nullptr: the identity

  void list(const std::string& prefix, Inventory& inventory) const override;
  double flops(Index steps) const override;
  void check(const InputReader& x, Index rows) const override;
  SpecPointer folded(Folding& folding) const override;
  bool whole_batch() const override { return branch->whole_batch() || (shortcut && shortcut->whole_batch()); }
};

template <class T>
class Residual final : public EndedLayer<T> {
 public:
  Residual(const ResidualSpec& spec, Cursor<T>& cursor);
  bool learns() const override { return branch_.learns() || (shortcut_ && shortcut_->learns()); }
  void reserve(Arena<T>& arena, Index rows, Index steps, Mode mode, bool first) override;
  Index steps(Index before) const override { return branch_.steps(before); }
  void keep() override;
  Matrix<T> forward(const Matrix<const T>& x, const Pass& pass) override;
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& start,
                     const Finish<T>& below, const Pass& pass) override;

 private:
  using EndedLayer<T>::epilogue_;
  using EndedLayer<T>::y_;

  Matrix<T> copy_of(const Matrix<T>& gradient);
  Matrix<const T> through_shortcut(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& start,
                                   const Pass& pass);

  Index outputs_;
  bool first_ = false;
  Chain<T> branch_;
  std::unique_ptr<Layer<T>> shortcut_;
  Matrix<T> gradient_;  ///< a second copy of the output's gradient, for whoever overwrites it
  Matrix<T> sum_;       ///< of that copy and a start, behind an identity
};

}  // namespace simdnn
