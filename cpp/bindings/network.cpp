// Networks and predictors as Python classes, one for each precision.
#include <pybind11/stl.h>

#include "model.hpp"
#include "register.hpp"

namespace simdnn {
namespace {

using namespace py::literals;

int activation_index(const std::string& name) {
  for (int i = 0; i < kernels().activation_count; ++i) {
    if (kernels().activations[i].about->name == name) return i;
  }
  throw std::logic_error(name);  // Python has checked the name
}

LayerSpec dense_spec(const py::dict& layer) {
  DenseSpec spec;
  spec.inputs = layer["inputs"].cast<Index>();
  spec.outputs = layer["outputs"].cast<Index>();
  spec.bias = layer["bias"].cast<bool>();
  spec.activation = activation_index(layer["activation"].cast<std::string>());
  spec.parameters = layer["parameters"].cast<std::vector<double>>();
  return spec;
}

/// The flat buffer as an array that keeps its network alive.
template <class T>
Array<T> flat_array(const std::shared_ptr<Network<T>>& network, Buffer<T>& buffer) {
  const py::capsule owner(new std::shared_ptr<Network<T>>(network),
                          [](void* p) { delete static_cast<std::shared_ptr<Network<T>>*>(p); });
  return Array<T>(buffer.size(), buffer.data(), owner);
}

template <class T>
Array<T> predict(Model<T>& self, const py::object& object) {
  const Array<T> x = real_array<T>(object, "x");
  const Matrix<const T> rows = matrix_of(x, "x", self.network->inputs());
  Array<T> out({rows.rows, self.network->outputs()});
  T* const to = out.mutable_data();
  run_native(self.network->mutex(), self.nanoseconds(rows.rows), [&](const Context& context) {
    const Index capacity = std::min(std::max<Index>(rows.rows, 1), kChunkRows);
    if (!self.inference || self.inference->capacity() < capacity) {
      self.inference = std::make_unique<Plan<T>>(self.network, capacity, Mode::infer);
    }
    infer(*self.inference, rows, to, context);
    return true;
  });
  return out;
}

template <class T>
Array<T> forward_training(Model<T>& self, const py::object& object) {
  const Array<T> given = real_array<T>(object, "x");
  matrix_of(given, "x", self.network->inputs());
  const Array<T> x(std::vector<Index>{given.shape(0), given.shape(1)}, given.data());  // backward() reads it again
  Array<T> out({x.shape(0), self.network->outputs()});
  T* const to = out.mutable_data();
  const Matrix<const T> rows = matrix_of(x, "x", self.network->inputs());
  run_native(self.network->mutex(), self.nanoseconds(rows.rows), [&](const Context& context) {
    self.training_rows = 0;
    if (!self.training || self.training->capacity() < rows.rows) {
      self.training = std::make_unique<Plan<T>>(self.network, rows.rows, Mode::train, true);
    }
    const Matrix<T> y = self.training->forward(rows, context);
    copy_rows<T>(y, to, y.columns);
    return true;
  });
  self.training_input = x;
  self.training_rows = rows.rows;
  return out;
}

template <class T>
Array<T> backward(Model<T>& self, const py::object& object) {
  const Array<T> dy = real_array<T>(object, "dy");
  const Matrix<const T> rows = matrix_of(dy, "dy", self.network->outputs());
  if (self.training_rows == 0) throw py::value_error("backward: call forward(x, training=True) first");
  if (rows.rows != self.training_rows) {
    throw py::value_error("dy: expected the " + std::to_string(self.training_rows) + " rows of the last forward, got " +
                          shape_text(dy));
  }
  Array<T> dx({rows.rows, self.network->inputs()});
  T* const to = dx.mutable_data();
  run_native(self.network->mutex(), 2 * self.nanoseconds(rows.rows), [&](const Context& context) {
    self.training->prepare();
    const Matrix<T> gradient = self.training->output_gradient(rows.rows);
    copy_rows(rows, gradient.data, gradient.stride);
    const Matrix<T> input = self.training->backward(gradient, false, context);
    copy_rows<T>(input, to, input.columns);
    return true;
  });
  return dx;
}

/// A network of its own, for prediction alone: nothing that happens to the model changes it.
template <class T>
struct Predictor {
  std::shared_ptr<Network<T>> network;
  Plan<T> plan;

