// The native object of a Python network.
#pragma once

#include "arrays.hpp"

namespace simdnn {

/// A network, and the plans of its forward() and backward() calls. All but the network itself is for the thread that
/// holds the network's mutex.
template <class T>
struct Model {
  std::shared_ptr<Network<T>> network;
  std::uint64_t seed = 0;    ///< seed of random layers in forward(); a Trainer has its own seed
  std::uint64_t passes = 0;  ///< number of forward passes for training so far
  std::unique_ptr<Plan<T>> inference = nullptr, training = nullptr;
  std::vector<T> training_input = {};  ///< x of the last forward pass for training, which backward() reads again
  Index training_samples = 0;          ///< number of samples in the last forward pass for training; 0: there was none
  PassContext training_context = {};

  Nanoseconds forward_work(Index samples, Index time_steps) const {
    return network->flops(time_steps) * kFlopOfForward * double(samples);
  }
};

/// Raises if stateful layers carry the states of another number of samples than the argument `name` has.
inline void check_carried(Index carried, Index samples, const std::string& name) {
  if (carried == 0 || samples == carried) return;
  throw py::value_error(name + ": expected " + std::to_string(carried) +
                        " samples, whose states are carried on until reset_states(), got " + std::to_string(samples));
}

/// Raises if a network cannot take so many samples of x. The caller holds the network's mutex.
template <class T>
void check_carried(Network<T>& network, Index samples) {
  check_carried(network.states().carried(), samples, "x");
}

/// Raises if the network has stateful layers and the samples do not divide into batches of one size.
template <class T>
void check_batches(Network<T>& network, Index samples, Index size) {
  if (network.states().empty()) return;
  if (samples % size != 0) {
    throw py::value_error("batch_size: a stateful layer needs batches of one size, but " + std::to_string(samples) +
                          " samples do not divide into batches of " + std::to_string(size));
  }
  check_carried(network, size);
}

/// A trainer of the network of a model.
template <class T>
struct ModelTrainer {
  Trainer<T> trainer;
  py::object hook = py::none(), hook_argument;  ///< the gradient hook, and the array that it is called with

  ModelTrainer(const Model<T>& model, std::shared_ptr<Loss> loss, const std::shared_ptr<OptimizerConfig>& config,
               std::uint64_t seed)
      : trainer(model.network, std::move(loss), config, seed) {
    config->mutex = std::shared_ptr<OwnedMutex>(model.network, &model.network->mutex());
  }

  OwnedMutex& mutex() { return trainer.network().mutex(); }

  Nanoseconds work(const DatasetView<T>& samples) {
    return trainer.network().flops(samples.time_steps) * kFlopOfStep * double(samples.x.rows);
  }
};

}  // namespace simdnn
