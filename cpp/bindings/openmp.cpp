// The extension module simdnn._openmp, whose import loads an OpenMP runtime.
//
// It is linked with the runtime, for processes that have none; simdnn._core then finds that runtime like any other.
#include <Python.h>
#include <omp.h>

namespace {

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "_openmp",
                          "Loads an OpenMP runtime. Private: use simdnn.",
                          -1,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__openmp() {
  PyObject* const module = PyModule_Create(&definition);
  // This call keeps the library linked, because linkers may drop one that is never called.
  if (module) PyModule_AddIntConstant(module, "processors", omp_get_num_procs());
  return module;
}
