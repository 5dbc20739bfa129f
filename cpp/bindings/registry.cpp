// Python functions that list the registries.
#include <pybind11/stl.h>

#include "../net/optimizer_config.hpp"
#include "register.hpp"

namespace py = pybind11;
using namespace py::literals;

namespace simdnn {
namespace {

py::dict describe(const Description& info) {
  py::dict parameters;
  for (int p = 0; p < info.parameter_count(); ++p) parameters[info.parameters[p].name] = info.parameters[p].value;
  return py::dict("name"_a = info.name, "summary"_a = info.summary, "formula"_a = info.formula,
                  "derivative_formula"_a = info.derivative_formula, "kink"_a = info.kink, "source"_a = info.source,
                  "example"_a = info.example, "example_value"_a = info.example_value,
                  "reads"_a = info.reads == Reads::output ? "output" : "input", "value_ulp"_a = info.value_ulp,
                  "derivative_ulp"_a = info.derivative_ulp, "cost"_a = info.cost, "rectifier"_a = info.rectifier,
                  "parameters"_a = parameters);
}

py::list activations() {
  py::list rows;
  for (int i = 0; i < kernels().activation_count; ++i) rows.append(describe(*kernels().activations[i].info));
  return rows;
}

py::list elementary() {
  py::list rows;
  for (int i = 0; i < kernels().elementary_count; ++i) rows.append(describe(*kernels().elementary[i].info));
  return rows;
}

py::list losses() {
  py::list rows;
  for (int i = 0; i < kernels().loss_count; ++i) {
    const LossDescription& info = *kernels().losses[i];
    constexpr const char* targets[] = {"classes", "either", "values", "both"};
    constexpr const char* outputs[] = {"together", "averaged", "summed"};
    py::dict parameters;
    for (int p = 0; p < info.parameter_count(); ++p) parameters[info.parameters[p].name] = info.parameters[p].value;
    rows.append(py::dict(
        "name"_a = info.name, "summary"_a = info.summary, "formula"_a = info.formula, "source"_a = info.source,
        "target"_a = targets[int(info.target)], "outputs"_a = outputs[int(info.outputs)], "parameters"_a = parameters,
        "function"_a = info.function, "example"_a = info.example, "example_value"_a = info.example_value));
  }
  return rows;
}

/// The values that a setting may have by name; empty for a number or a flag.
py::list names_of(HyperKind kind) {
  py::list names;
  if (kind != HyperKind::eps_mode) return names;
  for (const char* name : kEpsModeNames) names.append(name);
  return names;
}

py::dict describe(const Hyper* hypers, int count) {
  constexpr const char* kinds[] = {"number", "flag", "bound", "choice"};
  py::dict rows;
  for (int i = 0; i < count; ++i) {
    const Hyper& hyper = hypers[i];
    rows[hyper.name] =
        py::dict("default"_a = hyper.value, "low"_a = hyper.low, "high"_a = hyper.high,
                 "kind"_a = kinds[int(hyper.kind)], "choices"_a = names_of(hyper.kind), "doc"_a = hyper.doc);
  }
  return rows;
}

py::dict describe(const RuleDescription& info) {
  py::dict scalar_state;
  py::list slots;
  for (int s = 0; s < info.slot_count(); ++s) slots.append(info.slots[s]);
  for (int c = 0; c < info.scalar_count(); ++c) scalar_state[info.scalar_state[c].name] = info.scalar_state[c].value;
  return py::dict("name"_a = info.name, "formula"_a = info.formula, "source"_a = info.source, "slots"_a = slots,
                  "hypers"_a = describe(info.hypers, info.hyper_count()), "scalar_state"_a = scalar_state,
                  "counts"_a = info.counts);
}

py::list rules() {
  py::list rows;
  for (int i = 0; i < kernels().rule_count; ++i) rows.append(describe(*kernels().rules[i]));
  return rows;
}

py::list schedules() {
  py::list rows;
  for (int i = 0; i < kernels().schedule_count; ++i) {
    const ScheduleDescription& info = *kernels().schedules[i];
    py::list values;
    for (int value = 0; value < info.value_count(); ++value) {
      values.append(info.values[value].name);
    }
    rows.append(
        py::dict("name"_a = info.name, "formula"_a = info.formula, "source"_a = info.source, "values"_a = values));
  }
  return rows;
}

}  // namespace

void register_registry(py::module_& module) {
  module.def("activations", activations, "One dict per activation, in the order of the registry.");
  module.def("elementary", elementary, "One dict per elementary function.");
  module.def("losses", losses, "One dict per loss that a network can be trained on.");
  module.def("rules", rules, "One dict per update rule.");
  module.def(
      "optimizer_options", [] { return describe(kOptionTable, kOptions); },
      "The settings that every optimizer has besides those of its rule, as dicts by name.");
  module.def("schedules", schedules, "One dict per kind of piece of a schedule.");
}

}  // namespace simdnn
