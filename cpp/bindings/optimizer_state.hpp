// An optimizer's state as Python sees it: whoever owns the optimizer gets the same properties.
#pragma once

#include <pybind11/stl.h>

#include "arrays.hpp"

namespace simdnn {

/// Adds steps, skipped, norm, scalar_state and slots() to a class; `get` finds its optimizer.
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
