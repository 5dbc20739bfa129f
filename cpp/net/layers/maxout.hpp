// y[j] = max_k (x W + b)[j, k] (Goodfellow et al. 2013, arXiv:1302.4389, section 3): outputs of a dense layer compete.
#pragma once

#include "dense.hpp"

namespace simdnn {

template <class T>
class Maxout;

struct MaxoutSpec final : Described<MaxoutSpec, Maxout> {
  DenseSpec dense;  ///< of output.features * pieces outputs, the pieces of each side by side
  Index pieces = 2;

  void list(const std::string& prefix, Inventory& inventory) const override { dense.list(prefix, inventory); }
  double flops(Index steps) const override { return dense.flops(steps); }
};

template <class T>
class Maxout final : public Layer<T> {
 public:
  Maxout(const MaxoutSpec& spec, Cursor<T>& cursor)
      : outputs_(spec.output.features), pieces_(spec.pieces), dense_(spec.dense, cursor) {}

  bool learns() const override { return true; }
  void reserve(Arena<T>& arena, Index rows, Index steps, Mode mode, bool first) override {
    dense_.reserve(arena, rows, steps, mode, first);
    y_ = arena.matrix(rows, outputs_);
    if (mode == Mode::train) spread_ = arena.matrix(rows, outputs_ * pieces_);
  }
  bool reads_output() const override { return false; }
  Matrix<T> forward(const Matrix<const T>& x, const Pass& pass) override;
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& start,
                     const Finish<T>& below, const Pass& pass) override;

 private:
  Index outputs_, pieces_;
  Dense<T> dense_;
  Matrix<T> parts_;   ///< what competes, in the last forward pass
  Matrix<T> spread_;  ///< their gradient
  Matrix<T> y_;
};

}  // namespace simdnn
