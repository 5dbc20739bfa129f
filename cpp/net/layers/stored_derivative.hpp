// The base of elementwise layers that compute their derivative together with their value.
#pragma once

#include "../layer.hpp"

namespace simdnn {

/// A layer y = f(x) that stores dy/dx: its backward post-op multiplies the gradient w.r.t. y by it.
template <class T>
class StoredDerivativeLayer : public Layer<T> {
 public:
  explicit StoredDerivativeLayer(Index columns) : columns_(columns) {}

  void reserve(Arena<T>& arena, Index rows, Index, Mode mode, bool) override {
    y_ = arena.matrix(rows, columns_);
    if (mode == Mode::train) slope_ = arena.matrix(rows, columns_);
  }
  PostOp<T> backward_post_op() const override { return {typed_kernels<T>().layers.multiply, slope_.data, nullptr}; }
  bool reads_output() const override { return false; }
  Matrix<T> backward(const Matrix<const T>&, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext&) override {
    return pass_through_gradient(gradient, dx_init, prev_post_op);
  }

 protected:
  Matrix<T> output(Index rows) const { return y_.first_rows(rows); }

  /// The rows of x, y and dy/dx, with a random stream that depends on the pass, the layer and the position in the
  /// batch.
  RandomRows<T> random_rows(const Matrix<const T>& x, const PassContext& context, std::uint32_t stream) const {
    const Index first = context.random_offset + context.batch_offset;
    return {.x = x,
            .y = y_,
            .slope = slope_,
            .random = {context.seed, context.pass_index, stream, first * context.time_steps}};
  }

 private:
  Index columns_;
  Matrix<T> y_, slope_;
};

}  // namespace simdnn
