// Fits of many networks at once.
#include <pybind11/stl.h>

#include <algorithm>
#include <utility>

#include "../net/lane_fit.hpp"
#include "dataset.hpp"
#include "model.hpp"
#include "register.hpp"

namespace simdnn {
namespace {

using namespace py::literals;

/// Functions of Python that are called around each epoch, with the GIL.
class PythonHook final : public EpochHook {
 public:
  PythonHook(py::object before, py::object after) : before_(std::move(before)), after_(std::move(after)) {}

  void before_epoch() override { call(before_); }
  void after_epoch(double loss) override { call(after_, loss); }

 private:
  template <class... Arguments>
  void call(const py::object& function, const Arguments&... arguments) {
    const py::gil_scoped_acquire gil;
    try {
      function(arguments...);
    } catch (const py::error_already_set& error) {
      if (!error.matches(PyExc_Exception)) ends_program = true;  // KeyboardInterrupt, SystemExit
      throw;
    }
  }

  py::object before_, after_;
};

/// The fit of a trainer, which keeps alive what it reads.
struct TrainerFit {
  py::object trainer, dataset, validation;
  std::unique_ptr<Fit> fit;
};

/// Raises if the chosen rows have no weight.
template <class T>
void check_weights(const Subset<T>& subset, const char* name) {
  const T* const weight = subset.dataset->weight;
  const auto positive = [&](Index row) { return weight[row * subset.dataset->output_time_steps] > 0; };
  if (weight == nullptr || std::any_of(subset.rows.begin(), subset.rows.end(), positive)) return;
  throw py::value_error("sample_weight: expected a finite sum > 0 over the rows of " + std::string(name));
}

/// The chosen rows of a dataset. `rows` is None for all of them, or an array of indices, which is copied.
template <class T>
Subset<T> subset_of(const py::object& object, const py::object& rows, const char* name) {
  Subset<T> subset;
  if (object.is_none()) return subset;
  subset.dataset = &object.cast<const Dataset<T>&>().samples;
  if (rows.is_none()) return subset;
  const Array<Index> indices = integer_array<Index>(rows, name, "integers");
  const Index n = subset.dataset->x.rows;
  if (indices.ndim() != 1 || indices.size() == 0) {
    throw py::value_error(std::string(name) + ": expected at least one index in one dimension, got shape " +
                          shape_text(indices));
  }
  subset.all = false;
  subset.rows.assign(indices.data(), indices.data() + indices.size());
  for (std::size_t i = 0; i < subset.rows.size(); ++i) {
    if (subset.rows[i] >= 0 && subset.rows[i] < n) continue;
    throw py::index_error(std::string(name) + "[" + std::to_string(i) + "]: " + std::to_string(subset.rows[i]) +
                          " is out of range for " + std::to_string(n) + " samples");
  }
  check_weights(subset, name);
  return subset;
}

/// Early stopping by the settings that Python has checked.
Stopping stopping_of(const std::string& metric, std::int64_t patience, double min_delta, bool like_sklearn,
                     bool restore_best, bool keep_last) {
  Stopping stopping;
  stopping.metric = metric == "loss" ? Metric::loss : metric == "val_loss" ? Metric::val_loss : Metric::val_accuracy;
  stopping.patience = {patience, min_delta, stopping.metric == Metric::val_accuracy, like_sklearn, keep_last};
  stopping.restore_best = restore_best;
  return stopping;
}

template <class T>
TrainerFit make_fit(const py::object& trainer, const py::object& dataset, const py::object& rows,
                    const py::object& validation, const py::object& validation_rows, Index epochs, Index batch,
                    bool shuffled, std::uint64_t first_epoch, const std::optional<Stopping>& stopping,
                    const py::object& before, const py::object& after) {
  Trainer<T>& native = trainer.cast<ModelTrainer<T>&>().trainer;
  Subset<T> samples = subset_of<T>(dataset, rows, "indices");
  const FitSettings settings{epochs, batch, shuffled, first_epoch, stopping};
  with_mutex(native.network().mutex(),
             [&] { check_batches(native.network(), samples.size(), std::min(batch, samples.size())); });
  auto fit = std::make_unique<NetworkFit<T>>(native, std::move(samples),
                                             subset_of<T>(validation, validation_rows, "validation"), settings);
  if (!before.is_none()) fit->hook = std::make_unique<PythonHook>(before, after);
  return {trainer, dataset, validation, std::move(fit)};
}

/// Asks the interpreter for signals and tells it of progress, until a hook or the interpreter wants to stop.
class PopulationInterrupt final : public Interrupt {
 public:
  explicit PopulationInterrupt(py::object progress = py::none()) : progress_(std::move(progress)) {}

  void watch(const Population& population) { population_ = &population; }
  void watch(const EpochHook& hook) { hooks_.push_back(&hook); }

