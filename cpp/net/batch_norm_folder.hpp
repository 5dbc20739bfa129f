// Rewrites a network for inference: no-ops are left out, and affine scales are folded into the layer before.
#pragma once

#include "layer.hpp"

namespace simdnn {

/// A layer's map in inference, y = x scale + offset, with vectors [features].
struct AffineScale {
  std::vector<double> scale, offset;
};

/// Rewrites layers for inference and collects their parameters in order.
class BatchNormFolder {
 public:
  BatchNormFolder(const double* parameters, const double* buffers)
      : from_parameters_(parameters), from_buffers_(buffers) {}

  /// The layer to use for inference; its parameters and buffers are appended to those below.
  SpecPointer fold(const SpecPointer& layer) {
    const SpecPointer made = layer->fold(*this);
    return made ? made : layer;
  }
  /// Appends a layer's parameters and buffers unchanged.
  void copy(const LayerSpec& layer) { advance(layer, true); }
  /// Leaves a layer's parameters and buffers out.
  void skip(const LayerSpec& layer) { advance(layer, false); }

  /// The parameters and buffers of the next layer to be read.
  const double* next_parameters() const { return from_parameters_; }
  const double* next_buffers() const { return from_buffers_; }

  std::vector<double> parameters, buffers;  ///< parameters and buffers of the rewritten layers so far

 private:
  void advance(const LayerSpec& layer, bool keeps) {
    ParameterLayout layout;
    layer.declare_parameters("", layout);
    const Index num_parameters = layout.parameters.size(), num_buffers = layout.buffers.size();
    if (keeps) parameters.insert(parameters.end(), from_parameters_, from_parameters_ + num_parameters);
    if (keeps) buffers.insert(buffers.end(), from_buffers_, from_buffers_ + num_buffers);
    from_parameters_ += num_parameters;
    from_buffers_ += num_buffers;
  }

  const double *from_parameters_, *from_buffers_;
};

/// A linear layer, the last one rewritten, with the affine scale of its outputs folded into its weights and bias;
/// nullptr if an activation comes between.
template <class Spec>
SpecPointer with_scaled_weights(const Spec& spec, const AffineScale& scaling, BatchNormFolder& last) {
  if (!spec.activation_of_output.identity()) return nullptr;
  const auto made = std::make_shared<Spec>(spec);
  made->bias = true;
  const std::size_t columns = scaling.scale.size();
  if (!spec.bias) last.parameters.resize(last.parameters.size() + columns);
  double* const values = last.parameters.data() + last.parameters.size() - columns - std::size_t(spec.weights());
  double* const offset = values + spec.weights();
  for (std::size_t i = 0; i < std::size_t(spec.weights()); ++i) values[i] *= scaling.scale[i % columns];
  for (std::size_t j = 0; j < columns; ++j) offset[j] = offset[j] * scaling.scale[j] + scaling.offset[j];
  return made;
}

}  // namespace simdnn
