// A network: the description of its layers, and their parameters, gradients and buffers in one flat buffer each.
#pragma once

#include <memory>

#include "layers/sequential.hpp"
#include "owned_mutex.hpp"

namespace simdnn {

template <class T>
class Network {
 public:
  /// Consecutive layers must fit: what flows out of one flows into the next (checked by the caller).
  explicit Network(std::shared_ptr<const ChainSpec> spec) : spec_(std::move(spec)) {
    spec_->list("", inventory_);
    states_ = States<T>(inventory_.states);
    values_ = Buffer<T>(inventory_.parameters.size());
    gradients_ = Buffer<T>(inventory_.parameters.size());
    buffers_ = Buffer<T>(inventory_.buffers.size());
  }

  const std::shared_ptr<const ChainSpec>& spec() const { return spec_; }
  const Inventory& inventory() const { return inventory_; }
  Shape input() const { return spec_->input; }
  Shape output() const { return spec_->output; }
  Index inputs() const { return spec_->input.features; }
  Index outputs() const { return spec_->output.features; }

  /// Rows of output for a sample with so many rows of input.
  Index output_steps(Index steps) const { return spec_->output.sequence ? steps : 1; }
  double flops(Index steps = 1) const { return spec_->flops(steps); }
  Buffer<T>& values() { return values_; }
  Buffer<T>& gradients() { return gradients_; }
  Buffer<T>& buffers() { return buffers_; }
  States<T>& states() { return states_; }
  Cursor<T> cursor(Mode mode) { return {values_.data(), gradients_.data(), buffers_.data(), mode, &states_}; }

  /// Held by whoever computes with this network: one step or pass at a time.
  OwnedMutex& mutex() { return mutex_; }

 private:
  std::shared_ptr<const ChainSpec> spec_;
  Inventory inventory_;
  Buffer<T> values_, gradients_, buffers_;
  States<T> states_{{}};
  OwnedMutex mutex_;
};

/// A network of its own for evaluation alone, without layers that do nothing there, and with batch normalisation folded
/// into the layers before it.
template <class T>
std::shared_ptr<Network<T>> folded(Network<T>& from);

}  // namespace simdnn
