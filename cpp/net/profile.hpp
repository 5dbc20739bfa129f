// The cost of each layer of a network in a training step: counted, predicted, and measured on a copy.
#pragma once

#include <vector>

#include "network.hpp"

namespace simdnn {

/// The cost of one layer for a batch, forward and backward, without the update of its parameters.
struct LayerCost {
  Index parameters = 0;
  double flops = 0;      ///< floating-point operations of the layer's products
  double bytes = 0;      ///< parameters, inputs, outputs and their gradients, each counted once per traversal
  double arena = 0;      ///< bytes that the layer takes in the arena of a plan
  double predicted = 0;  ///< nanoseconds at the speed of a product in cache, with a rough cost of the activation
  double measured = 0;   ///< nanoseconds, the least of several passes; 0 for a layer that another one has fused
};

/// The cost of each top-level layer, for `samples` samples of `time_steps` rows.
template <class T>
std::vector<LayerCost> profile(Network<T>& network, Index samples, Index time_steps, const StopToken& stop);

}  // namespace simdnn
