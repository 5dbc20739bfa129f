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

/// Adds the properties steps, skipped, norm, scalar_state and counts and the methods slots() and locked() to a class;
/// `get` returns the optimizer of an instance, and `mutex_of` the mutex that its steps hold.
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
      .def_property(
          "counts", read([](Optimizer<T>& own) {
            Counts counts;
            for (const OwnCount& one : own.own_counts()) counts.emplace_back(one.steps, one.scalar_state);
            return counts;
          }),
          write(+[](Optimizer<T>& own, const Counts& counts) { set_counts(own, own.own_counts().size(), counts); }),
          "The steps of each parameter, and the scalars of its state.")
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
