// Predictions of many networks in one call, and of ensembles.
#include <pybind11/stl.h>

#include "../net/ensemble.hpp"
#include "predictor.hpp"
#include "register.hpp"

namespace simdnn {
namespace {

using namespace py::literals;

template <class T>
Inference<T> inference_of(Model<T>& model) {
  return {model.network, &model.inference, kFlopOfForward};
}

template <class T>
Inference<T> inference_of(Predictor<T>& predictor) {
  return {predictor.network, &predictor.plan, kFlopOfPrediction};
}

/// A model or predictor of precision T, as an object of Python; nothing if it has the other precision.
template <class T>
std::optional<Inference<T>> inference_of(const py::handle& object) {
  if (py::isinstance<Model<T>>(object)) return inference_of(object.cast<Model<T>&>());
  if (py::isinstance<Predictor<T>>(object)) return inference_of(object.cast<Predictor<T>&>());
  return std::nullopt;
}

/// The argument `xs` of predict_many(): one array for all networks, cast once for each precision, or one for each.
class ManyInputs {
 public:
  ManyInputs(const py::object& xs, bool shared) : shared_(shared) {
    if (shared) {
      whole_ = host_array(xs, "xs");
    } else {
      each_ = xs.cast<py::list>();
    }
  }

  /// The name of the input of network i in error messages.
  std::string name(std::size_t i) const {
    return shared_ ? "models[" + std::to_string(i) + "]: xs" : "xs[" + std::to_string(i) + "]";
  }

  template <class T>
  Array<T> get(Network<T>& network, std::size_t i, const char* name) {
    if (!shared_) return input_array<T>(*network.spec(), network.input(), each_[i], name);
    check_before_cast<T>(*network.spec(), network.input(), whole_, name);
    std::optional<Array<T>>& cast = std::get<std::optional<Array<T>>>(casts_);
    if (!cast) cast = real_array<T>(whole_, name);
    return *cast;
  }

 private:
  bool shared_;
  py::array whole_;
  py::list each_;
  std::tuple<std::optional<Array<float>>, std::optional<Array<double>>> casts_;
};

/// The predictions of a call of predict_many(), and what they read and write.
class ManyPredictions {
 public:
  ManyPredictions(const py::list& models, const py::object& xs, bool shared) : inputs_(xs, shared) {
    for (std::size_t i = 0; i < models.size(); ++i) {
      if (const auto single = inference_of<float>(models[i])) {
        add(*single, i);
      } else {
        add(inference_of<double>(models[i]).value(), i);
      }
    }
  }

  py::list run(int threads) {
    std::vector<OwnedMutex*> mutexes;
    Nanoseconds work = 0;
    for (const Prediction& one : predictions_) {
      mutexes.push_back(one.mutex);
      work += one.work;
    }
    run_native(std::move(mutexes), work, [&](const StopToken& stop) {
      check_states();
      run_predictions(std::move(predictions_), threads, stop);
      return true;
    });
    return outputs_;
  }

 private:
  template <class T>
  void add(const Inference<T>& inference, std::size_t i) {
    Network<T>& network = *inference.network;
    const std::string name = inputs_.name(i);
    const Array<T> x = inputs_.get(network, i, name.c_str());
    const Request<T> request(network, x, name.c_str());
    const Inputs<T>& in = request.in;
    check_rows(*network.spec(), in.samples, in.time_steps, name.c_str());
    Array<T> out(request.shape);
    predictions_.push_back(inference.predict(in.samples, in.time_steps, out.mutable_data()));
    if (!network.states().empty()) {
      stateful_.push_back({&network.mutex(), in.samples.rows, name, [&network] { return network.states().carried(); }});
    }
    kept_.append(x);
    outputs_.append(out);
  }

  /// Raises if a stateful network cannot take its samples after those that come before in the list.
  void check_states() const {
    for (std::size_t i = 0; i < stateful_.size(); ++i) {
      Index carried = stateful_[i].carried();
      for (std::size_t k = 0; k < i; ++k) {
        if (stateful_[k].mutex == stateful_[i].mutex) carried = stateful_[k].samples;
      }
      check_carried(carried, stateful_[i].samples, stateful_[i].name);
    }
  }

  struct Stateful {
    OwnedMutex* mutex;
    Index samples;
    std::string name;
    std::function<Index()> carried;
  };

