// A network compiled for up to a number of rows: its layers bound to one arena.
#pragma once

#include "network.hpp"

namespace simdnn {

/// Long batches pass through a plan in chunks of this many rows, so that an arena stays in cache.
constexpr Index kChunkRows = 256;

template <class T>
class Plan {
 public:
  Plan(std::shared_ptr<Network<T>> network, Index rows, Mode mode, bool input_gradient = false);

  Index capacity() const { return capacity_; }

  /// To be called when parameters may have changed since the last backward pass.
  void prepare();

  /// The output for at most capacity() rows; valid until the next forward pass.
  Matrix<T> forward(const Matrix<const T>& x, const Context& context);

  /// A matrix for the gradient with respect to the last forward pass's output.
  Matrix<T> output_gradient(Index rows) const { return {gradient_.data, rows, gradient_.columns, gradient_.stride}; }

  /// Where the loss of the last forward pass's output puts its gradient: over the output, if no layer reads it again.
  Matrix<T> gradient_over(const Matrix<T>& output) const {
    return layers_.back()->backward_finish().apply ? output_gradient(output.rows) : output;
  }

  /// What the last layer read in the last forward pass.
  const Matrix<const T>& last_input() const { return inputs_.back(); }

  /// Parameter gradients from output_gradient(), which is overwritten; returns the gradient with respect to x,
  /// empty unless the plan was made with input_gradient. `beside`: what is added to that of last_input().
  Matrix<T> backward(Matrix<T> gradient, bool accumulate, const Context& context, Matrix<const T> beside = {});

 private:
  std::shared_ptr<Network<T>> network_;
  std::vector<std::unique_ptr<Layer<T>>> layers_;
  std::vector<Matrix<const T>> inputs_;
  Arena<T> arena_;
  Matrix<T> gradient_;
  Index capacity_;
  Mode mode_;
};

/// out[i, :] = network(x[i, :]) through a plan in chunks; out has contiguous rows.
template <class T>
void infer(Plan<T>& plan, const Matrix<const T>& x, T* out, const Context& context);

}  // namespace simdnn