  explicit Predictor(Model<T>& model) : network(copy_of(*model.network)), plan(network, kChunkRows, Mode::infer) {}

  static std::shared_ptr<Network<T>> copy_of(Network<T>& from) {
    auto network = std::make_shared<Network<T>>(from.specs());
    std::copy_n(from.values().data(), from.values().size(), network->values().data());
    return network;
  }

  void run(const Matrix<const T>& x, T* out) {
    run_native(network->mutex(), network->flops() / 300 * double(x.rows), [&](const Context& context) {
      infer(plan, x, out, context);
      return true;
    });
  }
};

template <class T>
void predict_into(Predictor<T>& self, const py::object& object, const py::object& out_object) {
  if (!py::isinstance<Array<T>>(out_object) || !py::reinterpret_borrow<py::array>(out_object).writeable()) {
    throw py::type_error(std::string("out: expected a writeable C-contiguous array of ") + text_of(py::dtype::of<T>()));
  }
  const Array<T> x = real_array<T>(object, "x");
  auto out = py::reinterpret_borrow<Array<T>>(out_object);
  const Index inputs = self.network->inputs(), outputs = self.network->outputs();
  const bool single = x.ndim() == 1 && out.ndim() == 1 && x.shape(0) == inputs;
  const Matrix<const T> rows = single ? Matrix<const T>{x.data(), 1, inputs, inputs} : matrix_of(x, "x", inputs);
  if (single ? out.shape(0) != outputs : out.ndim() != 2 || out.shape(0) != rows.rows || out.shape(1) != outputs) {
    throw py::value_error("out: expected shape " + (single ? "(" : "(" + std::to_string(rows.rows) + ", ") +
                          std::to_string(outputs) + (single ? ",)" : ")") + ", got " + shape_text(out));
  }
  self.run(rows, out.mutable_data());
}

template <class T>
Model<T> make_model(const std::vector<py::dict>& layers) {
  std::vector<LayerSpec> specs;
  for (const py::dict& layer : layers) specs.push_back(dense_spec(layer));
  return Model<T>{std::make_shared<Network<T>>(std::move(specs))};
}

template <class T>
void register_precision(py::module_& module, const std::string& suffix) {
  py::class_<Model<T>>(module, ("Model" + suffix).c_str())
      .def(py::init(&make_model<T>), "layers"_a)
      .def_property_readonly("inputs", [](const Model<T>& self) { return self.network->inputs(); })
      .def_property_readonly("outputs", [](const Model<T>& self) { return self.network->outputs(); })
      .def_property_readonly("values", [](Model<T>& self) { return flat_array(self.network, self.network->values()); })
      .def_property_readonly("gradients",
                             [](Model<T>& self) { return flat_array(self.network, self.network->gradients()); })
      .def_property_readonly(
          "blocks",
          [](const Model<T>& self) {
            py::list blocks;
            for (const ParameterBlock& block : self.network->blocks()) {
              blocks.append(py::make_tuple(block.name, block.offset, py::tuple(py::cast(block.shape))));
            }
            return blocks;
          })
      .def("predict", predict<T>, "x"_a)
      .def("forward", forward_training<T>, "x"_a)
      .def("backward", backward<T>, "dy"_a);
  py::class_<Predictor<T>>(module, ("Predictor" + suffix).c_str())
      .def(py::init([](Model<T>& model) {
             return run_native(model.network->mutex(), 0,
                               [&](const Context&) { return std::make_unique<Predictor<T>>(model); });
           }),
           "model"_a)
      .def_property_readonly("inputs", [](const Predictor<T>& self) { return self.network->inputs(); })
      .def_property_readonly("outputs", [](const Predictor<T>& self) { return self.network->outputs(); })
      .def("predict_into", predict_into<T>, "x"_a, "out"_a);
}

}  // namespace

void register_network(py::module_& module) {
  register_precision<float>(module, "F32");
  register_precision<double>(module, "F64");
}

}  // namespace simdnn
