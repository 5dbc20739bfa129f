#include "layers.hpp"

#include <pybind11/stl.h>

#include <map>

#include "../net/layers/activation.hpp"
#include "../net/layers/alpha_dropout.hpp"
#include "../net/layers/batch_norm.hpp"
#include "../net/layers/concatenate.hpp"
#include "../net/layers/crelu.hpp"
#include "../net/layers/dense.hpp"
#include "../net/layers/dropout.hpp"
#include "../net/layers/embedding.hpp"
#include "../net/layers/layer_norm.hpp"
#include "../net/layers/maxout.hpp"
#include "../net/layers/recurrent.hpp"
#include "../net/layers/residual.hpp"
#include "../net/layers/rrelu.hpp"
#include "../net/layers/softmax.hpp"
#include "../net/layers/straight_through.hpp"
#include "../net/layers/trainable_activation.hpp"

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
void parse(DenseSpec& spec, const py::dict& layer) {
  spec.bias = layer["bias"].cast<bool>();
  spec.activation_of_output = activation_of(layer);
}

void parse(ActivationSpec& spec, const py::dict& layer) { spec.function = activation_of(layer); }

void parse(DropoutSpec& spec, const py::dict& layer) { spec.probability = layer["p"].cast<double>(); }

void parse(RecurrentSpec& spec, const py::dict& layer) {
  spec.kind = cell_of(layer["cell"].cast<std::string>());
  spec.num_layers = layer["num_layers"].cast<int>();
  spec.bias = layer["bias"].cast<bool>();
  spec.trainable_state = layer["trainable_state"].cast<bool>();
  spec.stateful = layer["stateful"].cast<bool>();
  spec.truncate = layer["truncate"].cast<Index>();
  spec.mask = layer["mask"].cast<std::optional<double>>();
}

void parse(BatchNormSpec& spec, const py::dict& layer) {
  spec.eps = layer["eps"].cast<double>();
  spec.momentum = layer["momentum"].is_none() ? -1 : layer["momentum"].cast<double>();
  spec.affine = layer["affine"].cast<bool>();
}

void parse(LayerNormSpec& spec, const py::dict& layer) {
  spec.eps = layer["eps"].cast<double>();
  spec.affine = layer["affine"].cast<bool>();
}

void parse(AlphaDropoutSpec& spec, const py::dict& layer) { spec.probability = layer["p"].cast<double>(); }

/// Another activation over the same numbers.
ActivationSpec in_place_of(const LayerSpec& spec, const char* name, std::vector<double> parameters) {
  ActivationSpec made;
  made.input = spec.input;
  made.output = spec.output;
  made.function = {activation_index(name), std::move(parameters)};
  return made;
}

void parse(RReLUSpec& spec, const py::dict& layer) {
  spec.law = {layer["lower"].cast<double>(), layer["upper"].cast<double>(), layer["normal"].cast<bool>()};
  spec.mean = in_place_of(spec, "leaky_relu", {(spec.law.lower + spec.law.upper) / 2});
}

void parse(StraightThroughSpec& spec, const py::dict& layer) {
  spec.clipped = layer["clipped"].cast<bool>();
  spec.step = in_place_of(spec, "binary_step", {});
}

void parse(TrainableActivationSpec& spec, const py::dict& layer) {
  spec.function = activation_index(layer["activation"].cast<std::string>());
  spec.name = layer["name"].cast<std::string>();
  spec.shared = layer["shared"].cast<bool>();
}

void parse(CReluSpec&, const py::dict&) {}

void parse(SoftmaxSpec&, const py::dict&) {}

void parse(MaxoutSpec& spec, const py::dict& layer) {
  spec.pieces = layer["pieces"].cast<Index>();
  spec.dense.input = spec.input;
  spec.dense.output = {spec.output.features * spec.pieces, spec.output.sequence};
  spec.dense.bias = layer["bias"].cast<bool>();
}

void parse(EmbeddingSpec& spec, const py::dict& layer) {
  for (const py::handle table : layer["tables"]) {
    const auto [name, count, width] = table.cast<std::tuple<std::string, Index, Index>>();
    spec.tables.push_back({name, count, width});
  }
  for (const py::handle pair : layer["lookups"]) {
    const auto [column, table] = pair.cast<std::pair<Index, Index>>();
    spec.columns.push_back({column, table});
  }
  spec.passed = layer["passed"].cast<std::vector<Index>>();
}

void parse(ConcatenateSpec& spec, const py::dict& layer) {
  for (const py::handle branch : layer["branches"]) spec.branches.push_back(sequential_spec(branch.cast<py::dict>()));
}

void parse(SequentialSpec& spec, const py::dict& sequential) {
  for (const py::handle layer : sequential["layers"]) spec.layers.push_back(layer_spec(layer.cast<py::dict>()));
}

void parse(ResidualSpec& spec, const py::dict& layer) {
  spec.branch = sequential_spec(layer["branch"].cast<py::dict>());
  if (!layer["shortcut"].is_none()) spec.shortcut = layer_spec(layer["shortcut"].cast<py::dict>());
}

template <class Spec>
std::shared_ptr<Spec> make(const py::dict& layer) {
  const auto spec = std::make_shared<Spec>();
  spec->input = shape_of(layer["input"]);
  spec->output = shape_of(layer["output"]);
  parse(*spec, layer);
  return spec;
}

template <class Spec>
SpecPointer make_any(const py::dict& layer) {
  return make<Spec>(layer);
}

using LayerFactory = SpecPointer (*)(const py::dict&);

/// The list of layers: adding one is a name here, a description in net/layers/ and a class in python/simdnn/nn/.
// clang-format off
const std::map<std::string, LayerFactory> kLayerFactories = {
    {"activation", make_any<ActivationSpec>},
    {"alpha_dropout", make_any<AlphaDropoutSpec>},
    {"batch_norm", make_any<BatchNormSpec>},
    {"concatenate", make_any<ConcatenateSpec>},
    {"crelu", make_any<CReluSpec>},
    {"dense", make_any<DenseSpec>},
    {"dropout", make_any<DropoutSpec>},
    {"embedding", make_any<EmbeddingSpec>},
    {"layer_norm", make_any<LayerNormSpec>},
    {"trainable_activation", make_any<TrainableActivationSpec>},
    {"maxout", make_any<MaxoutSpec>},
    {"rrelu", make_any<RReLUSpec>},
    {"recurrent", make_any<RecurrentSpec>},
    {"residual", make_any<ResidualSpec>},
    {"softmax", make_any<SoftmaxSpec>},
    {"straight_through", make_any<StraightThroughSpec>},
};
// clang-format on

}  // namespace

SpecPointer layer_spec(const py::dict& layer) { return kLayerFactories.at(layer["kind"].cast<std::string>())(layer); }

std::shared_ptr<const SequentialSpec> sequential_spec(const py::dict& sequential) {
  return make<SequentialSpec>(sequential);
}

}  // namespace simdnn
