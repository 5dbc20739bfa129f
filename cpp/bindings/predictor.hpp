// A frozen network, and what a prediction takes from Python: samples or one sample, and memory for the output.
#pragma once

#include "../net/predictions.hpp"
#include "model.hpp"

namespace simdnn {

/// A copy of a network for prediction, which changes of the model do not affect.
template <class T>
struct Predictor {
  std::shared_ptr<Network<T>> network;
  std::unique_ptr<Plan<T>> plan;

  Predictor(Model<T>& model, Precision precision) : network(fold_for_inference(*model.network, precision)) {
    plan_for(plan, network, kChunk, 1, Mode::infer);
  }
};

/// A batch of the one sample x, which has no axis of samples.
template <class T>
Inputs<T> single_input(const Array<T>& x, const Shape& wanted) {
  const Index time_steps = wanted.sequence ? x.shape(0) : 1;
  return {{x.data(), 1, x.size(), x.size()}, time_steps};
}

/// True if x is one sample without the axis of samples.
template <class T>
bool is_single(const Array<T>& x, const Shape& wanted) {
  return x.ndim() == (wanted.sequence ? 2 : 1) && x.shape(x.ndim() - 1) == wanted.features && x.size() > 0;
}

/// Raises if x has the axes of one sample, but other features: its shape could be that of a sample or of a batch.
template <class T>
void check_lone_sample(const Array<T>& x, const char* name, const Shape& wanted) {
  if (x.ndim() != (wanted.sequence ? 2 : 1) || x.shape(x.ndim() - 1) == wanted.features) return;
  const std::string features = std::to_string(wanted.features);
  const std::string shapes = wanted.sequence ? "(time, " + features + ") or (n, time, " + features + ")"
                                             : "(" + features + ",) or (n, " + features + ")";
  throw py::value_error(std::string(name) + ": expected shape " + shapes + ", got " + shape_text(x));
}

/// True if rows of `out` overwrite rows of x that are read later. Where both have one layout they do not: a chunk's
/// output is written after its input has been read.
template <class T>
bool overwrites(const Array<T>& out, const Array<T>& x) {
  const T *const begin = out.data(), *const first = x.data();
  const bool apart = begin + out.size() <= first || first + x.size() <= begin;
  return !apart && !(begin == first && out.size() == x.size());
}

/// The memory of the argument `out`; nothing if that is None.
template <class T>
std::optional<Array<T>> optional_memory(const py::object& object) {
  if (object.is_none()) return std::nullopt;
  return output_memory<T>(object, "out");
}

/// A prediction's input, and the shape of its output.
template <class T>
struct Request {
  Inputs<T> in;
  std::vector<Index> shape;

  /// x is a batch, or one sample without the axis of samples if `out`, where it is given, has no such axis either.
  Request(Network<T>& network, const Array<T>& x, const char* name, const std::optional<Array<T>>& out = {}) {
    const Shape wanted = network.input(), output = network.output();
    const bool single = is_single(x, wanted) && (!out || out->ndim() == (output.sequence ? 2 : 1));
    if (!single) check_lone_sample(x, name, wanted);
    in = single ? single_input(x, wanted) : inputs_of(x, name, wanted);
    shape = output_shape(output, in.samples.rows, in.time_steps);
    if (single) shape.erase(shape.begin());
  }
};

/// Makes the memory of an output, or raises if the given one has another shape.
template <class T>
void prepare(std::optional<Array<T>>& out, const std::vector<Index>& shape) {
  if (!out) {
    out.emplace(shape);
  } else if (!has_shape(*out, shape)) {
    throw py::value_error("out: expected shape " + text_of(py::tuple(py::cast(shape))) + ", got " + shape_text(*out));
  }
}

}  // namespace simdnn
