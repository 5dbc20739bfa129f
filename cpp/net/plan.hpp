// A network compiled for up to a number of samples: its layers bound to one arena.
#pragma once

#include <algorithm>

#include "network.hpp"

namespace simdnn {

/// Long batches pass through a plan in chunks of this many samples, so that an arena stays in cache.
constexpr Index kChunk = 256;

template <class T>
class Plan {
 public:
  /// A plan for up to `samples` samples of up to `time_steps` rows each.
  Plan(std::shared_ptr<Network<T>> network, Index samples, Index time_steps, Mode mode, bool input_gradient = false);

  /// The number of samples of a batch that pass through a plan at once.
  static Index chunk(const Network<T>& network, Mode mode, Index batch) {
    return mode == Mode::train && network.spec()->whole_batch() ? batch : std::min(batch, kChunk);
  }
  bool fits(Index samples, Index time_steps) const {
    return samples <= samples_ && samples * time_steps <= samples_ * time_steps_;
  }
  Index capacity() const { return samples_; }
  States<T>& states() { return network_->states(); }
  void round_weights() { network_->round_weights(); }

  /// Commits running statistics after a step, or after a forward pass for training without one.
  void commit_running_stats() { root_.commit_running_stats(); }

  /// The output for x, which has context.time_steps rows per sample; valid until the next forward pass.
  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) { return root_.forward(x, context); }

  /// A matrix for the gradient w.r.t. the last forward pass's output.
  Matrix<T> output_gradient(Index rows) const { return {gradient_.data, rows, gradient_.columns, gradient_.stride}; }

  /// The matrix for the gradient w.r.t. the last output: the output's own memory, if no layer reads it again.
  Matrix<T> gradient_over(const Matrix<T>& output) const {
    return root_.reads_output() ? output_gradient(output.rows) : output;
  }

  /// The input of the last layer in the last forward pass.
  const Matrix<const T>& last_input() const { return root_.last_input(); }

  /// Number of arena elements that each layer of the network's description has taken.
  std::vector<Index> arena(std::size_t layers) const { return root_.arena(layers); }

  /// Computes the parameters' gradients from the gradient w.r.t. the output, which is overwritten; returns the gradient
  /// w.r.t. x, empty unless the plan was made with input_gradient. `extra_gradient` is added to the gradient w.r.t.
  /// last_input().
  Matrix<T> backward(const Matrix<T>& gradient, const PassContext& context,
                     const Matrix<const T>& extra_gradient = {}) {
    apply(root_.backward_post_op(), gradient);
    return root_.backward(gradient, {}, {}, context, extra_gradient);
  }

 private:
  std::shared_ptr<Network<T>> network_;
  ParameterBinder<T> binder_;
  Sequential<T> root_;
  Arena<T> arena_;
  Matrix<T> gradient_;
  Index samples_, time_steps_;
};

/// Samples [begin, begin + count), contiguous, as a network's input [count * time_steps, features].
template <class T>
Matrix<const T> rows_of_samples(const Matrix<const T>& samples, Index begin, Index count, Index time_steps) {
  const Index columns = samples.columns / time_steps;
  return {samples.data + begin * samples.stride, count * time_steps, columns,
          time_steps == 1 ? samples.stride : columns};
}

/// out[i, :] = network(x[i, :]), through a plan in chunks; a row of x holds a sample of `time_steps` rows, and out is
/// contiguous.
template <class T>
void infer(Plan<T>& plan, const Matrix<const T>& x, Index time_steps, T* out, const StopToken& stop);

/// `plan`, after a larger one has replaced it if it cannot take `samples` samples of `time_steps` rows.
template <class T>
Plan<T>& plan_for(std::unique_ptr<Plan<T>>& plan, const std::shared_ptr<Network<T>>& network, Index samples,
                  Index time_steps, Mode mode) {
  if (!plan || !plan->fits(samples, time_steps)) {
    plan = std::make_unique<Plan<T>>(network, samples, time_steps, mode, mode == Mode::train);
  }
  return *plan;
}

/// The plan for the inference of a batch, in chunks.
template <class T>
Plan<T>& inference_plan(std::unique_ptr<Plan<T>>& plan, const std::shared_ptr<Network<T>>& network, Index samples,
                        Index time_steps) {
  return plan_for(plan, network, std::clamp<Index>(samples, 1, kChunk), time_steps, Mode::infer);
}

}  // namespace simdnn
