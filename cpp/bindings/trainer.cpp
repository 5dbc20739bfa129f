// Trainers as Python classes, one for each precision.
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

#include "../net/random.hpp"
#include "dataset.hpp"
#include "model.hpp"
#include "optimizer_state.hpp"
#include "register.hpp"

namespace simdnn {
namespace {

using namespace py::literals;

/// Sets or, by None, removes the function that a step calls with the network's gradients.
template <class T>
void set_gradient_hook(ModelTrainer<T>& self, const py::object& hook, const py::object& gradients) {
  with_mutex(self.mutex(), [&] {
    self.hook = hook;
    self.hook_argument = gradients;
    self.trainer.gradient_hook = nullptr;
    if (hook.is_none()) return;
    self.trainer.gradient_hook = [&self] {
      const py::gil_scoped_acquire gil;
      const ExitGuard guard;
      const py::object running = self.hook, argument = self.hook_argument;  // the hook may remove itself
      running(argument);
    };
  });
}

/// Lets Python's garbage collector see the hook, which may refer to the trainer.
template <class T>
void collect_hook(PyHeapTypeObject* heap_type) {
  PyTypeObject& type = heap_type->ht_type;
  type.tp_flags |= Py_TPFLAGS_HAVE_GC;
  type.tp_traverse = [](PyObject* object, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(object));
    if (py::detail::is_holder_constructed(object)) {
      Py_VISIT(py::cast<ModelTrainer<T>&>(py::handle(object)).hook.ptr());
    }
    return 0;
  };
  type.tp_clear = [](PyObject* object) {
    if (py::detail::is_holder_constructed(object)) {
      ModelTrainer<T>& self = py::cast<ModelTrainer<T>&>(py::handle(object));
      self.trainer.gradient_hook = nullptr;
      const py::object dropped = std::exchange(self.hook, py::none());
    }
    return 0;
  };
}

template <class T>
double step(ModelTrainer<T>& self, const py::object& x, const py::object& y, const py::object& weight) {
  Trainer<T>& trainer = self.trainer;
  const Memory memory = trainer.part_of_batch ? Memory::own_part : Memory::shared;
  const Dataset<T> dataset(trainer.network(), trainer.loss(), x, y, weight, 1, memory);
  const LossSums sums = run_native(self.mutex(), self.work(dataset.samples), [&](const StopToken& stop) {
    check_carried(trainer.network(), dataset.samples.x.rows);
    return trainer.step(dataset.samples, stop);
  });
  return sums.loss / sums.weight;
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
    return self.trainer.epoch(dataset.samples, size, {at, n}, stop);
  });
}

template <class T>
void part_of_epoch(ModelTrainer<T>& self, const Dataset<T>& dataset, Index size, Index begin, Index end,
                   LossSums& sums) {
  if (begin < 0 || begin > end || end > dataset.samples.x.rows) throw py::value_error("begin, end: out of range");
  std::vector<Index> order(std::size_t(end - begin));
  std::iota(order.begin(), order.end(), begin);
  run_native(self.mutex(), kLongCall, [&](const StopToken& stop) {
    check_batches(self.trainer.network(), end - begin, size);
    self.trainer.epoch(dataset.samples, size, {order.data(), end - begin}, sums, stop);
    return 0;
  });
}

/// Loss, weight, correct classes, samples, penalty.
using BatchSums = std::tuple<double, double, std::int64_t, std::int64_t, double>;

template <class T>
BatchSums batch_sums(Trainer<T>& trainer) {
  const LossSums& sums = trainer.batch();
  return {sums.loss, sums.weight, sums.correct, sums.samples, sums.penalty};
}

template <class T>
void set_batch_sums(Trainer<T>& trainer, const BatchSums& sums) {
  LossSums& batch = trainer.batch();
  std::tie(batch.loss, batch.weight, batch.correct, batch.samples, batch.penalty) = sums;
}

