// Trainers as Python classes, one for each precision.
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>

#include "../net/lanes.hpp"
#include "model.hpp"
#include "optimizer_state.hpp"
#include "register.hpp"
#include "targets.hpp"

namespace simdnn {
namespace {

using namespace py::literals;

/// A trainer of the network of a model.
template <class T>
struct ModelTrainer {
  Trainer<T> trainer;

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

/// The array itself if it is contiguous and aligned, with a dtype that a loader casts; otherwise a copy of dtype T, or
/// of double where T could round an integer to look up.
template <class T>
py::array source_array(const py::object& object) {
  const py::array array = host_array(object, "x");
  const bool known = py::isinstance<Array<float>>(array) || py::isinstance<Array<double>>(array) ||
                     py::isinstance<Array<std::uint8_t>>(array);
  if (known && reinterpret_cast<std::uintptr_t>(array.data()) % std::uintptr_t(array.itemsize()) == 0) return array;
  if (array.dtype().kind() == 'f' && array.itemsize() > Index(sizeof(T))) return real_array<double>(array, "x");
  return real_array<T>(array, "x");
}

inline DType dtype_of(const py::array& array) {
  if (py::isinstance<Array<float>>(array)) return DType::f32;
  return py::isinstance<Array<double>>(array) ? DType::f64 : DType::u8;
}

/// True for a sparse matrix of SciPy, of any format.
inline bool is_sparse(const py::handle& object) {
  if (py::isinstance<py::array>(object) || !py::hasattr(object, "tocsr")) return false;
  const py::dict modules = py::module_::import("sys").attr("modules");
  return modules.contains("scipy.sparse") && modules["scipy.sparse"].attr("issparse")(object).cast<bool>();
}

/// A copy of one of SciPy's sparse matrices in CSR format. Its indices are checked once, as nobody else can write to
/// them. Entries of a row may have any order; those in one column add up.
template <class T>
struct SparseArrays {
  Array<T> entries;
  Array<Index> indices, indptr;
  Index rows = 0, columns = 0;

  explicit SparseArrays(const py::handle& object) {
    const py::object csr = object.attr("tocsr")();
    const auto shape = py::reinterpret_borrow<py::object>(csr.attr("shape")).cast<std::vector<Index>>();
    if (shape.size() != 2) {
      throw py::value_error("x: expected a sparse matrix of two dimensions, got shape " + shape_text(shape));
    }
    rows = shape[0];
    columns = shape[1];
    entries = copied(real_array<T>(csr.attr("data"), "x.data"));
    indices = copied(integer_array<Index>(csr.attr("indices"), "x.indices", "integers"));
    indptr = copied(integer_array<Index>(csr.attr("indptr"), "x.indptr", "integers"));
    check();
  }

  InputArray source(double scale) const {
    const char* const data = reinterpret_cast<const char*>(entries.data());
    return {data, kDType<T>, rows, columns, scale, indptr.data(), indices.data()};
  }

 private:
  void check() const {
    const Index stored = entries.size();
    const Index* const begins = indptr.data();
    const bool sizes = entries.ndim() == 1 && indices.ndim() == 1 && indptr.ndim() == 1 && rows >= 0 && columns >= 0 &&
                       indptr.size() == rows + 1 && indices.size() == stored && begins[0] == 0 &&
                       begins[rows] <= stored && std::is_sorted(begins, begins + rows + 1);
    if (!sizes) {
      throw py::value_error("x: expected a valid CSR matrix, got indptr, indices and data that do not fit together");
    }
    for (Index k = 0; k < begins[rows]; ++k) {
      const Index column = indices.data()[k];
      if (column >= 0 && column < columns) continue;
      throw py::value_error("x.indices[" + std::to_string(k) + "]: expected a column from 0 to " +
                            std::to_string(columns - 1) + ", got " + std::to_string(column));
    }
  }
};

/// The samples of a call, or of many calls (`Memory::own`): arrays, kept alive, and the view that points into them. A
/// dense x is shared; the targets, the weights and a sparse x of many calls are copies.
template <class T>
struct Dataset {
  PinnedArray pinned;
  py::object x;
  std::optional<SparseArrays<T>> sparse;
  std::optional<Targets<T>> targets;
  std::optional<Array<T>> weights;
  DatasetView<T> samples;

