// Layer descriptions, read from Python dictionaries.
#pragma once

#include <pybind11/pybind11.h>

#include "../net/network.hpp"

namespace simdnn {

/// Layers in sequence, from the dictionary that `chain_native` makes; Python has checked the values of its fields. An
/// unknown, missing or mistyped field raises an error that names the layer and the field.
std::shared_ptr<const SequentialSpec> sequential_spec(const pybind11::dict& sequential);

/// Names of the fields of each kind of layer, as a dictionary.
pybind11::dict layer_fields();

}  // namespace simdnn
