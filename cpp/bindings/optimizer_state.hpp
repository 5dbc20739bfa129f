// Python properties of an optimizer's state, for the classes that own an optimizer.
#pragma once

#include <pybind11/stl.h>

#include "arrays.hpp"

namespace simdnn {

/// Adds the properties steps, skipped, norm and scalar_state and the method slots() to a class; `get` returns the
/// optimizer of an instance, and `mutex_of` the mutex that its steps hold.
template <class T, class Class, class Get, class MutexOf>
void define_state(py::class_<Class>& type, Get get, MutexOf mutex_of) {
  const auto read = [get, mutex_of](auto member) {
    return
        [get, mutex_of, member](Class& self) { return with_mutex(mutex_of(self), [&] { return member(get(self)); }); };
  };
  const auto count = [get, mutex_of](auto member) {
    return [get, mutex_of, member](Class& self, std::int64_t value) {
      with_mutex(mutex_of(self), [&] { member(get(self)) = value; });
    };
  };
  const auto steps = [](Optimizer<T>& optimizer) -> std::int64_t& { return optimizer.steps(); };
  const auto skipped = [](Optimizer<T>& optimizer) -> std::int64_t& { return optimizer.skipped(); };
  type.def_property("steps", read(steps), count(steps))
      .def_property("skipped", read(skipped), count(skipped))
      .def_property("scalar_state", read([](Optimizer<T>& optimizer) { return optimizer.scalar_state(); }),
                    [get, mutex_of](Class& self, const std::vector<double>& values) {
                      with_mutex(mutex_of(self), [&] {
                        if (values.size() != get(self).scalar_state().size()) {
                          throw py::value_error("scalar_state: expected one number for each scalar of the rule");
                        }
                        get(self).scalar_state() = values;
                      });
                    })
      .def_property_readonly("norm", read([](Optimizer<T>& optimizer) { return optimizer.norm(); }))
      .def("slots", [get, mutex_of](const py::object& self) {
        Class& own = self.cast<Class&>();
        std::vector<Buffer<T>>& slots =
            with_mutex(mutex_of(own), [&]() -> std::vector<Buffer<T>>& { return get(own).slots(); });
        py::list arrays;
        for (Buffer<T>& slot : slots) arrays.append(Array<T>(slot.size(), slot.data(), self));
        return arrays;
      });
}

}  // namespace simdnn
