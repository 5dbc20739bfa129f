// The extension module simdnn._core.
#include "../dispatch.hpp"
#include "register.hpp"

// pybind11 makes PyInit_native of it, which PyInit__core below calls.
PYBIND11_MODULE(native, module) {
  module.doc() = "Native part of simdnn. Private: use the simdnn package.";
  module.attr("__version__") = SIMDNN_VERSION;
  try {
    simdnn::choose_level();
  } catch (const std::runtime_error& error) {
    throw pybind11::import_error(error.what());
  }
  simdnn::register_exit(module);
  simdnn::register_registry(module);
  simdnn::register_config(module);
  simdnn::register_ufuncs(module);
  simdnn::register_default_args(module);
  simdnn::register_functions(module);
  simdnn::register_losses(module);
  simdnn::register_network(module);
  simdnn::register_predictions(module);
  simdnn::register_optimizers(module);
  simdnn::register_trainer(module);
  simdnn::register_population(module);
  simdnn::register_boltzmann(module);
  simdnn::register_backends(module);
}

/// Refuses sub-interpreters, in which pybind11 waits for ever for the lock of the main interpreter.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  if (PyInterpreterState_Get() == PyInterpreterState_Main()) return PyInit_native();
  PyErr_SetString(PyExc_ImportError, "simdnn: sub-interpreters are not supported, as NumPy does not support them");
  return nullptr;
}
