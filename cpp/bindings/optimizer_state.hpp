// Python properties of an optimizer's state, for the classes that own an optimizer.
#pragma once

#include <pybind11/stl.h>

#include "arrays.hpp"

namespace simdnn {

/// A count of steps and the scalars of a state, as Python has them.
using PlainCount = std::pair<std::int64_t, std::vector<double>>;

template <class T>
void set_counts(Optimizer<T>& optimizer, std::size_t parameters, const std::vector<PlainCount>& counts) {
  if (counts.size() != parameters) {
    throw py::value_error("counts: expected " + std::to_string(parameters) + ", got " + std::to_string(counts.size()));
  }
  const std::size_t scalars = optimizer.scalar_state().size();
  std::vector<OwnCount> own;
  for (const auto& [steps, scalar_state] : counts) {
    if (steps < 0 || scalar_state.size() != scalars) {
      throw py::value_error("counts: expected steps >= 0 and " + std::to_string(scalars) + " scalars");
    }
    own.push_back({steps, scalar_state});
  }
  optimizer.set_own_counts(own);
}

/// Adds the properties steps, skipped, norm, scalar_state and counts and the method slots() to a class; `get` returns
/// the optimizer of an instance.
template <class T, class Class, class Get>
void define_state(py::class_<Class>& type, Get get) {
  type.def_property(
          "steps", [get](Class& self) { return get(self).steps(); },
          [get](Class& self, std::int64_t steps) { get(self).set_steps(steps); })
      .def_property(
          "skipped", [get](Class& self) { return get(self).skipped(); },
          [get](Class& self, std::int64_t skipped) { get(self).skipped() = skipped; })
      .def_property(
          "scalar_state", [get](Class& self) { return get(self).scalar_state(); },
          [get](Class& self, std::vector<double> scalar_state) { get(self).scalar_state() = std::move(scalar_state); })
      .def_property(
          "counts",
          [get](Class& self) {
            std::vector<PlainCount> counts;
            for (const OwnCount& own : get(self).own_counts()) counts.emplace_back(own.steps, own.scalar_state);
            return counts;
          },
          [get](Class& self, const std::vector<PlainCount>& counts) {
            set_counts(get(self), get(self).own_counts().size(), counts);
          },
          "The steps of each parameter, and the scalars of its state.")
      .def_property_readonly("norm", [get](Class& self) { return get(self).norm(); })
      .def("slots", [get](const py::object& self) {
        py::list arrays;
        for (Buffer<T>& slot : get(self.cast<Class&>()).slots()) {
          arrays.append(Array<T>(slot.size(), slot.data(), self));
        }
        return arrays;
      });
}

}  // namespace simdnn
