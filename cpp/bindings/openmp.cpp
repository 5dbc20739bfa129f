// The extension module simdnn._openmp. It is linked with an OpenMP runtime, which its import brings into a process that
// has none; simdnn._core then finds that runtime as it finds every other.
#include <Python.h>
#include <omp.h>

namespace {

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "_openmp",
                          "Brings an OpenMP runtime. Private: use simdnn.",
                          -1,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__openmp() {
  PyObject* const module = PyModule_Create(&definition);
  // A linker may drop a library that is never called.
  if (module) PyModule_AddIntConstant(module, "processors", omp_get_num_procs());
  return module;
}