 protected:
  bool requested() override {
    if (ends_with_interpreter()) return true;
    const py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) return true;
    try {
      if (!progress_.is_none()) progress_(population_->finished());
    } catch (py::error_already_set& error) {
      error.restore();
      return true;
    }
    return std::any_of(hooks_.begin(), hooks_.end(), [](const EpochHook* hook) { return bool(hook->ends_program); });
  }

 private:
  py::object progress_;
  const Population* population_ = nullptr;
  std::vector<const EpochHook*> hooks_;
};

/// Runs units without the GIL, on several threads if their work is worth it; raises what interrupted them.
void run_units(std::vector<Unit> units, int threads, PopulationInterrupt& interrupt) {
  Nanoseconds work = 0;
  for (const Unit& unit : units) work += unit.work;
  Population population(std::move(units));
  interrupt.watch(population);
  {
    const WithoutGil release;
    population.run(fork_count() > 0 || work < kSerialBelow ? 1 : threads, interrupt);
  }
  if (interrupt.stopped() && (PyErr_Occurred() || ends_with_interpreter())) throw_interruption();
}

void run_fits(const std::vector<TrainerFit*>& members, int threads, const py::object& progress, Index fewest) {
  PopulationInterrupt interrupt(progress);
  std::vector<Fit*> fits;
  for (const TrainerFit* const member : members) {
    check_free(member->fit->mutex());
    fits.push_back(member->fit.get());
    if (member->fit->hook) interrupt.watch(*member->fit->hook);
  }
  run_units(units_of(fits, fewest), threads, interrupt);
}

/// Runs a fit on the calling thread, whose loops may have other threads.
void run_fit(const TrainerFit& self) {
  check_free(self.fit->mutex());
  SignalInterrupt interrupt;
  {
    const WithoutGil release;
    self.fit->run({&interrupt});
  }
  if (interrupt.stopped()) throw_interruption();
}

RandomState random_state_of(const py::object& key, std::size_t position) {
  const Array<std::uint32_t> words = key.cast<Array<std::uint32_t>>();
  if (words.size() != Index(RandomState::kWords) || position > RandomState::kWords) {
    throw py::value_error("random: expected the state of an MT19937");
  }
  RandomState random;
  std::copy(words.data(), words.data() + words.size(), random.key.begin());
  random.position = position;
  return random;
}

/// One step of a trainer, to be run on any thread.
class Step {
 public:
  virtual ~Step() = default;
  virtual Nanoseconds work() const = 0;
  virtual void run(const StopToken& stop) noexcept = 0;

  double loss = 0;
  std::exception_ptr error = nullptr;
};

template <class T>
class TrainerStep final : public Step {
 public:
  TrainerStep(ModelTrainer<T>& trainer, const py::object& x, const py::object& y, const py::object& weight)
      : trainer_(trainer), dataset_(network(), trainer.trainer.loss(), x, y, weight, 1, Memory::shared) {
    check_free(trainer.mutex());
  }

  Nanoseconds work() const override {
    return trainer_.work(dataset_.samples) + kStepOverhead +
           kUpdateElement * double(trainer_.trainer.optimizer().size());
  }

  void run(const StopToken& stop) noexcept override {
    try {
      const std::lock_guard<OwnedMutex> lock(trainer_.mutex());
      check_carried(network(), dataset_.samples.x.rows);
      const LossSums sums = trainer_.trainer.step(dataset_.samples, stop);
      loss = sums.loss / sums.weight;
    } catch (...) {
      error = std::current_exception();
    }
  }

 private:
  Network<T>& network() { return trainer_.trainer.network(); }

