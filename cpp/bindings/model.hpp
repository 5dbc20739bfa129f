// A network as Python holds it.
#pragma once

#include "arrays.hpp"

namespace simdnn {

/// A network, and the plans of forward() and backward() called one by one.
template <class T>
struct Model {
  std::shared_ptr<Network<T>> network;
  std::unique_ptr<Plan<T>> inference = nullptr, training = nullptr;
  py::object training_input = {};  ///< what backward() reads again
  Index training_rows = 0;

  double nanoseconds(Index rows) const { return network->flops() / 100 * double(rows); }
};

}  // namespace simdnn
