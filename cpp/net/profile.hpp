// What each layer of a network costs in a training step: counted, predicted, and measured on a copy.
#pragma once

#include <vector>

#include "network.hpp"

namespace simdnn {

/// Of one layer and a batch, forward and backward, without the update of its parameters.
struct LayerCost {
  Index parameters = 0;
  double flops = 0;      ///< of its products
  double bytes = 0;      ///< of parameters, inputs, outputs and the gradients by them, each as often as it is walked
  double arena = 0;      ///< bytes that its part of a plan takes
  double predicted = 0;  ///< nanoseconds at the speed of a product in cache, and the rough cost of an activation
  double measured = 0;   ///< nanoseconds, the least of several passes; nothing in a layer that another has taken over
};

/// Costs of each top-level layer, for `samples` samples of `time_steps` rows.
template <class T>
std::vector<LayerCost> profile(Network<T>& network, Index samples, Index time_steps, const StopToken& stop);

}  // namespace simdnn
