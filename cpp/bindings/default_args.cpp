// Python functions that call a ufunc with default parameters.
//
// They are written with CPython's C API, because a Python function around the ufunc was measured to make a call on a
// scalar half as long again.
#include <Python.h>
#include <pybind11/numpy.h>
#include <structmember.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "exit_guard.hpp"
#include "register.hpp"

namespace py = pybind11;
using namespace py::literals;

namespace simdnn {
namespace {

/// f(arrays..., parameters...). The ufunc `plain` takes the arrays alone and has the default parameters built in; the
/// ufunc `full` takes all arguments.
struct DefaultArgsFunction {
  PyObject_HEAD;
  vectorcallfunc call;
  PyObject *plain, *full;
  PyObject *names, *defaults;  ///< tuples of the parameters' names and default values
  PyObject* check;             ///< a function of all arguments that raises if a parameter is out of its domain, or None
  PyObject* attributes;        ///< the object's __dict__: __name__, __doc__ ... and make_signature
  Py_ssize_t arrays;
  bool over_rows;  ///< true for gufuncs, which read all elements of a row and so would ignore masks
  bool reduces;    ///< true for gufuncs with one number for each row
};

/// Index of a name in a tuple of names, or -1; the tuple may be nullptr.
Py_ssize_t index_of(PyObject* name, PyObject* names) {
  const Py_ssize_t count = names ? PyTuple_GET_SIZE(names) : 0;
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* const other = PyTuple_GET_ITEM(names, i);
    if (other == name || PyUnicode_Compare(other, name) == 0) return i;
  }
  return -1;
}

/// True for parameters that need no check, as in nearly every call: a float that every dtype holds as a normal number
/// above 0, or several such numbers of either sign, or zeros, that do not fall.
bool are_plain(PyObject* const* parameters, Py_ssize_t count) {
  constexpr double least = 0x1p-14, most = 65504;
  double before = count == 1 ? least : -most;
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!PyFloat_CheckExact(parameters[i])) return false;
    const double value = PyFloat_AS_DOUBLE(parameters[i]);
    if (!(value >= before && value <= most) || (value != 0 && std::abs(value) < least)) return false;
    before = value;
  }
  return true;
}

/// Calls the full ufunc with the given parameters and the defaults of the others.
[[gnu::noinline]] PyObject* call_full(const DefaultArgsFunction& self, PyObject* const* args, Py_ssize_t count,
                                      PyObject* kwnames) {
  const ExitGuard guard;
  std::vector<PyObject*> given(args, args + count);
  const Py_ssize_t parameters = PyTuple_GET_SIZE(self.names);
  for (Py_ssize_t i = count > self.arrays ? count - self.arrays : 0; i < parameters; ++i) {
    const Py_ssize_t index = index_of(PyTuple_GET_ITEM(self.names, i), kwnames);
    given.push_back(index < 0 ? PyTuple_GET_ITEM(self.defaults, i) : args[count + index]);
  }
  if (self.check != Py_None && count >= self.arrays && !are_plain(given.data() + self.arrays, parameters)) {
    const py::object checked = py::reinterpret_steal<py::object>(
        PyObject_Vectorcall(self.check, given.data(), std::size_t(self.arrays + parameters), nullptr));
    if (!checked) return nullptr;
  }
  const std::size_t positional = given.size();
  py::list rest;
  for (Py_ssize_t i = 0; kwnames && i < PyTuple_GET_SIZE(kwnames); ++i) {
    PyObject* const name = PyTuple_GET_ITEM(kwnames, i);
    const Py_ssize_t index = index_of(name, self.names);
    if (index >= 0 && index < count - self.arrays) {
      PyErr_Format(PyExc_TypeError, "%S() got two values for %R", PyDict_GetItemString(self.attributes, "__name__"),
                   name);
      return nullptr;
    }
    if (index >= 0) continue;
    rest.append(py::handle(name));
    given.push_back(args[count + i]);
  }
  return PyObject_Vectorcall(self.full, given.data(), positional, py::tuple(rest).ptr());
}

