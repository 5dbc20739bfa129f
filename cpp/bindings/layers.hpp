// From Python's descriptions of layers to native ones.
#pragma once

#include <pybind11/pybind11.h>

#include "../net/network.hpp"

namespace simdnn {

/// The description that a layer's `_native` made; its arguments have been checked.
SpecPointer layer_spec(const pybind11::dict& layer);

/// Layers in sequence.
std::shared_ptr<const SequentialSpec> sequential_spec(const pybind11::dict& sequential);

}  // namespace simdnn
