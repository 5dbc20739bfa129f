// Python properties of an optimizer's state, for the classes that own an optimizer.
#pragma once

#include <pybind11/stl.h>

#include "arrays.hpp"

namespace simdnn {

/// Adds the properties steps, skipped, norm and scalar_state and the method slots() to a class; `get` returns the
/// optimizer of an instance.
template <class T, class Class, class Get>
void define_state(py::class_<Class>& type, Get get) {
  type.def_property(
          "steps", [get](Class& self) { return get(self).steps(); },
          [get](Class& self, std::int64_t steps) { get(self).steps() = steps; })
      .def_property(
          "skipped", [get](Class& self) { return get(self).skipped(); },
          [get](Class& self, std::int64_t skipped) { get(self).skipped() = skipped; })
      .def_property(
          "scalar_state", [get](Class& self) { return get(self).scalar_state(); },
          [get](Class& self, std::vector<double> scalar_state) { get(self).scalar_state() = std::move(scalar_state); })
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
