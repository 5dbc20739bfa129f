// Branches over the same input, their outputs side by side.
#pragma once

#include "sequential.hpp"

namespace simdnn {

template <class T>
class Concatenate;

struct ConcatenateSpec final : Described<ConcatenateSpec, Concatenate> {
  std::vector<std::shared_ptr<const ChainSpec>> branches;

  void list(const std::string& prefix, Inventory& inventory) const override;
  double flops(Index steps) const override;
  bool whole_batch() const override;
  void check(const InputReader& x, Index rows) const override;
  SpecPointer folded(Folding& folding) const override;
};

template <class T>
class Concatenate final : public Layer<T> {
 public:
  Concatenate(const ConcatenateSpec& spec, Cursor<T>& cursor);
  bool learns() const override;
  void reserve(Arena<T>& arena, Index rows, Index steps, Mode mode, bool first) override;
  Index steps(Index before) const override { return branches_.front().steps(before); }
  void keep() override;
  Matrix<T> forward(const Matrix<const T>& x, const Pass& pass) override;
  bool reads_output() const override { return false; }
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& start,
                     const Finish<T>& below, const Pass& pass) override;

 private:
  Index outputs_;
  bool first_ = false;
  std::vector<Chain<T>> branches_;
  std::vector<Index> widths_;         ///< of each branch's output
  std::vector<Matrix<T>> gradients_;  ///< with respect to each branch's output
  Matrix<T> y_;
};

}  // namespace simdnn
