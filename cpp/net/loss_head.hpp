// The end of a training step's forward pass: the loss of the network's output, and the gradients w.r.t. it.
#pragma once

#include <memory>

#include "loss.hpp"
#include "plan.hpp"

namespace simdnn {

/// Gradients of a chunk's loss. Only a loss that reads the last layer's input and weights has an extra gradient, which
/// is added to the gradient w.r.t. that input.
template <class T>
struct LossGradients {
  Matrix<T> output;
  Matrix<const T> extra;
};

/// The loss of a network in training.
template <class T>
class LossHead {
 public:
  virtual ~LossHead() = default;

  /// Prepares a batch after `step` updates.
  virtual void begin_batch(std::int64_t step) = 0;

  /// Computes the losses and gradients of a chunk. `rows` describes the targets and the sums to write, without a
  /// gradient; `output` is the plan's last output, which may be overwritten.
  virtual LossGradients<T> evaluate(LossRows<T> rows, const Matrix<T>& output) = 0;

  /// Completes the gradients of the parameters after the last chunk.
  virtual void finish() = 0;
};

/// The loss head of a plan, for up to `rows` rows of output at a time.
template <class T>
std::unique_ptr<LossHead<T>> make_loss_head(const Loss& loss, Network<T>& network, const Plan<T>& plan, Index rows);

}  // namespace simdnn