/// Raises and returns false for an argument that a function over rows would read wrongly; see refuse_for_rows().
[[gnu::noinline]] bool check_rows(const DefaultArgsFunction& self, PyObject* const* args, Py_ssize_t count) {
  const auto array = reinterpret_cast<const PyTypeObject*>(py::detail::npy_api::get().PyArray_Type_);
  for (Py_ssize_t i = 0; i < std::min(count, self.arrays); ++i) {
    if (Py_TYPE(args[i]) == array || PyFloat_Check(args[i])) continue;
    try {
      const ExitGuard guard;
      const char* const name = self.arrays == 2 && i == 0 ? "dy" : "x";
      py::module_::import("simdnn._utils.arrays").attr("refuse_for_rows")(name, py::handle(args[i]));
    } catch (py::error_already_set& error) {
      error.restore();
      return false;
    }
  }
  return true;
}

/// Raises NumPy's error, and returns false, for an axis that no C integer holds.
[[gnu::noinline]] bool check_axis(PyObject* const* keywords, PyObject* kwnames) {
  for (Py_ssize_t i = 0; kwnames && i < PyTuple_GET_SIZE(kwnames); ++i) {
    if (!PyLong_Check(keywords[i]) || PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, i), "axis") != 0) {
      continue;
    }
    int overflow = 0;
    const long long axis = PyLong_AsLongLongAndOverflow(keywords[i], &overflow);
    if (overflow == 0 && axis == int(axis)) continue;
    try {
      const ExitGuard guard;
      py::module_::import("simdnn._utils.check").attr("check_axis")(py::handle(keywords[i]));
    } catch (py::error_already_set& error) {
      error.restore();
      return false;
    }
  }
  return true;
}

/// True if one of the arguments, alone or in a tuple, is an array at the address of the first one.
bool writes_to_rows(PyObject* const* args, Py_ssize_t total) {
  if (total < 2 || !py::isinstance<py::array>(args[0])) return false;
  const auto address = [](PyObject* array) { return py::reinterpret_borrow<py::array>(array).data(); };
  return std::any_of(args + 1, args + total, [&](PyObject* one) {
    if (PyTuple_Check(one) && PyTuple_GET_SIZE(one) == 1) one = PyTuple_GET_ITEM(one, 0);
    return py::isinstance<py::array>(one) && address(one) == address(args[0]);
  });
}

PyObject* call(PyObject* object, PyObject* const* args, std::size_t flagged, PyObject* kwnames);

/// Calls a function with a copy of its first argument.
PyObject* call_with_copy(PyObject* object, PyObject* const* args, Py_ssize_t count, Py_ssize_t total,
                         PyObject* kwnames) {
  const ExitGuard guard;
  const auto copy = py::reinterpret_steal<py::object>(PyObject_CallMethod(args[0], "copy", nullptr));
  if (!copy) return nullptr;
  std::vector<PyObject*> own(args, args + total);
  own[0] = copy.ptr();
  return call(object, own.data(), std::size_t(count), kwnames);
}

/// Calls the plain ufunc unless a parameter is given.
PyObject* call(PyObject* object, PyObject* const* args, std::size_t flagged, PyObject* kwnames) {
  const DefaultArgsFunction& self = *reinterpret_cast<DefaultArgsFunction*>(object);
  const Py_ssize_t count = PyVectorcall_NARGS(flagged);
  if (self.over_rows && !(check_rows(self, args, count) && check_axis(args + count, kwnames))) return nullptr;
  // NumPy takes a result that is one of the arguments for one whose elements are read before they are written; a
  // reduction whose result has more axes than it needs reads each row again.
  const Py_ssize_t total = count + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
  const bool copies = self.reduces && writes_to_rows(args, total);
  bool plain = count <= self.arrays && !copies;
  for (Py_ssize_t i = 0; plain && kwnames && i < PyTuple_GET_SIZE(self.names); ++i) {
    plain = index_of(PyTuple_GET_ITEM(self.names, i), kwnames) < 0;
  }
  if (plain) return PyObject_Vectorcall(self.plain, args, flagged, kwnames);
  try {
    if (copies) return call_with_copy(object, args, count, total, kwnames);
    return call_full(self, args, count, kwnames);
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const std::exception&) {  // pybind11 has its own exception where memory runs out
    PyErr_NoMemory();
  }
  return nullptr;
}

