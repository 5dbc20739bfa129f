// Optimizers over arrays, their configurations, schedules and norms for Python.
#include <pybind11/stl.h>

#include <cmath>

#include "optimizer_state.hpp"
#include "register.hpp"
#include "schedules.hpp"

namespace simdnn {
namespace {

using namespace py::literals;

/// A setting of a configuration: its value and its description.
struct Setting {
  double* value;
  const Hyper* info;
};

Setting find_setting(OptimizerConfig& config, const std::string& name) {
  for (int i = 0; i < config.info().hyper_count(); ++i) {
    if (config.info().hypers[i].name == name) return {&config.hypers[std::size_t(i)], &config.info().hypers[i]};
  }
  for (int i = 0; i < kOptions; ++i) {
    if (kOptionTable[i].name == name) return {&config.options[i], &kOptionTable[i]};
  }
  throw py::key_error(name);
}

/// Sets a value, which must be in its range or equal the default (such as an infinite bound). NaN is in no range.
void set_setting(OptimizerConfig& config, const std::string& name, double value) {
  const Setting setting = find_setting(config, name);
  const Hyper& hyper = *setting.info;
  const double checked = value == hyper.value ? value : checked_number(hyper, value);
  with_mutex(*config.mutex, [&] { *setting.value = checked; });
}

std::shared_ptr<OptimizerConfig> make_config(const std::string& rule, const py::dict& settings) {
  const int index = find_by_name("rule", rule, kernels().rule_count, [](int i) { return kernels().rules[i]->name; });
  auto config = std::make_shared<OptimizerConfig>(index);
  for (const auto& [key, value] : settings) set_setting(*config, text_of(key), value.cast<double>());
  return config;
}

using PlainGroup = std::tuple<double, double, double, double>;

std::vector<PlainGroup> plain_groups(OptimizerConfig& config) {
  return with_mutex(*config.mutex, [&] {
    std::vector<PlainGroup> plain;
    for (const GroupSettings& group : config.groups) {
      plain.emplace_back(group.rate, group.rate_factor, group.decay, group.decay_factor);
    }
    return plain;
  });
}

void replace_groups(OptimizerConfig& config, const std::vector<PlainGroup>& plain) {
  std::vector<GroupSettings> groups;
  for (const auto& [rate, rate_factor, decay, decay_factor] : plain) {
    groups.push_back({rate, rate_factor, decay, decay_factor});
  }
  with_mutex(*config.mutex, [&] {
    if (groups.size() < config.groups.size()) throw py::value_error("groups: parameters belong to them");
    config.groups.swap(groups);
  });
}

py::array_t<double> schedule_rates(const Pieces& pieces, const py::object& object) {
  const std::vector<SchedulePiece> native = native_pieces(pieces);
  const Array<double> steps = real_array<double>(object, "steps");
  py::array_t<double> rates(shape_of(steps));
  for (Index i = 0; i < steps.size(); ++i) {
    rates.mutable_data()[i] = kernels().schedule(native.data(), int(native.size()), steps.data()[i]);
  }
  return rates;
}

void copy_array(const py::handle& to, const py::handle& from) { py::module_::import("numpy").attr("copyto")(to, from); }

/// An array to update in place, or through a contiguous copy during a step. Nobody can resize it.
template <class T>
struct Parameter {
  py::array user;
  PinnedArray pin;
  Array<T> work;

  explicit Parameter(const py::array& array) : user(array), pin(array) {
    work = is_ready<T>(array) ? py::reinterpret_borrow<Array<T>>(array) : Array<T>(shape_of(array));
  }
  bool copied() const { return !work.is(user); }

  /// Copies the array to its contiguous copy before a step, and back after it.
  void load() {
    if (copied()) copy_array(work, user);
  }
  void store() const {
    if (copied()) copy_array(user, work);
  }

  /// Shape for max-norm: norms over axis 0, one per remaining index.
  Units units() const {
    const Index inputs = user.ndim() == 0 ? 1 : user.shape(0);
    return {inputs, inputs == 0 ? 0 : user.size() / inputs};
  }
};

/// The memory that a step writes, as spans in the order of their addresses.
template <class T>
class WrittenSpans {
 public:
  void add(const Array<T>& array) {
    if (array.size() == 0) return;
    const Span span{array.data(), array.data() + array.size()};
    spans_.insert(std::upper_bound(spans_.begin(), spans_.end(), span), span);
  }

  /// True if a span shares memory with the array.
  bool meet(const Array<T>& array) const {
    const Span end{array.data() + array.size(), nullptr};
    const auto after = std::lower_bound(spans_.begin(), spans_.end(), end);
    return array.size() > 0 && after != spans_.begin() && (after - 1)->end > array.data();
  }

 private:
  struct Span {
    const T *begin, *end;
    bool operator<(const Span& other) const { return begin < other.begin; }
  };
  std::vector<Span> spans_;
};

/// Contiguous, checked gradients of a step, kept alive here. Those that share memory with parameters are copies.
template <class T>
struct Gradients {
  std::vector<Array<T>> kept;
  std::vector<const T*> data;

  Gradients(const py::sequence& given, const std::vector<Parameter<T>>& parameters, const WrittenSpans<T>& written) {
    if (given.size() != parameters.size()) {
      throw py::value_error("grads: expected " + std::to_string(parameters.size()) + " arrays, got " +
                            std::to_string(given.size()));
    }
    kept.reserve(parameters.size());
    data.reserve(parameters.size());
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const py::array& like = parameters[i].user;
      const Array<T>& g = kept.emplace_back(gradient(given[i], i));
      if (g.ndim() != like.ndim() || !std::equal(g.shape(), g.shape() + g.ndim(), like.shape())) {
        throw py::value_error(name("grads", i) + ": expected shape " + shape_text(like) + ", got " + shape_text(g));
      }
      if (!like.writeable()) throw py::value_error(name("params", i) + ": expected a writeable array");
    }
    for (Array<T>& g : kept) {
      if (written.meet(g)) g = simdnn::copied(g);
      data.push_back(g.data());
    }
  }