template <class T>
void register_trainer_classes(py::module_& module, const std::string& suffix) {
  using Self = ModelTrainer<T>;
  py::class_<Dataset<T>>(module, ("Dataset" + suffix).c_str())
      .def_property_readonly("samples", [](const Dataset<T>& self) { return self.samples.x.rows; });
  py::class_<Self> type(module, ("Trainer" + suffix).c_str(), py::custom_type_setup(&collect_hook<T>));
  define_state<T>(
      type, [](Self& self) -> Optimizer<T>& { return self.trainer.optimizer(); },
      [](Self& self) -> OwnedMutex& { return self.mutex(); });
  type.def(py::init<const Model<T>&, std::shared_ptr<Loss>, const std::shared_ptr<OptimizerConfig>&, std::uint64_t>(),
           "model"_a, "loss"_a, "config"_a, "seed"_a)
      .def("step", step<T>, "x"_a, "y"_a, "sample_weight"_a)
      .def("set_gradient_hook", set_gradient_hook<T>, "hook"_a, "gradients"_a)
      .def_readonly("gradient_hook", &Self::hook)
      .def_property(
          "batch", [](Self& self) { return with_mutex(self.mutex(), [&] { return batch_sums(self.trainer); }); },
          [](Self& self, const BatchSums& sums) {
            with_mutex(self.mutex(), [&] { set_batch_sums(self.trainer, sums); });
          },
          "Loss, weight, correct classes, samples and penalty, summed over the last batch; a gradient hook may replace "
          "them.")
      .def_property(
          "random_offset",
          [](Self& self) { return with_mutex(self.mutex(), [&] { return self.trainer.random_offset; }); },
          [](Self& self, Index offset) { with_mutex(self.mutex(), [&] { self.trainer.random_offset = offset; }); },
          "Samples of the batch in other processes that come before those of this one, for random layers.")
      .def_property(
          "part_of_batch",
          [](Self& self) { return with_mutex(self.mutex(), [&] { return self.trainer.part_of_batch; }); },
          [](Self& self, bool part) { with_mutex(self.mutex(), [&] { self.trainer.part_of_batch = part; }); },
          "True if the samples of a step or gradient are a part of a batch: their weights may all be 0, and the "
          "gradient is then that of the sum of their losses.")
      .def(
          "dataset",
          [](Self& self, const py::object& x, const py::object& y, const py::object& weight, double scale, bool part) {
            return std::make_unique<Dataset<T>>(self.trainer.network(), self.trainer.loss(), x, y, weight, scale,
                                                part ? Memory::own_part : Memory::own);
          },
          "x"_a, "y"_a, "sample_weight"_a, "scale"_a, "part"_a = false,
          "Checked samples, for epoch(), gradient() and evaluate(): x is read in place if it is an array, the others "
          "are copied. The weights of a part of the samples may all be 0.")
      .def(
          "shares",
          [](Self& self, const Dataset<T>& dataset) {
            return dataset.serves(self.trainer.network(), self.trainer.loss());
          },
          "dataset"_a, "True if a dataset of another trainer serves this one.")
      .def("epoch", shuffled_epoch<T>, "dataset"_a, "size"_a, "shuffled"_a, "epoch"_a)
      .def("epoch_in_order", epoch_in_order<T>, "dataset"_a, "size"_a, "order"_a)
      .def("part_of_epoch", part_of_epoch<T>, "dataset"_a, "size"_a, "begin"_a, "end"_a, "sums"_a,
           "Trains the samples from begin to end in memory order, and adds to the sums of the epoch.")
      .def(
          "part_of_evaluation",
          [](Self& self, const Dataset<T>& dataset, LossSums& sums) {
            run_native(self.mutex(), self.work(dataset.samples), [&](const StopToken& stop) {
              self.trainer.evaluate(dataset.samples, {}, sums, stop);
              return 0;
            });
          },
          "dataset"_a, "sums"_a)
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
  py::class_<LossSums>(module, "LossSums", "Sums over the parts of an epoch or an evaluation, in their order.")
      .def(py::init<>())
      .def("report", report);
  register_trainer_classes<float>(module, "F32");
  register_trainer_classes<double>(module, "F64");
  module.def(
      "shuffled_order",
      [](Index samples, std::uint64_t seed, std::uint64_t epoch) {
        std::vector<Index> order;
        fill_order(order, samples, true, seed, epoch);
        Array<Index> copy(samples);
        std::copy(order.begin(), order.end(), copy.mutable_data());
        return copy;
      },
      "samples"_a, "seed"_a, "epoch"_a, "The order of the samples in an epoch of a trainer with this seed.");
  module.def(
      "random_choice",
      [](Index count, Index samples, std::uint64_t seed, std::uint64_t stream) {
        if (count < 0 || count > samples) throw py::value_error("count: expected at most the number of samples");
        std::vector<Index> order(static_cast<std::size_t>(samples));
        std::iota(order.begin(), order.end(), Index(0));
        shuffle_last(order.data(), samples, count, Random(seed, stream));
        Array<Index> copy(count);
        std::copy(order.end() - count, order.end(), copy.mutable_data());
        return copy;
      },
      "count"_a, "samples"_a, "seed"_a, "stream"_a, "Indices of some samples in random order, each of them once.");
}

}  // namespace simdnn