void destroy(PyObject* object) {
  DefaultArgsFunction& self = *reinterpret_cast<DefaultArgsFunction*>(object);
  PyObject_GC_UnTrack(object);
  for (PyObject* part : {self.plain, self.full, self.names, self.defaults, self.check, self.attributes}) {
    Py_XDECREF(part);
  }
  PyTypeObject* const type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  const DefaultArgsFunction& self = *reinterpret_cast<DefaultArgsFunction*>(object);
  for (PyObject* part : {self.plain, self.full, self.names, self.defaults, self.check, self.attributes}) {
    Py_VISIT(part);
  }
  Py_VISIT(Py_TYPE(object));
  return 0;
}

PyObject* attribute(PyObject* object, const char* name) {
  return PyDict_GetItemString(reinterpret_cast<DefaultArgsFunction*>(object)->attributes, name);
}

PyObject* repr(PyObject* object) {
  return PyUnicode_FromFormat("<function simdnn.functional.%S>", attribute(object, "__name__"));
}

/// Pickles the function by its name, like a Python function.
PyObject* reduce(PyObject* object, PyObject*) { return Py_NewRef(attribute(object, "__name__")); }

/// The signature, made on request, because it needs the slow import of `inspect`.
PyObject* signature(PyObject* object, void*) { return PyObject_CallNoArgs(attribute(object, "make_signature")); }

PyGetSetDef computed[] = {{"__signature__", signature, nullptr, nullptr, nullptr}, {}};
PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr}, {}};
PyMemberDef members[] = {{"__dictoffset__", T_PYSSIZET, offsetof(DefaultArgsFunction, attributes), READONLY, nullptr},
                         {"__vectorcalloffset__", T_PYSSIZET, offsetof(DefaultArgsFunction, call), READONLY, nullptr},
                         {}};
PyType_Slot slots[] = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                       {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
                       {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                       {Py_tp_repr, reinterpret_cast<void*>(repr)},
                       {Py_tp_getset, computed},
                       {Py_tp_methods, methods},
                       {Py_tp_members, members},
                       {}};
PyType_Spec spec{"simdnn._core.Function", sizeof(DefaultArgsFunction), 0,
                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL, slots};

py::object type;

py::object make(const py::object& plain, const py::object& full, Py_ssize_t arrays, const py::dict& parameters,
                const py::object& check, const py::dict& attributes) {
  DefaultArgsFunction* const self = PyObject_GC_New(DefaultArgsFunction, reinterpret_cast<PyTypeObject*>(type.ptr()));
  if (self == nullptr) throw py::error_already_set();
  self->call = call;
  self->plain = plain.inc_ref().ptr();
  self->full = full.inc_ref().ptr();
  self->names = py::tuple(parameters.attr("keys")()).release().ptr();
  self->defaults = py::tuple(parameters.attr("values")()).release().ptr();
  self->check = check.inc_ref().ptr();
  self->attributes = py::dict(attributes).inc_ref().ptr();
  self->arrays = arrays;
  const py::object signature = plain.attr("signature");
  self->over_rows = !signature.is_none();
  self->reduces = self->over_rows && signature.cast<std::string>().ends_with("->()");
  PyObject_GC_Track(reinterpret_cast<PyObject*>(self));
  return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(self));
}

}  // namespace

void register_default_args(py::module_& module) {
  type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
  if (!type) throw py::error_already_set();
  module.attr("Function") = type;
  module.def("function_with_defaults", make, "plain"_a, "full"_a, "arrays"_a, "parameters"_a, "check"_a,
             "attributes"_a);
}

}  // namespace simdnn
