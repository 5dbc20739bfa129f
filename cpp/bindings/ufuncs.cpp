// NumPy ufuncs of the registered functions, and gufuncs over rows and groups.
#include <Python.h>
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>

#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "../dispatch.hpp"
#include "../threads/parallel.hpp"
#include "documentation.hpp"
#include "inner_loop.hpp"
#include "register.hpp"
#include "rows.hpp"

namespace py = pybind11;

namespace simdnn {
namespace {

static_assert(std::is_same_v<npy_intp, Index>, "strides of NumPy are strides of the kernels");

constexpr int kMaxArguments = 3 + kMaxParameters;

/// Data of an inner loop, which NumPy passes to it together with the arrays.
struct Elementwise {
  Loop loop;
  int inputs;          ///< number of inputs of the ufunc
  double nanoseconds;  ///< cost per element
  int constants = 0;   ///< number of parameters that are held at their defaults instead of being inputs
  alignas(8) char constant[kMaxParameters][8] = {};
};

/// True if each element is an input of the next one, as in reduce() and accumulate() of a ufunc with two inputs.
bool is_chained(const Elementwise& self, char* const* args, Index count, const npy_intp* steps) {
  return self.inputs == 2 && count > 1 && (steps[2] == 0 || (args[2] == args[0] + steps[0] && steps[2] == steps[0]));
}

/// NumPy inner loop of an elementwise ufunc, which shares long arrays between threads.
void elementwise(char** args, const npy_intp* dims, const npy_intp* steps, void* data) {
  Elementwise& self = *static_cast<Elementwise*>(data);
  constexpr Index grain = 4096;
  char* all[kMaxArguments];
  Index strides[kMaxArguments] = {};
  for (int i = 0; i < self.inputs; ++i) {
    all[i] = args[i];
    strides[i] = steps[i];
  }
  for (int i = 0; i < self.constants; ++i) all[self.inputs + i] = self.constant[i];
  const int out = self.inputs + self.constants;
  all[out] = args[self.inputs];
  strides[out] = steps[self.inputs];
  const auto compute = [&](Index begin, Index end) {
    char* shifted[kMaxArguments];
    for (int i = 0; i <= out; ++i) shifted[i] = all[i] + begin * strides[i];
    const Index count = end - begin;
    self.loop(shifted, &count, strides);
  };
  inner_loop([&] {
    if (is_chained(self, args, dims[0], steps)) {
      for (Index i = 0; i < dims[0]; ++i) compute(i, i + 1);
    } else {
      parallel_for(dims[0], grain, self.nanoseconds * double(dims[0]), compute);
    }
  });
}

/// Objects that are never destroyed, because a daemon thread may be within a ufunc when the process ends. A deque never
/// moves its elements.
template <class Object>
std::deque<Object>& kept() {
  static std::deque<Object>& objects = *new std::deque<Object>;
  return objects;
}

/// Strings, data and tables that ufuncs point to.
auto& texts = kept<std::string>();
auto& elementwise_data = kept<Elementwise>();
auto& data_tables = kept<std::vector<void*>>();
auto& function_tables = kept<std::vector<PyUFuncGenericFunction>>();
auto& type_tables = kept<std::vector<char>>();

constexpr char kTypes[kStorages] = {NPY_HALF, NPY_FLOAT, NPY_DOUBLE};

const char* keep(std::string text) { return texts.emplace_back(std::move(text)).c_str(); }

/// The name that errors show: that of the public function, of which the form without parameters is a part.
const char* public_name(std::string name) {
  constexpr std::string_view suffix = "_default";
  if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
  return keep(std::move(name));
}

void add(py::module_& module, const char* name, PyObject* ufunc) {
  if (ufunc == nullptr) throw py::error_already_set();
  module.add_object(name, py::reinterpret_steal<py::object>(ufunc));
}

/// Writes a number as an element of a dtype.
void write_constant(double value, Storage storage, char* to) {
  const float single = float(value);
  if (storage == kF64) std::memcpy(to, &value, sizeof value);
  if (storage == kF32) std::memcpy(to, &single, sizeof single);
  if (storage == kF16) {
    char* args[] = {reinterpret_cast<char*>(const_cast<float*>(&single)), to};
    const Index one = 1, steps[] = {sizeof(float), 2};
    kernels().f32_to_f16(args, &one, steps);
  }
}

/// Adds a ufunc with `inputs` inputs; if `defaults`, the parameters that would follow are held at their defaults.
void add_elementwise(py::module_& module, const std::string& name, std::string doc, const Loop* loops,
                     const Description& info, int inputs, bool defaults = false) {
  constexpr double relative_cost[kStorages] = {4, 1, 2};
  auto& data = data_tables.emplace_back();
  auto& functions = function_tables.emplace_back();
  auto& signature = type_tables.emplace_back();
  for (int s = 0; s < kStorages; ++s) {
    Elementwise& self = elementwise_data.emplace_back(Elementwise{loops[s], inputs, info.cost * relative_cost[s]});
    self.constants = defaults ? info.parameter_count() : 0;
    for (int i = 0; i < self.constants; ++i) {
      write_constant(info.parameters[i].value, Storage(s), self.constant[i]);
    }
    functions.push_back(elementwise);
    data.push_back(&self);
    signature.insert(signature.end(), std::size_t(inputs + 1), kTypes[s]);
  }
  add(module, name.c_str(),
      PyUFunc_FromFuncAndData(functions.data(), data.data(), signature.data(), kStorages, inputs, 1, PyUFunc_None,
                              public_name(name), keep(std::move(doc)), 0));
}

/// Adds a ufunc of (arrays..., parameters...) and, if there are parameters, one of the arrays alone.
void add_function(py::module_& module, const std::string& name, const std::string& doc, const Loop* loops,
                  const Description& info, int arrays) {
  add_elementwise(module, name, doc, loops, info, arrays + info.parameter_count());
  if (info.parameter_count() > 0) add_elementwise(module, name + "_default", doc, loops, info, arrays, true);
}

void add_activation(py::module_& module, const ActivationLoops& row) {
  const Description& info = *row.info;
  const std::string name = info.name;
  add_function(module, name, value_doc(info), row.value, info, 1);
  add_function(module, name + "_derivative", derivative_doc(info), row.derivative, info, 1);
  add_function(module, name + "_backward", backward_doc(info), row.backward, info, 2);
  if (row.parameter_backward[kF32] == nullptr) return;
  add_elementwise(module, name + "_" + info.parameters[0].name + "_backward", parameter_doc(info),
                  row.parameter_backward, info, 2 + info.parameter_count());
}

/// Adds a gufunc whose arguments share one dtype.
void add_gufunc(py::module_& module, const char* name, const char* doc, const char* signature,
                const std::vector<PyUFuncGenericFunction>& loops, const std::vector<void*>& loop_data, int inputs) {
  auto& functions = function_tables.emplace_back(loops);
  auto& data = data_tables.emplace_back(loop_data);
  auto& types = type_tables.emplace_back();
  for (const char type : kTypes) types.insert(types.end(), std::size_t(inputs + 1), type);
  add(module, name,
      PyUFunc_FromFuncAndDataAndSignature(functions.data(), data.data(), types.data(), kStorages, inputs, 1,
                                          PyUFunc_None, public_name(name), doc, 0, signature));
}

/// NumPy inner loop of a gufunc over groups of elements, which shares long arrays between threads.
void groups(char** args, const npy_intp* dims, const npy_intp* steps, void* data) {
  const Elementwise& self = *static_cast<const Elementwise*>(data);
  constexpr Index grain = 1024;
  inner_loop([&] {
    parallel_for(dims[0], grain, self.nanoseconds * double(dims[0]) * double(dims[1]), [&](Index begin, Index end) {
      char* shifted[kMaxArguments];
      for (int i = 0; i <= self.inputs; ++i) shifted[i] = args[i] + begin * steps[i];
      const Index part[] = {end - begin, dims[1]};
      self.loop(shifted, part, steps);
    });
  });
}

/// Adds a gufunc over groups of elements, each of which costs about `nanoseconds`.
void add_groups(py::module_& module, const char* name, const char* doc, const char* signature,
                const Loop (&loops)[kStorages], int inputs, double nanoseconds) {
  std::vector<void*> data;
  for (const Loop loop : loops) data.push_back(&elementwise_data.emplace_back(Elementwise{loop, inputs, nanoseconds}));
  add_gufunc(module, name, doc, signature, std::vector<PyUFuncGenericFunction>(kStorages, groups), data, inputs);
}

}  // namespace

void register_ufuncs(py::module_& module) {
  if (_import_array() < 0 || _import_umath() < 0) throw py::error_already_set();
  for (int i = 0; i < kernels().activation_count; ++i) add_activation(module, kernels().activations[i]);
  for (int i = 0; i < kernels().elementary_count; ++i) {
    const ElementaryLoops& row = kernels().elementary[i];
    add_elementwise(module, row.info->name, value_doc(*row.info), row.value, *row.info, 1);
  }
  const MaxoutLoops& maxout = kernels().maxout;
  add_groups(module, "maxout", "Maximum over the last axis.", "(k)->()", maxout.value, 1, kMaxoutElement);
  add_groups(module, "maxout_derivative", "1 for the first maximum along the last axis, 0 for the other elements.",
             "(k)->(k)", maxout.derivative, 1, kMaxoutGradientElement);
  add_groups(module, "maxout_backward", "dy for the first maximum along the last axis, 0 for the other elements.",
             "(),(k)->(k)", maxout.backward, 2, kMaxoutGradientElement);
  add_groups(module, "crelu", "relu(x) and relu(-x) along a new last axis.", "()->(2)", kernels().crelu, 1,
             kCreluElement);
  for (const RowUfunc& row : row_ufuncs()) {
    add_gufunc(module, row.name, "", row.signature, {std::begin(row.loops), std::end(row.loops)},
               std::vector<void*>(kStorages, nullptr), row.inputs);
  }
}

}  // namespace simdnn
