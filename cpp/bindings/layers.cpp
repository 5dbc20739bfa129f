#include "layers.hpp"

#include <pybind11/stl.h>

#include <map>

#include "../net/layers/activation.hpp"
#include "../net/layers/dense.hpp"
#include "../net/layers/dropout.hpp"
#include "../net/layers/recurrent.hpp"
#include "../net/layers/residual.hpp"

namespace simdnn {

namespace py = pybind11;

namespace {

Shape shape_of(const py::handle& object) {
  const auto pair = py::cast<std::pair<Index, bool>>(object);
  return {pair.first, pair.second};
}

Activation activation_of(const py::dict& layer) {
  return {activation_index(layer["activation"].cast<std::string>()), layer["parameters"].cast<std::vector<double>>()};
}

/// What each kind takes from its dictionary beside the shapes.
void take(DenseSpec& spec, const py::dict& layer) {
  spec.bias = layer["bias"].cast<bool>();
  spec.activation_of_output = activation_of(layer);
}

void take(ActivationSpec& spec, const py::dict& layer) { spec.function = activation_of(layer); }

void take(DropoutSpec& spec, const py::dict& layer) { spec.probability = layer["p"].cast<double>(); }

void take(RecurrentSpec& spec, const py::dict& layer) {
  spec.kind = cell_of(layer["cell"].cast<std::string>());
  spec.levels = layer["levels"].cast<int>();
  spec.bias = layer["bias"].cast<bool>();
  spec.learned = layer["learned"].cast<bool>();
  spec.stateful = layer["stateful"].cast<bool>();
  spec.truncate = layer["truncate"].cast<Index>();
  spec.mask = layer["mask"].cast<std::optional<double>>();
}

void take(ChainSpec& spec, const py::dict& chain) {
  for (const py::handle layer : chain["layers"]) spec.layers.push_back(layer_spec(layer.cast<py::dict>()));
}

void take(ResidualSpec& spec, const py::dict& layer) {
  spec.branch = chain_spec(layer["branch"].cast<py::dict>());
  if (!layer["shortcut"].is_none()) spec.shortcut = layer_spec(layer["shortcut"].cast<py::dict>());
}

template <class Spec>
std::shared_ptr<Spec> make(const py::dict& layer) {
  const auto spec = std::make_shared<Spec>();
  spec->input = shape_of(layer["input"]);
  spec->output = shape_of(layer["output"]);
  take(*spec, layer);
  return spec;
}

template <class Spec>
SpecPointer make_any(const py::dict& layer) {
  return make<Spec>(layer);
}

using Maker = SpecPointer (*)(const py::dict&);

/// The list of layers: adding one is a name here, a description in net/layers/ and a class in python/simdnn/nn/.
const std::map<std::string, Maker> kMakers = {
    {"dense", make_any<DenseSpec>},       {"activation", make_any<ActivationSpec>},
    {"dropout", make_any<DropoutSpec>},   {"recurrent", make_any<RecurrentSpec>},
    {"residual", make_any<ResidualSpec>},
};

}  // namespace

SpecPointer layer_spec(const py::dict& layer) { return kMakers.at(layer["kind"].cast<std::string>())(layer); }

std::shared_ptr<const ChainSpec> chain_spec(const py::dict& chain) { return make<ChainSpec>(chain); }

}  // namespace simdnn
