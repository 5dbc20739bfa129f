// The extension module simdnn._core.
#include "../dispatch.hpp"
#include "register.hpp"

PYBIND11_MODULE(_core, module) {
  module.doc() = "Native part of simdnn. Private: use the simdnn package.";
  module.attr("__version__") = SIMDNN_VERSION;
  try {
    simdnn::choose_level();
  } catch (const std::runtime_error& error) {
    throw pybind11::import_error(error.what());
  }
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
