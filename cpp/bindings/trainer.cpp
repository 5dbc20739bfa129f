// Trainers as Python classes, one for each precision.
#include <pybind11/stl.h>

#include <cmath>

#include "model.hpp"
#include "register.hpp"
#include "state.hpp"
#include "targets.hpp"

namespace simdnn {
namespace {

using namespace py::literals;

/// A trainer of a model's network.
template <class T>
struct ModelTrainer {
  Trainer<T> trainer;

  ModelTrainer(const Model<T>& model, std::shared_ptr<Loss> loss, std::shared_ptr<Rule> rule, std::uint64_t seed)
      : trainer(model.network, std::move(loss), std::move(rule), seed) {}

  double nanoseconds(const Samples<T>& samples) {
    return trainer.network().flops(samples.steps) / 50 * double(samples.x.rows);
  }
};

/// x as it lies, if it is contiguous numbers of a kind that a loader casts; else as numbers of T.
template <class T>
py::array source_array(const py::object& object) {
  const bool known = py::isinstance<Array<float>>(object) || py::isinstance<Array<double>>(object) ||
                     py::isinstance<Array<std::uint8_t>>(object);
  if (known) {
    const auto array = py::reinterpret_borrow<py::array>(object);
    if (reinterpret_cast<std::uintptr_t>(array.data()) % std::uintptr_t(array.itemsize()) == 0) return array;
  }
  return real_array<T>(object, "x");
}

inline Element element_of(const py::array& array) {
  if (py::isinstance<Array<float>>(array)) return Element::single;
  return py::isinstance<Array<double>>(array) ? Element::real : Element::byte;
}

/// Arrays that a step reads, and the samples that point into them.
template <class T>
struct Batch {
  py::array x;  ///< kept alive, with the others, for as long as the samples
  std::optional<Targets<T>> targets;
  std::optional<Array<T>> weights;
  Samples<T> samples;

  Batch(const Network<T>& network, const Loss& loss, const py::object& x_object, const py::object& y_object,
        const py::object& weight_object, double scale)
      : x(source_array<T>(x_object)) {
    const Extent in = extent_of(x, "x", network.input());
    samples.x = {static_cast<const char*>(x.data()), element_of(x), in.samples, in.steps * network.inputs(), scale};
    samples.steps = in.steps;
    samples.output_steps = network.output_steps(in.steps);
    if (samples.x.rows == 0) throw py::value_error("x: expected at least one sample, got shape " + shape_text(x));
    std::vector<Index> shape = output_shape(network.output(), in.samples, in.steps);
    shape.pop_back();  // of the rows of outputs
    const Clause clause = [this] { return " for " + std::to_string(samples.x.rows) + " samples"; };
    targets.emplace(loss, y_object, "y", shape, network.outputs(), clause);
    samples.classes = targets->classes();
    samples.values = targets->values();
    if (weight_object.is_none()) return;
    weights = sample_weights<T>(weight_object, {samples.x.rows}, clause);
    if (samples.output_steps > 1) weights = repeated(*weights, samples.output_steps);
    samples.weight = weights->data();
  }

 private:
  /// Each number several times.
  static Array<T> repeated(const Array<T>& numbers, Index times) {
    Array<T> all(numbers.size() * times);
    for (Index i = 0; i < all.size(); ++i) all.mutable_data()[i] = numbers.data()[i / times];
    return all;
  }
};

template <class T>
double step(ModelTrainer<T>& self, const py::object& x, const py::object& y, const py::object& weight) {
  Trainer<T>& trainer = self.trainer;
  const Batch<T> batch(trainer.network(), trainer.loss(), x, y, weight, 1);
  const Totals totals = run_native(trainer.network().mutex(), self.nanoseconds(batch.samples),
                                   [&](const Context& context) { return trainer.step(batch.samples, context); });
  return totals.loss / totals.weight;
}

/// (mean loss, share of correct classes, samples, steps)
py::tuple report(const Totals& totals) {
  return py::make_tuple(totals.loss / totals.weight, double(totals.correct) / double(totals.samples), totals.samples,
                        totals.steps);
}

template <class T>
void register_precision(py::module_& module, const std::string& suffix) {
  using Self = ModelTrainer<T>;
  py::class_<Batch<T>>(module, ("Batch" + suffix).c_str());
  py::class_<Self> type(module, ("Trainer" + suffix).c_str());
  define_state<T>(type, [](Self& self) -> Updater<T>& { return self.trainer.updater(); });
  type.def(py::init<const Model<T>&, std::shared_ptr<Loss>, std::shared_ptr<Rule>, std::uint64_t>(), "model"_a,
           "loss"_a, "rule"_a, "seed"_a)
      .def("step", step<T>, "x"_a, "y"_a, "sample_weight"_a)
      .def(
          "batch",
          [](Self& self, const py::object& x, const py::object& y, double scale) {
            return std::make_unique<Batch<T>>(self.trainer.network(), self.trainer.loss(), x, y, py::none(), scale);
          },
          "x"_a, "y"_a, "scale"_a, "Checked samples, for epoch() and evaluate().")
      .def(
          "epoch",
          [](Self& self, const Batch<T>& batch, Index size, bool shuffled, std::uint64_t epoch) {
            constexpr double long_enough = 1e9;  // an epoch always gives up the GIL
            return report(run_native(self.trainer.network().mutex(), long_enough, [&](const Context& context) {
              return self.trainer.epoch(batch.samples, size, shuffled, epoch, context);
            }));
          },
          "batch"_a, "size"_a, "shuffled"_a, "epoch"_a)
      .def(
          "evaluate",
          [](Self& self, const Batch<T>& batch) {
            return report(
                run_native(self.trainer.network().mutex(), self.nanoseconds(batch.samples),
                           [&](const Context& context) { return self.trainer.evaluate(batch.samples, context); }));
          },
          "batch"_a);
}

}  // namespace

void register_trainer(py::module_& module) {
  register_precision<float>(module, "F32");
  register_precision<double>(module, "F64");
}

}  // namespace simdnn
