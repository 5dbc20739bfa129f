// A network rewritten for evaluation alone: layers that do nothing left out, scales taken over by the layer before.
#pragma once

#include "layer.hpp"

namespace simdnn {

/// y = x scale + offset, feature by feature: what a layer may be in evaluation.
struct AffineScale {
  std::vector<double> scale, offset;
};

/// Rewrites layers for inference and collects their parameters in order.
class BatchNormFolder {
 public:
  BatchNormFolder(const double* parameters, const double* buffers)
      : from_parameters_(parameters), from_buffers_(buffers) {}

  /// The layer as it is in evaluation; it takes its numbers along.
  SpecPointer fold(const SpecPointer& layer) {
    const SpecPointer made = layer->fold(*this);
    return made ? made : layer;
  }
  /// Takes a layer's numbers along as they are.
  void copy(const LayerSpec& layer) { advance(layer, true); }
  void skip(const LayerSpec& layer) { advance(layer, false); }

  /// The numbers of the next layer.
  const double* next_parameters() const { return from_parameters_; }
  const double* next_buffers() const { return from_buffers_; }

  std::vector<double> parameters, buffers;  ///< of the layers so far

 private:
  void advance(const LayerSpec& layer, bool keeps) {
    ParameterLayout own;
    layer.declare_parameters("", own);
    const Index values = own.parameters.size(), others = own.buffers.size();
    if (keeps) parameters.insert(parameters.end(), from_parameters_, from_parameters_ + values);
    if (keeps) buffers.insert(buffers.end(), from_buffers_, from_buffers_ + others);
    from_parameters_ += values;
    from_buffers_ += others;
  }

  const double *from_parameters_, *from_buffers_;
};

}  // namespace simdnn
