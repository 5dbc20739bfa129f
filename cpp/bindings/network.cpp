// Networks and predictors as Python classes, one for each precision.
#include <pybind11/stl.h>

#include "../net/profile.hpp"
#include "layers.hpp"
#include "predictor.hpp"
#include "register.hpp"

namespace simdnn {
namespace {

using namespace py::literals;

/// An array of memory of the network, which keeps the network alive.
template <class T, class Number>
Array<Number> array_of(const std::shared_ptr<Network<T>>& network, Number* numbers, Index size) {
  const py::capsule owner(new std::shared_ptr<Network<T>>(network),
                          [](void* p) { delete static_cast<std::shared_ptr<Network<T>>*>(p); });
  return Array<Number>(size, numbers, owner);
}

/// A flat array of the network as a NumPy array; `spare` elements of its padding follow.
template <class T>
Array<T> flat_array(const std::shared_ptr<Network<T>>& network, Buffer<T>& buffer, Index spare = 0) {
  return array_of(network, buffer.data(), buffer.size() + spare);
}

/// The bits of the network's bf16 weights.
template <class T>
Array<std::uint16_t> rounded_bits(const std::shared_ptr<Network<T>>& network) {
  Buffer<Bf16>& rounded = network->rounded();
  return array_of(network, reinterpret_cast<std::uint16_t*>(rounded.data()), rounded.size());
}

Precision precision_of(bool bf16) { return bf16 ? Precision::bf16 : Precision::full; }

/// Writes the network's output for checked samples to `out`, in `work` nanoseconds by estimate.
template <class T>
void run_inference(std::unique_ptr<Plan<T>>& plan, const std::shared_ptr<Network<T>>& network, const Inputs<T>& in,
                   Nanoseconds work, T* out) {
  check_rows(*network->spec(), in.samples, in.time_steps);
  run_native(network->mutex(), work, [&](const StopToken& stop) {
    check_carried(*network, in.samples.rows);
    infer(inference_plan(plan, network, in.samples.rows, in.time_steps), in.samples, in.time_steps, out, stop);
    return true;
  });
}

/// The output for a batch, or for one sample without the axis of samples.
template <class T>
Array<T> predict(Model<T>& self, const py::object& object) {
  const Array<T> x = input_array<T>(*self.network->spec(), self.network->input(), object);
  const Request<T> request(*self.network, x, "x");
  const Inputs<T>& in = request.in;
  Array<T> out(request.shape);
  run_inference(self.inference, self.network, in, self.forward_work(in.samples.rows, in.time_steps),
                out.mutable_data());
  return out;
}

/// The forward pass of a training step over a copy of x, which backward() reads again. The caller holds the mutex.
template <class T>
void run_forward(Model<T>& self, const Inputs<T>& in, T* out, const StopToken& stop) {
  check_carried(*self.network, in.samples.rows);
  self.training_samples = 0;
  self.training_input.assign(in.samples.data, in.samples.data + in.samples.rows * in.samples.columns);
  const Matrix<const T> x{self.training_input.data(), in.samples.rows, in.samples.columns, in.samples.columns};
  self.training_context = {};
  self.training_context.mode = Mode::train;
  self.training_context.time_steps = in.time_steps;
  self.training_context.seed = self.seed;
  self.training_context.pass_index = self.passes++;
  self.training_context.stop = stop;
  self.training_context.keep_state = true;
  Plan<T>& plan = plan_for(self.training, self.network, x.rows, in.time_steps, Mode::train);
  plan.states().open(x.rows);
  plan.round_weights();
  const Matrix<T> y = plan.forward(rows_of_samples(x, 0, x.rows, in.time_steps), self.training_context);
  copy_rows<T>(y, out, y.columns);
  if (stop.stopped()) return;
  plan.states().close();
  plan.commit_running_stats();
  self.training_samples = x.rows;
}

template <class T>
Array<T> forward_training(Model<T>& self, const py::object& object) {
  const Array<T> x = input_array<T>(*self.network->spec(), self.network->input(), object);
  const Inputs<T> in = inputs_of(x, "x", self.network->input());
  check_rows(*self.network->spec(), in.samples, in.time_steps);
  Array<T> out(output_shape(self.network->output(), in.samples.rows, in.time_steps));
  T* const to = out.mutable_data();
  run_native(self.network->mutex(), self.forward_work(in.samples.rows, in.time_steps), [&](const StopToken& stop) {
    run_forward(self, in, to, stop);
    return true;
  });
  return out;
}

/// Raises unless dy fits the last forward pass. The caller holds the mutex.
template <class T>
void check_backward(const Model<T>& self, const Array<T>& dy, const Inputs<T>& in) {
  if (self.training_samples == 0) throw py::value_error("backward: call forward(x, training=True) first");
  const Index time_steps = self.network->output_time_steps(self.training_context.time_steps);
  if (in.samples.rows == self.training_samples && in.time_steps == time_steps) return;
  const py::gil_scoped_acquire gil;
  throw py::value_error("dy: expected the shape of the last forward's output, of " +
                        std::to_string(self.training_samples) + " rows, got " + shape_text(dy));
}

template <class T>
py::object backward(Model<T>& self, const py::object& object, bool input_gradient) {
  const Array<T> dy = real_array<T>(object, "dy");
  const Inputs<T> in = inputs_of(dy, "dy", self.network->output());
  std::optional<Array<T>> dx;
  const Nanoseconds work = self.network->flops(in.time_steps) * kFlopOfBackward * double(in.samples.rows);
  run_native(self.network->mutex(), work, [&](const StopToken& stop) {
    check_backward(self, dy, in);  // another thread's forward pass may have come first
    T* to = nullptr;
    if (input_gradient) {
      const py::gil_scoped_acquire gil;
      dx.emplace(output_shape(self.network->input(), self.training_samples, self.training_context.time_steps));
      to = dx->mutable_data();
    }
    const Matrix<T> gradient = self.training->output_gradient(in.samples.rows * in.time_steps);
    copy_rows(rows_of_samples(in.samples, 0, in.samples.rows, in.time_steps), gradient.data, gradient.stride);
    apply(flush_post_op<T>(), gradient);
    self.training->round_weights();
    self.training_context.stop = stop;
    self.training_context.skip_input_gradient = !input_gradient;
    const Matrix<T> input = self.training->backward(gradient, self.training_context);
    if (to) copy_rows<T>(input, to, input.columns);
    return true;
  });
  return py::cast(dx);
}

/// The output for a batch, or for one sample without the axis of samples; writes to `out` unless that is None.
template <class T>
py::object predict_frozen(Predictor<T>& self, const py::object& x, const py::object& out_object) {
  Network<T>& network = *self.network;
  std::optional<Array<T>> out = optional_memory<T>(out_object);
  Array<T> values = input_array<T>(*network.spec(), network.input(), x);
  if (out && overwrites(*out, values)) values = copied(values);
  const Request<T> request(network, values, "x", out);
  prepare(out, request.shape);
  const Inputs<T>& in = request.in;
  const Nanoseconds work = network.flops(in.time_steps) * kFlopOfPrediction * double(in.samples.rows);
  run_inference(self.plan, self.network, in, work, out->mutable_data());
  return out_object.is_none() ? py::object(*out) : out_object;
}

/// True if two lists have the same names and shapes.
inline bool same_blocks(const ParameterList& a, const ParameterList& b) {
  const auto equal = [](const ParameterBlock& one, const ParameterBlock& other) {
    return one.name == other.name && one.shape == other.shape;
  };
  return std::equal(a.blocks().begin(), a.blocks().end(), b.blocks().begin(), b.blocks().end(), equal);
}

/// Moves all parameters and buffers by a share of the way to those of another network: p + share (q - p).
template <class T>
void lerp(Model<T>& self, const Model<T>& source, double share) {
  Network<T>&to = *self.network, &from = *source.network;
  if (!same_blocks(to.layout().parameters, from.layout().parameters) ||
      !same_blocks(to.layout().buffers, from.layout().buffers)) {
    throw py::value_error("source: expected parameters and buffers of the same names and shapes");
  }
  const Nanoseconds work = kUpdateElement * double(to.values().size());
  run_native({&to.mutex(), &from.mutex()}, work, [&](const StopToken&) {
    if (share == 1) {  // also where a difference would be infinite or NaN
      std::copy_n(from.values().data(), from.values().size(), to.values().data());
      std::copy_n(from.buffers().data(), from.buffers().size(), to.buffers().data());
    } else if (share > 0) {
      const auto& move = typed_kernels<T>().layers.move_towards;
      move(from.values().data(), T(share), to.values().data(), to.values().size());
      move(from.buffers().data(), T(share), to.buffers().data(), to.buffers().size());
    }
    return true;
  });
}

template <class T>
Model<T> make_model(const py::dict& sequential, std::uint64_t seed, bool bf16) {
  return Model<T>{std::make_shared<Network<T>>(sequential_spec(sequential), precision_of(bf16)), seed};
}

template <class T>
void reset_states(Network<T>& network) {
  run_native(network.mutex(), 0, [&](const StopToken&) {
    network.states().reset();
    return true;
  });
}

/// The states that the next batch begins with, [samples, columns] for each stateful layer; empty: initial states.
template <class T>
py::list carried_states(Network<T>& network) {
  std::vector<std::vector<T>> copies;
  Index samples = 0;
  with_mutex(network.mutex(), [&] {
    States<T>& states = network.states();
    samples = states.carried();
    for (std::size_t i = 0; samples > 0 && i < states.layers(); ++i) {
      const T* const begin = states.carried_state(i);
      copies.emplace_back(begin, begin + samples * states.columns(i));
    }
  });
  py::list found;
  for (const std::vector<T>& copy : copies) {
    Array<T> one({samples, Index(copy.size()) / samples});
    std::copy(copy.begin(), copy.end(), one.mutable_data());
    found.append(one);
  }
  return found;
}

/// Sets the states that the next batch begins with: a result of carried_states().
template <class T>
void set_carried_states(Network<T>& network, const std::vector<Array<T>>& arrays) {
  States<T>& states = network.states();
  if (arrays.empty()) return reset_states(network);
  const Index samples = arrays[0].ndim() == 2 ? arrays[0].shape(0) : 0;
  bool fits = arrays.size() == states.layers() && samples > 0;
  for (std::size_t i = 0; fits && i < arrays.size(); ++i) {
    fits = has_shape(arrays[i], {samples, states.columns(i)});
  }
  if (!fits) throw py::value_error("states: expected the states of the network's stateful layers");
  run_native(network.mutex(), 0, [&](const StopToken&) {
    states.carry(samples);
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      std::copy(arrays[i].data(), arrays[i].data() + arrays[i].size(), states.carried_state(i));
    }
    return true;
  });
}

/// The blocks of a list for Python, as tuples (name, offset, shape).
py::list described(const ParameterList& list) {
  py::list rows;
  for (const ParameterBlock& block : list.blocks()) {
    rows.append(py::make_tuple(block.name, block.offset, py::tuple(py::cast(block.shape))));
  }
  return rows;
}

/// The shapes of a network's parameters and buffers by name, without allocating them.
py::dict shapes_of(const py::dict& sequential) {
  ParameterLayout layout;
  try {
    sequential_spec(sequential)->declare_parameters("", layout);
  } catch (const std::bad_array_new_length&) {
    throw py::value_error("layers: their parameters are more than memory can address");
  }
  py::dict shapes;
  for (const ParameterList* const list : {&layout.parameters, &layout.buffers}) {
    for (const ParameterBlock& block : list->blocks()) shapes[block.name.c_str()] = py::tuple(py::cast(block.shape));
  }
  return shapes;
}

/// The cost of each layer as a tuple (parameters, flops, bytes, arena, predicted, measured), times in nanoseconds.
template <class T>
py::list profile_rows(Model<T>& self, Index samples, Index time_steps) {
  const std::vector<LayerCost> costs = run_native(self.network->mutex(), kLongCall, [&](const StopToken& stop) {
    return profile(*self.network, samples, time_steps, stop);
  });
  py::list rows;
  for (const LayerCost& cost : costs) {
    rows.append(py::make_tuple(cost.parameters, cost.flops, cost.bytes, cost.arena, cost.predicted, cost.measured));
  }
  return rows;
}

template <class T>
void register_network_classes(py::module_& module, const std::string& suffix) {
  py::class_<Model<T>> model(module, ("Model" + suffix).c_str());
  define_lock(model, [](Model<T>& self) -> OwnedMutex& { return self.network->mutex(); });
  model.def(py::init(&make_model<T>), "sequential"_a, "seed"_a, "bf16"_a)
      .def_property_readonly("values", [](Model<T>& self) { return flat_array(self.network, self.network->values()); })
      .def_property_readonly("gradients",
                             [](Model<T>& self) { return flat_array(self.network, self.network->gradients()); })
      .def_property_readonly(
          "gradient_message",
          [](Model<T>& self) {
            return flat_array(self.network, self.network->gradients(), Network<T>::kSpareGradients);
          },
          "The gradients and, after them, spare elements for numbers that travel with them between processes.")
      .def_property_readonly("buffers",
                             [](Model<T>& self) { return flat_array(self.network, self.network->buffers()); })
      .def_property_readonly("parameter_blocks",
                             [](const Model<T>& self) { return described(self.network->layout().parameters); })
      .def_property_readonly("buffer_blocks",
                             [](const Model<T>& self) { return described(self.network->layout().buffers); })
      .def("reset_states", [](Model<T>& self) { reset_states(*self.network); })
      .def_property(
          "states", [](Model<T>& self) { return carried_states(*self.network); },
          [](Model<T>& self, const std::vector<Array<T>>& states) { set_carried_states(*self.network, states); },
          "The states that stateful layers carry to the next batch; empty if it begins with initial ones.")
      .def_readwrite("seed", &Model<T>::seed)
      .def_property(
          "passes", [](Model<T>& self) { return with_mutex(self.network->mutex(), [&] { return self.passes; }); },
          [](Model<T>& self, std::uint64_t passes) {
            with_mutex(self.network->mutex(), [&] { self.passes = passes; });
          })
      .def("predict", predict<T>, "x"_a)
      .def("forward", forward_training<T>, "x"_a)
      .def("backward", backward<T>, "dy"_a, "input_gradient"_a)
      .def("lerp", lerp<T>, "source"_a, "share"_a)
      .def("profile", profile_rows<T>, "samples"_a, "time_steps"_a);
  py::class_<Predictor<T>>(module, ("Predictor" + suffix).c_str())
      .def(py::init([](Model<T>& model, bool bf16) {
             return run_native(model.network->mutex(), 0, [&](const StopToken&) {
               return std::make_unique<Predictor<T>>(model, precision_of(bf16));
             });
           }),
           "model"_a, "bf16"_a)
      .def("reset_states", [](Predictor<T>& self) { reset_states(*self.network); })
      .def_property(
          "states", [](Predictor<T>& self) { return carried_states(*self.network); },
          [](Predictor<T>& self, const std::vector<Array<T>>& states) { set_carried_states(*self.network, states); })
      .def_property_readonly("values",
                             [](Predictor<T>& self) { return flat_array(self.network, self.network->values()); })
      .def_property_readonly("buffers",
                             [](Predictor<T>& self) { return flat_array(self.network, self.network->buffers()); })
      .def_property_readonly(
          "rounded", [](Predictor<T>& self) { return rounded_bits(self.network); },
          "The bits of the weights that are kept as bf16 alone.")
      .def("predict", predict_frozen<T>, "x"_a, "out"_a);
}

}  // namespace

void register_network(py::module_& module) {
  py::class_<StateLock>(module, "StateLock")
      .def("__enter__", &StateLock::enter)
      .def("__exit__", [](StateLock& self, const py::args&) { self.exit(); });
  register_network_classes<float>(module, "F32");
  register_network_classes<double>(module, "F64");
  module.def("parameter_shapes", shapes_of, "sequential"_a,
             "Shapes of the parameters and buffers of a network, by name.");
  module.def("layer_fields", layer_fields, "Names of the fields of each layer's description, by its kind.");
}

}  // namespace simdnn