 private:
  static std::string name(const char* list, std::size_t i) { return list + ("[" + std::to_string(i) + "]"); }

  /// Converts one gradient. The fast path skips building the name for errors if the array already fits.
  static Array<T> gradient(const py::object& given, std::size_t i) {
    if (is_ready<T>(given)) return py::reinterpret_borrow<Array<T>>(given);
    return real_array<T>(given, name("grads", i).c_str());
  }
};

/// An optimizer of arrays, which it keeps alive.
template <class T>
struct ArrayOptimizer {
  Optimizer<T> optimizer;
  std::vector<Parameter<T>> parameters;
  WrittenSpans<T> written;
  std::shared_ptr<OwnedMutex> mutex;  ///< that of the configuration

  ArrayOptimizer(const std::shared_ptr<OptimizerConfig>& config, const std::vector<py::array>& arrays)
      : optimizer(config), mutex(config->mutex) {
    for (const py::array& array : arrays) {
      Parameter<T>& parameter = parameters.emplace_back(array);
      written.add(parameter.work);
      optimizer.add(parameter.work.mutable_data(), parameter.work.size(), parameter.units(), array.ndim() < 2);
    }
  }

  void step(const py::sequence& given) {
    const ExitGuard guard;
    const Gradients<T> gradients(given, parameters, written);
    run_native(*mutex, kUpdateElement * double(optimizer.size()), [&](const StopToken&) {
      for_copied([](Parameter<T>& parameter) { parameter.load(); });
      const bool stepped = optimizer.step(gradients.data);
      for_copied([](Parameter<T>& parameter) { parameter.store(); });
      return stepped;
    });
  }

 private:
  /// Calls visit(parameter), with the interpreter's lock, for each parameter that a step reads through a copy.
  template <class Visit>
  void for_copied(const Visit& visit) {
    if (std::none_of(parameters.begin(), parameters.end(), [](const auto& one) { return one.copied(); })) return;
    const py::gil_scoped_acquire gil;
    for (Parameter<T>& parameter : parameters) visit(parameter);
  }
};

/// Norm of all arrays as one long vector; they have one dtype.
template <class T>
double norm_of(const std::vector<Array<T>>& arrays) {
  std::vector<UpdateSpan<T>> spans;
  for (const Array<T>& array : arrays) {
    UpdateSpan<T>& span = spans.emplace_back();
    span.g = array.data();
    span.size = array.size();
  }
  const WithoutGil release;
  return global_norm(spans);
}

template <class T>
void register_precision(py::module_& module, const std::string& suffix) {
  py::class_<ArrayOptimizer<T>> optimizer(module, ("Optimizer" + suffix).c_str());
  optimizer
      .def(py::init<const std::shared_ptr<OptimizerConfig>&, const std::vector<py::array>&>(), "config"_a,
           "parameters"_a)
      .def("step", &ArrayOptimizer<T>::step, "gradients"_a);
  define_state<T>(
      optimizer, [](ArrayOptimizer<T>& self) -> Optimizer<T>& { return self.optimizer; },
      [](ArrayOptimizer<T>& self) -> OwnedMutex& { return *self.mutex; });
  module.def(sizeof(T) == 4 ? "global_norm_f32" : "global_norm_f64", norm_of<T>, "arrays"_a);
}

}  // namespace

void register_optimizers(py::module_& module) {
  py::class_<OptimizerConfig, std::shared_ptr<OptimizerConfig>>(module, "OptimizerConfig")
      .def(py::init(&make_config), "rule"_a, "settings"_a)
      .def_property_readonly("rule", [](const OptimizerConfig& self) { return self.info().name; })
      .def("__getitem__",
           [](OptimizerConfig& self, const std::string& name) { return *find_setting(self, name).value; })
      .def("__setitem__", set_setting)
      .def(
          "set_schedule",
          [](OptimizerConfig& self, const Pieces& pieces) {
            std::vector<SchedulePiece> native = native_pieces(pieces);
            with_mutex(*self.mutex, [&] { self.schedule.swap(native); });
          },
          "pieces"_a)
      .def(
          "set_decay_schedule",
          [](OptimizerConfig& self, const Pieces& pieces) {
            std::vector<SchedulePiece> native = native_pieces(pieces);
            with_mutex(*self.mutex, [&] { self.decay_schedule.swap(native); });
          },
          "pieces"_a)
      .def_property(
          "groups", plain_groups, replace_groups,
          "Groups of parameters as tuples (lr, lr_factor, weight_decay, weight_decay_factor); a NaN stands for "
          "the optimizer's own number, times the factor.")
      .def(
          "set_rates",
          [](OptimizerConfig& self, std::int64_t begin, std::vector<double> rates) {
            with_mutex(*self.mutex, [&] {
              self.rates_begin = begin;
              self.rates.swap(rates);
            });
          },
          "begin"_a, "rates"_a, "Learning rates of the steps from begin on, counted from 0.")
      .def(
          "rate",
          [](OptimizerConfig& self, std::int64_t step) {
            return with_mutex(*self.mutex, [&] { return self.rate(step); });
          },
          "step"_a)
      .def(
          "decay",
          [](OptimizerConfig& self, std::int64_t step) {
            return with_mutex(*self.mutex, [&] { return self.decay(step); });
          },
          "step"_a);
  module.def("schedule_rates", schedule_rates, "pieces"_a, "steps"_a);
  register_precision<float>(module, "F32");
  register_precision<double>(module, "F64");
}

}  // namespace simdnn