  ModelTrainer<T>& trainer_;
  Dataset<T> dataset_;
};

std::unique_ptr<Step> make_step(const py::handle& trainer, const py::object& x, const py::object& y,
                                const py::object& weight) {
  if (py::isinstance<ModelTrainer<float>>(trainer)) {
    return std::make_unique<TrainerStep<float>>(trainer.cast<ModelTrainer<float>&>(), x, y, weight);
  }
  return std::make_unique<TrainerStep<double>>(trainer.cast<ModelTrainer<double>&>(), x, y, weight);
}

/// Units of neighboring steps, each long enough that the cost of taking it is small.
std::vector<Unit> units_of(const std::vector<std::unique_ptr<Step>>& steps) {
  constexpr Nanoseconds long_enough = 20000;
  std::vector<Unit> units;
  for (std::size_t begin = 0, end = 0; begin < steps.size(); begin = end) {
    Nanoseconds work = 0;
    while (end < steps.size() && work < long_enough) work += steps[end++]->work();
    units.push_back({work, [&steps, begin, end](const StopToken& stop) {
                       for (std::size_t i = begin; i < end && !stop.stopped(); ++i) steps[i]->run(stop);
                     }});
  }
  return units;
}

/// The losses of one step of each trainer. `place` receives the index of the trainer that a raised error concerns.
std::vector<double> run_steps(const py::list& trainers, const py::list& xs, const py::list& ys, const py::list& weights,
                              int threads, py::list place) {
  std::vector<std::unique_ptr<Step>> steps;
  std::size_t i = 0;
  try {
    for (; i < trainers.size(); ++i) steps.push_back(make_step(trainers[i], xs[i], ys[i], weights[i]));
    PopulationInterrupt interrupt;
    run_units(units_of(steps), threads, interrupt);
    for (i = 0; i < steps.size(); ++i) {
      if (steps[i]->error) std::rethrow_exception(steps[i]->error);
    }
  } catch (...) {
    if (i < trainers.size()) place.append(i);
    throw;
  }
  std::vector<double> losses;
  for (const std::unique_ptr<Step>& step : steps) losses.push_back(step->loss);
  return losses;
}

template <double EpochMeans::* mean>
std::vector<double> column(const TrainerFit& self) {
  std::vector<double> values;
  for (const EpochMeans& means : self.fit->epochs) values.push_back(means.*mean);
  return values;
}

template <class T>
void define_fit(py::class_<TrainerFit>& type, const char* name) {
  type.def_static(name, make_fit<T>, "trainer"_a, "dataset"_a, "rows"_a, "validation"_a, "validation_rows"_a,
                  "epochs"_a, "batch"_a, "shuffled"_a, "first_epoch"_a, "stopping"_a, "before"_a, "after"_a);
}

}  // namespace

void register_population(py::module_& module) {
  py::class_<Stopping>(module, "Stopping")
      .def(py::init(&stopping_of), "metric"_a, "patience"_a, "min_delta"_a, "like_sklearn"_a, "restore_best"_a,
           "keep_last"_a)
      .def_readwrite("divisor", &Stopping::divisor)
      .def_readwrite("constant", &Stopping::constant)
      .def_readwrite("adds_penalty", &Stopping::adds_penalty)
      .def_property(
          "best", [](const Stopping& self) { return self.patience.best; },
          [](Stopping& self, double best) { self.patience.best = best; })
      .def_property(
          "waited", [](const Stopping& self) { return self.patience.waited; },
          [](Stopping& self, std::int64_t waited) { self.patience.waited = waited; });
  py::class_<RandomState>(module, "RandomState")
      .def(py::init(&random_state_of), "key"_a, "position"_a)
      .def_property_readonly(
          "key", [](const RandomState& self) { return Array<std::uint32_t>(Index(self.key.size()), self.key.data()); })
      .def_readonly("position", &RandomState::position);
  py::class_<TrainerFit> type(module, "Fit");
  define_fit<float>(type, "f32");
  define_fit<double>(type, "f64");
  type.def_property_readonly("loss", column<&EpochMeans::loss>)
      .def_property_readonly("accuracy", column<&EpochMeans::accuracy>)
      .def_property_readonly("penalty", column<&EpochMeans::penalty>)
      .def_property_readonly("val_loss", column<&EpochMeans::val_loss>)
      .def_property_readonly("val_accuracy", column<&EpochMeans::val_accuracy>)
      .def_property_readonly("seconds", column<&EpochMeans::seconds>)
      .def_property_readonly("in_lanes", [](const TrainerFit& self) { return self.fit->in_lanes; })
      .def_property_readonly("trained", [](const TrainerFit& self) { return self.fit->trained; })
      .def_property_readonly("steps", [](const TrainerFit& self) { return self.fit->steps; })
      .def_property_readonly("validates", [](const TrainerFit& self) { return !self.validation.is_none(); })
      .def_property_readonly("stopped", [](const TrainerFit& self) { return self.fit->stopped; })
      .def_property(
          "random", [](const TrainerFit& self) { return self.fit->random; },
          [](const TrainerFit& self, const std::optional<RandomState>& random) { self.fit->random = random; })
      .def(
          "raise_error",
          [](const TrainerFit& self) {
            // The traceback of a kept exception would keep alive all that its frames refer to, the fit among it.
            if (self.fit->error) std::rethrow_exception(std::exchange(self.fit->error, nullptr));
          },
          "Raises the error that has ended the fit, if there was one; the fit forgets it.");
  module.def("run_fits", run_fits, "fits"_a, "threads"_a, "progress"_a, "fewest"_a = 0,
             "Trains on several threads, each network on one at a time; progress(finished) is called now and then. "
             "Lanes take groups of at least `fewest` networks; 0 leaves it to a model of their time.");
  module.def("run_fit", run_fit, "fit"_a, "Trains one network on the calling thread and those of its loops.");
  module.def("run_steps", run_steps, "trainers"_a, "xs"_a, "ys"_a, "weights"_a, "threads"_a, "place"_a);
}

}  // namespace simdnn