  ManyInputs inputs_;
  std::vector<Prediction> predictions_;
  std::vector<Stateful> stateful_;
  py::list kept_, outputs_;
};

py::list predict_many(const py::list& models, const py::object& xs, bool shared, int threads) {
  return ManyPredictions(models, xs, shared).run(threads);
}

template <class T>
Ensemble<T> ensemble_of(const py::list& members, const std::vector<double>& weights, bool probabilities) {
  Ensemble<T> ensemble{{}, weights, probabilities};
  for (const py::handle& one : members) ensemble.members.push_back(inference_of<T>(one).value());
  return ensemble;
}

/// Checks the samples for all members, and runs work(stop) with all their mutexes locked.
template <class T, class Work>
void run_ensemble(const Ensemble<T>& ensemble, const Inputs<T>& in, const Work& work) {
  std::vector<OwnedMutex*> mutexes;
  for (const Inference<T>& one : ensemble.members) {
    check_rows(*one.network->spec(), in.samples, in.time_steps);
    mutexes.push_back(&one.network->mutex());
  }
  run_native(std::move(mutexes), ensemble.work(in.samples.rows, in.time_steps), [&](const StopToken& stop) {
    for (const Inference<T>& one : ensemble.members) check_carried(*one.network, in.samples.rows);
    work(stop);
    return true;
  });
}

/// x as an array of T, after the members have checked its numbers.
template <class T>
Array<T> ensemble_input(const Ensemble<T>& ensemble, const py::object& x) {
  if (is_ready<T>(x)) return py::reinterpret_borrow<Array<T>>(x);
  const py::array array = host_array(x, "x");
  for (const Inference<T>& one : ensemble.members) {
    check_before_cast<T>(*one.network->spec(), one.network->input(), array, "x");
  }
  return real_array<T>(array, "x");
}

/// The mean over members, or the pair of mean and standard deviation; writes the mean to `out` unless that is None.
template <class T>
py::object predict_mean(const py::list& members, const std::vector<double>& weights, bool probabilities,
                        const py::object& x, const py::object& out_object, bool with_deviation) {
  const Ensemble<T> ensemble = ensemble_of<T>(members, weights, probabilities);
  std::optional<Array<T>> out = optional_memory<T>(out_object), deviation;
  Array<T> values = ensemble_input(ensemble, x);
  if (out && overwrites(*out, values)) values = copied(values);
  const Request<T> request(*ensemble.members.front().network, values, "x", out);
  prepare(out, request.shape);
  if (with_deviation) prepare(deviation, request.shape);
  T *const mean = out->mutable_data(), *const spread = deviation ? deviation->mutable_data() : nullptr;
  const Inputs<T>& in = request.in;
  const int threads = thread_count();
  run_ensemble(ensemble, in, [&](const StopToken& stop) {
    ensemble.predict(in.samples, in.time_steps, mean, spread, threads, stop);
  });
  const py::object found = out_object.is_none() ? py::object(*out) : out_object;
  return with_deviation ? py::object(py::make_tuple(found, *deviation)) : found;
}

/// The outputs of all members, with an axis of members in front.
template <class T>
Array<T> predict_each(const py::list& members, bool probabilities, const py::object& x) {
  const Ensemble<T> ensemble = ensemble_of<T>(members, std::vector<double>(members.size(), 1.0), probabilities);
  const Array<T> values = ensemble_input(ensemble, x);
  const Request<T> request(*ensemble.members.front().network, values, "x");
  std::vector<Index> shape = request.shape;
  shape.insert(shape.begin(), Index(members.size()));
  Array<T> out(shape);
  T* const to = out.mutable_data();
  const Inputs<T>& in = request.in;
  const int threads = thread_count();
  run_ensemble(ensemble, in, [&](const StopToken& stop) {
    ensemble.predict_members(in.samples, in.time_steps, to, out.size() / Index(members.size()), threads, stop);
  });
  return out;
}

}  // namespace

void register_predictions(py::module_& module) {
  module.def("predict_many", predict_many, "models"_a, "xs"_a, "shared"_a, "threads"_a,
             "The outputs of models and predictors, which share `xs` or have one of its arrays each.");
  module.def("predict_mean_f32", predict_mean<float>, "members"_a, "weights"_a, "probabilities"_a, "x"_a, "out"_a,
             "with_deviation"_a);
  module.def("predict_mean_f64", predict_mean<double>, "members"_a, "weights"_a, "probabilities"_a, "x"_a, "out"_a,
             "with_deviation"_a);
  module.def("predict_members_f32", predict_each<float>, "members"_a, "probabilities"_a, "x"_a);
  module.def("predict_members_f64", predict_each<double>, "members"_a, "probabilities"_a, "x"_a);
}

}  // namespace simdnn
