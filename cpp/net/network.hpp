// A network: the description of its layers, and one flat array each for parameters, gradients and buffers.
#pragma once

#include <algorithm>
#include <memory>

#include "layers/sequential.hpp"
#include "owned_mutex.hpp"

namespace simdnn {

template <class T>
class Network {
 public:
  /// The output shape of each layer must be the input shape of the next; the caller checks it. A network that is not
  /// `trainable` has no memory for gradients.
  explicit Network(std::shared_ptr<const SequentialSpec> spec, Precision precision = Precision::full,
                   bool trainable = true)
      : spec_(std::move(spec)) {
    layout_.precision = precision;
    layout_.trainable = trainable;
    spec_->declare_parameters("", layout_);
    states_ = States<T>(layout_.states);
    values_ = Buffer<T>(layout_.parameters.size());
    if (trainable) gradients_ = Buffer<T>(layout_.parameters.size());
    buffers_ = Buffer<T>(layout_.buffers.size());
    if (precision == Precision::bf16) rounded_ = Buffer<Bf16>(layout_.rounded.size());
  }

  const std::shared_ptr<const SequentialSpec>& spec() const { return spec_; }
  const ParameterLayout& layout() const { return layout_; }
  Shape input() const { return spec_->input; }
  Shape output() const { return spec_->output; }
  Index inputs() const { return spec_->input.features; }
  Index outputs() const { return spec_->output.features; }

  /// Rows per sample of the output, for samples of `time_steps` rows.
  Index output_time_steps(Index time_steps) const { return spec_->output.sequence ? time_steps : 1; }
  double flops(Index time_steps = 1) const { return spec_->flops(time_steps); }
  Buffer<T>& values() { return values_; }
  Buffer<T>& gradients() { return gradients_; }
  Buffer<T>& buffers() { return buffers_; }
  Buffer<Bf16>& rounded() { return rounded_; }
  Precision precision() const { return layout_.precision; }

  /// The bf16 form of a block of the layout's parameters; nullptr if it has none.
  Bf16* rounded_form(const ParameterBlock& block) {
    const std::vector<Index>& masters = layout_.masters;
    const auto found = std::find(masters.begin(), masters.end(), block.offset);
    if (found == masters.end() || block.size() == 0) return nullptr;
    return rounded_.data() + layout_.rounded.blocks()[std::size_t(found - masters.begin())].offset;
  }

  /// Rounds the weights of bf16 products, which may have changed. Whoever runs passes calls it before the first one.
  void round_weights() {
    if (!layout_.masters.empty() && layout_.trainable) round_masters();
  }
  States<T>& states() { return states_; }

  /// Elements in the padding after the gradients, for numbers that travel with them between processes.
  static constexpr Index kSpareGradients = 8;
  static_assert(kSpareGradients <= kPad);
  ParameterBinder<T> binder(Mode mode) {
    return {values_.data(), gradients_.data(), buffers_.data(), rounded_.data(), precision(), mode, &states_};
  }

  /// The mutex that serializes steps and passes through this network.
  OwnedMutex& mutex() { return mutex_; }

 private:
  void round_masters();

  std::shared_ptr<const SequentialSpec> spec_;
  ParameterLayout layout_;
  Buffer<T> values_, gradients_, buffers_;
  Buffer<Bf16> rounded_;  ///< the weights of bf16 products
  States<T> states_{{}};
  OwnedMutex mutex_;
};

/// A copy of a network for inference at a precision, without layers that are no-ops there, and with batch normalization
/// folded into the layers before it.
template <class T>
std::shared_ptr<Network<T>> fold_for_inference(Network<T>& from, Precision precision);

}  // namespace simdnn
