// Functions that add the classes and functions of each binding file to the module.
#pragma once

#include <pybind11/pybind11.h>

namespace simdnn {

void register_exit(pybind11::module_& module);          ///< the end of the interpreter
void register_ufuncs(pybind11::module_& module);        ///< ufuncs and gufuncs
void register_default_args(pybind11::module_& module);  ///< ufuncs with default parameters
void register_functions(pybind11::module_& module);     ///< sums over broadcast axes
void register_losses(pybind11::module_& module);        ///< losses and their gradients
void register_registry(pybind11::module_& module);      ///< descriptions of the operations
void register_config(pybind11::module_& module);        ///< build, instruction set, threads
void register_network(pybind11::module_& module);       ///< networks, predictors
void register_predictions(pybind11::module_& module);   ///< predictions of many networks, ensembles
void register_optimizers(pybind11::module_& module);    ///< optimizers over arrays, schedules, norms
void register_trainer(pybind11::module_& module);       ///< trainers
void register_population(pybind11::module_& module);    ///< fits of many networks at once
void register_boltzmann(pybind11::module_& module);     ///< restricted Boltzmann machines
void register_backends(pybind11::module_& module);      ///< operations for backends of other libraries

}  // namespace simdnn
