// Python properties of an optimizer's state, for the classes that own an optimizer.
#pragma once

#include <pybind11/stl.h>

#include "arrays.hpp"

namespace simdnn {

/// A count of steps and the scalars of a state, as Python has them.
using PlainCount = std::pair<std::int64_t, std::vector<double>>;

template <class T>
void set_counts(Optimizer<T>& optimizer, const std::vector<PlainCount>& counts, std::int64_t steps) {
  const std::size_t parameters = optimizer.own_counts().size();
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
  optimizer.set_own_counts(own, steps);
}

template <class T>
void set_groups(Optimizer<T>& optimizer, const std::vector<std::size_t>& groups) {
  const std::size_t known = std::max<std::size_t>(optimizer.config().groups.size(), 1);
  const bool right = std::all_of(groups.begin(), groups.end(), [&](std::size_t group) { return group < known; });
  if (!right || groups.size() != optimizer.own_counts().size()) {
    throw py::value_error("groups: expected the group of each parameter");
  }
  optimizer.set_groups(groups);
}

/// Adds the properties steps, skipped, norm, scalar_state and counts and the methods set_counts(), set_groups(),
/// slots() and locked() to a class; `get` returns the optimizer of an instance, and `mutex_of` the mutex that its steps
/// hold.
template <class T, class Class, class Get, class MutexOf>
void define_state(py::class_<Class>& type, Get get, MutexOf mutex_of) {
  const auto read = [get, mutex_of](auto member) {
    return
        [get, mutex_of, member](Class& self) { return with_mutex(mutex_of(self), [&] { return member(get(self)); }); };
  };
  const auto write = [get, mutex_of]<class Value>(void (*set)(Optimizer<T>&, const Value&)) {
    return [get, mutex_of, set](Class& self, const Value& value) {
      with_mutex(mutex_of(self), [&] { set(get(self), value); });
    };
  };
  define_lock(type, mutex_of);
  using Scalars = std::vector<double>;
  using Counts = std::vector<PlainCount>;
  type.def_property("steps", read([](Optimizer<T>& own) { return own.steps(); }),
                    write(+[](Optimizer<T>& own, const std::int64_t& steps) { own.set_steps(steps); }))
      .def_property("skipped", read([](Optimizer<T>& own) { return own.skipped(); }),
                    write(+[](Optimizer<T>& own, const std::int64_t& skipped) { own.skipped() = skipped; }))
      .def_property("scalar_state", read([](Optimizer<T>& own) { return own.scalar_state(); }),
                    write(+[](Optimizer<T>& own, const Scalars& values) {
                      if (values.size() != own.scalar_state().size()) {
                        throw py::value_error("scalar_state: expected one number for each scalar of the rule");
                      }
                      own.scalar_state() = values;
                    }))
      .def_property_readonly("counts", read([](Optimizer<T>& own) {
                               Counts counts;
                               for (const OwnCount& one : own.own_counts()) {
                                 counts.emplace_back(one.steps, one.scalar_state);
                               }
                               return counts;
                             }),
                             "The steps of each parameter, and the scalars of its state.")
      .def(
          "set_counts",
          [get, mutex_of](Class& self, const Counts& counts, std::int64_t steps) {
            with_mutex(mutex_of(self), [&] { set_counts(get(self), counts, steps); });
          },
          py::arg("counts"), py::arg("steps"), "Sets them, and the steps of the optimizer, at least the largest count.")
      .def("set_groups",
           write(+[](Optimizer<T>& own, const std::vector<std::size_t>& groups) { set_groups(own, groups); }),
           py::arg("groups"), "Sets the group of each parameter: its place in the configuration's groups.")
      .def_property_readonly("norm", read([](Optimizer<T>& own) { return own.norm(); }))
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