  Dataset(const Network<T>& network, const Loss& loss, const py::object& x_object, const py::object& y_object,
          const py::object& weight_object, double scale, Memory memory) {
    Extent in;
    if (is_sparse(x_object)) {
      if (network.input().sequence)
        throw py::type_error("x: expected an array (n, time, features), got a sparse matrix");
      sparse.emplace(x_object);
      samples.x = sparse->source(scale);
      in.samples = samples.x.rows;
      if (samples.x.columns != network.inputs()) {
        throw py::value_error("x: expected " + std::to_string(network.inputs()) + " columns, got " +
                              std::to_string(samples.x.columns));
      }
    } else {
      const py::array array = source_array<T>(x_object);
      in = extent_of(array, "x", network.input());
      const Index columns = in.time_steps * network.inputs();
      samples.x = {static_cast<const char*>(array.data()), dtype_of(array), in.samples, columns, scale};
      x = array;
      if (memory == Memory::own) pinned = PinnedArray(array);
    }
    samples.time_steps = in.time_steps;
    samples.output_time_steps = network.output_time_steps(in.time_steps);
    if (in.samples == 0) {
      const std::vector<Index> given = output_shape(network.input(), in.samples, in.time_steps);
      throw py::value_error("x: expected at least one sample, got shape " + shape_text(given));
    }
    check_input(network);
    std::vector<Index> shape = output_shape(network.output(), in.samples, in.time_steps);
    shape.pop_back();  // without the axis of outputs
    const Clause clause = [this] { return " for " + std::to_string(samples.x.rows) + " samples"; };
    targets.emplace(loss, y_object, "y", shape, network.outputs(), clause, memory);
    samples.classes = targets->classes();
    samples.values = targets->values();
    if (weight_object.is_none()) return;
    weights = sample_weights<T>(weight_object, {samples.x.rows}, clause, memory);
    if (samples.output_time_steps > 1) weights = repeated(*weights, samples.output_time_steps);
    samples.weight = weights->data();
  }

 private:
  /// Lets the layers check the numbers of x, scaled as by the loader.
  void check_input(const Network<T>& network) const {
    const InputArray& source = samples.x;
    const Index columns = network.inputs();
    const auto number = [&](Index k) {
      if (source.dtype == DType::f32) return double(reinterpret_cast<const float*>(source.data)[k]);
      if (source.dtype == DType::f64) return reinterpret_cast<const double*>(source.data)[k];
      return double(reinterpret_cast<const std::uint8_t*>(source.data)[k]);
    };
    const auto dense = [&](Index i, Index j) { return source.scale * number(i * columns + j); };
    const auto stored = [&](Index i, Index j) {
      double sum = 0;
      for (Index k = sparse->indptr.data()[i]; k < sparse->indptr.data()[i + 1]; ++k) {
        if (sparse->indices.data()[k] == j) sum += number(k);
      }
      return source.scale * sum;
    };
    const InputReader reader = sparse ? InputReader(stored) : InputReader(dense);
    network.spec()->check(reader, source.rows * samples.time_steps);
  }

