// Conversion and checks of targets and sample weights.
#include "targets.hpp"

#include <pybind11/stl.h>

#include <cmath>
#include <string_view>

namespace simdnn {

std::string shape_text(const std::vector<Index>& shape) { return text_of(py::tuple(py::cast(shape))); }

void check_shape(const py::array& array, const char* name, const std::vector<Index>& wanted, const Clause& clause) {
  if (has_shape(array, wanted)) return;
  throw py::value_error(std::string(name) + ": expected shape " + shape_text(wanted) + clause() + ", got " +
                        shape_text(array));
}

namespace {

const char* text_of(Domain domain) {
  switch (domain) {
    case Domain::sign:
      return "-1 or 1";
    case Domain::probability:
    case Domain::unit:
      return "probabilities in [0, 1]";
    default:
      return "numbers >= 0";
  }
}

/// True for rows of probabilities, false for class indices.
bool is_probabilities(const py::array& array, const std::vector<Index>& samples) {
  return array.dtype().kind() == 'f' && array.ndim() == Index(samples.size()) + 1;
}

/// True for a pair (values, classes); a tuple of two rows of values is an array.
bool is_pair(const py::object& object, const char* name, const std::vector<Index>& samples) {
  if (!py::isinstance<py::tuple>(object) || py::len(object) != 2) return false;
  return host_array(py::tuple(object)[0], name).ndim() != Index(samples.size());
}

/// Checks labels, and replaces ignored ones by a negative number if `marks`.
void check_labels(const Loss& loss, Array<std::int64_t>& labels, const char* name, Index columns, bool marks) {
  const ClassRange range{columns, loss.ignore_index};
  std::int64_t* const own = labels.mutable_data();
  for (Index i = 0; i < labels.size(); ++i) {
    const std::int64_t checked = range.checked(own[i], i, name);
    if (marks) own[i] = checked;
  }
}

}  // namespace

Domain domain_of(const Loss& loss) {
  const bool logarithms = loss.info().name == std::string_view("kl_div") && loss.parameters[0] != 0;
  return logarithms ? Domain::any : loss.info().domain;
}

template <class T>
void check_numbers(Domain domain, const Loss& loss, const Array<T>& values, const char* name) {
  const auto holds = [&](const T* y, Index n) { return typed_kernels<T>().in_domain(y, n, domain); };
  if (domain == Domain::any || holds(values.data(), values.size())) return;
  const T* wrong = values.data();
  while (holds(wrong, 1)) ++wrong;
  throw py::value_error(std::string(name) + ": expected " + text_of(domain) + " for the loss '" + loss.info().name +
                        "', got " + text_of(py::float_(double(*wrong))));
}

template <class T>
void check_domain(const Loss& loss, const Array<T>& values, const char* name) {
  check_numbers(domain_of(loss), loss, values, name);
}

template <class T>
Targets<T>::Targets(const Loss& loss, const py::object& object, const char* name, const std::vector<Index>& samples,
                    Index columns, const Clause& clause, Memory memory) {
  py::object values = object, classes;
  switch (loss.info().target) {
    case Target::classes:
      std::swap(values, classes);
      break;
    case Target::either: {
      const py::array array = host_array(object, name);
      values = array;
      if (loss.margin || !is_probabilities(array, samples))
        std::swap(values, classes);  // a loss with a margin takes class indices only
      break;
    }
    case Target::both:
      if (is_pair(object, name, samples)) {
        values = py::tuple(object)[0];
        classes = py::tuple(object)[1];
      }
      break;
    case Target::values:
      break;
  }
  if (values) {
    take_values(values, name, samples, columns, clause, memory);
    check_domain(loss, *value_array, name);
  }
  if (classes) take_classes(loss, classes, name, samples, columns, clause, memory);
}

template <class T>
void Targets<T>::take_classes(const Loss& loss, const py::object& object, const char* name,
                              const std::vector<Index>& samples, Index columns, const Clause& clause, Memory memory) {
  const bool trains = std::string_view(name) == "y";
  const char* const wanted =
      trains ? "integer class indices (loss=\"mse\" is for a regression)" : "integer class indices";
  Array<std::int64_t> labels = integer_array<std::int64_t>(object, name, wanted);
  check_shape(labels, name, samples, clause);
  if (memory != Memory::shared) {
    labels = copied(labels);
    check_labels(loss, labels, name, columns, memory == Memory::own_labels);
  }
  class_array = std::move(labels);
}

template <class T>
void Targets<T>::take_values(const py::object& object, const char* name, std::vector<Index> samples, Index columns,
                             const Clause& clause, Memory memory) {
  Array<T> values = real_array<T>(object, name);
  const bool one_each = columns == 1 && values.ndim() == Index(samples.size());
  if (!one_each) samples.push_back(columns);
  check_shape(values, name, samples, clause);
  value_array = owns_all(memory) ? copied(values) : std::move(values);
}

template <class T>
Array<T> sample_weights(const py::object& object, const std::vector<Index>& samples, const Clause& clause,
                        Memory memory) {
  Array<T> weights = real_array<T>(object, "sample_weight");
  check_shape(weights, "sample_weight", samples, clause);
  if (memory != Memory::shared) weights = copied(weights);
  double sum = 0;
  for (Index i = 0; i < weights.size(); ++i) {
    const double one = double(weights.data()[i]);
    if (!(one >= 0)) {
      throw py::value_error("sample_weight[" + std::to_string(i) + "]: expected a number >= 0, got " +
                            text_of(py::float_(one)));
    }
    sum += one;
  }
  const bool positive = sum > 0 || memory == Memory::own_part;
  if (!positive || !std::isfinite(sum)) throw py::value_error("sample_weight: expected a finite sum > 0");
  return weights;
}

template void check_numbers(Domain, const Loss&, const Array<float>&, const char*);
template void check_numbers(Domain, const Loss&, const Array<double>&, const char*);
template void check_domain(const Loss&, const Array<float>&, const char*);
template void check_domain(const Loss&, const Array<double>&, const char*);
template struct Targets<float>;
template struct Targets<double>;
template Array<float> sample_weights(const py::object&, const std::vector<Index>&, const Clause&, Memory);
template Array<double> sample_weights(const py::object&, const std::vector<Index>&, const Clause&, Memory);

}  // namespace simdnn