  /// Repeats each number several times in a row.
  static Array<T> repeated(const Array<T>& numbers, Index times) {
    Array<T> all(numbers.size() * times);
    for (Index i = 0; i < all.size(); ++i) all.mutable_data()[i] = numbers.data()[i / times];
    return all;
  }
};

template <class T>
double step(ModelTrainer<T>& self, const py::object& x, const py::object& y, const py::object& weight) {
  Trainer<T>& trainer = self.trainer;
  const Dataset<T> dataset(trainer.network(), trainer.loss(), x, y, weight, 1, Memory::shared);
  const LossSums sums = run_native(self.mutex(), self.work(dataset.samples), [&](const StopToken& stop) {
    check_carried(trainer.network(), dataset.samples.x.rows);
    return trainer.step(dataset.samples, stop);
  });
  return sums.loss / sums.weight;
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

/// The tuple (mean loss, accuracy, samples, steps, mean penalty); the penalty is 0 unless it is part of the loss.
py::tuple report(const LossSums& sums) {
  return py::make_tuple(sums.loss / sums.weight, double(sums.correct) / double(sums.samples), sums.samples, sums.steps,
                        sums.penalty / sums.weight);
}

/// Runs work(stop) with the network locked; returns its report.
template <class T, class Work>
py::tuple reported(ModelTrainer<T>& self, Nanoseconds estimate, const Work& work) {
  return report(run_native(self.mutex(), estimate, work));
}

template <class T>
py::tuple shuffled_epoch(ModelTrainer<T>& self, const Dataset<T>& dataset, Index size, bool shuffled,
                         std::uint64_t epoch) {
  return reported(self, kLongCall, [&](const StopToken& stop) {
    check_batches(self.trainer.network(), dataset.samples.x.rows, size);
    return self.trainer.epoch(dataset.samples, size, shuffled, epoch, stop);
  });
}

template <class T>
py::tuple epoch_in_order(ModelTrainer<T>& self, const Dataset<T>& dataset, Index size, const py::object& order) {
  const Index n = dataset.samples.x.rows;
  const Array<Index> own = copied(integer_array<Index>(order, "order", "integers"));
  const auto inside = [n](Index i) { return i >= 0 && i < n; };
  if (own.size() != n || !std::all_of(own.data(), own.data() + n, inside)) {
    throw py::value_error("order: expected " + std::to_string(n) + " indices of samples");
  }
  const Index* const at = own.data();
  return reported(self, kLongCall, [&](const StopToken& stop) {
    check_batches(self.trainer.network(), n, size);
    return self.trainer.epoch(dataset.samples, size, at, stop);
  });
}

/// Trains equal networks in lanes for a number of epochs, or of steps from all samples if the size of a batch is 0;
/// returns the reports of each, and of the validation after it.
template <class T>
py::list epochs_in_lanes(const std::vector<ModelTrainer<T>*>& trainers, const std::vector<const Dataset<T>*>& datasets,
                         const std::vector<const Dataset<T>*>& validation, Index size, bool shuffled,
                         std::uint64_t epoch, Index epochs) {
  std::vector<Trainer<T>*> members;
  for (ModelTrainer<T>* const trainer : trainers) {
    members.push_back(&trainer->trainer);
    if (!LaneGroup<T>::accepts(*members.back()) || !LaneGroup<T>::alike(*members.front(), *members.back())) {
      throw py::value_error("trainers[" + std::to_string(members.size() - 1) + "]: does not fit in lanes");
    }
  }
  std::vector<std::vector<LanePass<T>>> all;
  std::exception_ptr error;
  {
    const py::gil_scoped_release release;
    const Index most = size > 0 ? size : datasets[0]->samples.x.rows;
    LaneGroup<T> group(members, most);
    for (Index e = 0; e < epochs; ++e) {
      std::vector<LanePass<T>> passes(members.size()), checks(members.size());
      for (std::size_t l = 0; l < members.size(); ++l) {
        const DatasetView<T>& samples = datasets[l]->samples;
        passes[l] = {&samples, nullptr, samples.x.rows, shuffled, epoch + std::uint64_t(e)};
        if (!validation.empty()) checks[l] = {&validation[l]->samples, nullptr, validation[l]->samples.x.rows};
      }
      if (size > 0) group.epoch(passes, size, {});
      if (size == 0) group.step(passes, {});
      for (const LanePass<T>& pass : passes) error = error ? error : pass.error;
      all.push_back(passes);
      if (!validation.empty()) {
        group.evaluate(checks, {});
        all.push_back(checks);
      }
    }
    group.store();
  }
  if (error) std::rethrow_exception(error);
  py::list reports;
  for (const auto& passes : all) {
    py::list of_epoch;
    for (const LanePass<T>& pass : passes) of_epoch.append(report(pass.sums));
    reports.append(of_epoch);
  }
  return reports;
}

template <class T>
void register_trainer_classes(py::module_& module, const std::string& suffix) {
  using Self = ModelTrainer<T>;
  py::class_<Dataset<T>>(module, ("Dataset" + suffix).c_str())
      .def_property_readonly("samples", [](const Dataset<T>& self) { return self.samples.x.rows; });
  py::class_<Self> type(module, ("Trainer" + suffix).c_str());
  define_state<T>(
      type, [](Self& self) -> Optimizer<T>& { return self.trainer.optimizer(); },
      [](Self& self) -> OwnedMutex& { return self.mutex(); });
  type.def(py::init<const Model<T>&, std::shared_ptr<Loss>, const std::shared_ptr<OptimizerConfig>&, std::uint64_t>(),
           "model"_a, "loss"_a, "config"_a, "seed"_a)
      .def("step", step<T>, "x"_a, "y"_a, "sample_weight"_a)
      .def(
          "dataset",
          [](Self& self, const py::object& x, const py::object& y, const py::object& weight, double scale) {
            return std::make_unique<Dataset<T>>(self.trainer.network(), self.trainer.loss(), x, y, weight, scale,
                                                Memory::own);
          },
          "x"_a, "y"_a, "sample_weight"_a, "scale"_a,
          "Checked samples, for epoch(), gradient() and evaluate(): x is read in place if it is an array, the others "
          "are copied.")
      .def("epoch", shuffled_epoch<T>, "dataset"_a, "size"_a, "shuffled"_a, "epoch"_a)
      .def_static("epochs_in_lanes", epochs_in_lanes<T>)
      .def("epoch_in_order", epoch_in_order<T>, "dataset"_a, "size"_a, "order"_a)
      .def(
          "gradient",
          [](Self& self, const Dataset<T>& dataset) {
            return reported(self, self.work(dataset.samples),
                            [&](const StopToken& stop) { return self.trainer.gradient(dataset.samples, stop); });
          },
          "dataset"_a, "Writes the gradient of the mean loss w.r.t. the parameters to the model's gradients.")
      .def(
          "evaluate",
          [](Self& self, const Dataset<T>& dataset) {
            return reported(self, self.work(dataset.samples),
                            [&](const StopToken& stop) { return self.trainer.evaluate(dataset.samples, stop); });
          },
          "dataset"_a)
      .def_property(
          "sums_penalty",
          [](Self& self) { return with_mutex(self.mutex(), [&] { return self.trainer.sums_penalty; }); },
          [](Self& self, bool sums) { with_mutex(self.mutex(), [&] { self.trainer.sums_penalty = sums; }); },
          "True if the l1 and l2 penalties are added to the sum of a batch's losses: divided by its weight, "
          "and part of the reported loss.");
}

}  // namespace

void register_trainer(py::module_& module) {
  register_trainer_classes<float>(module, "F32");
  register_trainer_classes<double>(module, "F64");
}

}  // namespace simdnn
