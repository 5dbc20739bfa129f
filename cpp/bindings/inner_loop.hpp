// A guard of NumPy's inner loops: exceptions become Python errors, and the floating-point status flags are restored.
#pragma once

#include <Python.h>

#include <exception>
#include <new>

#include "quiet.hpp"

namespace simdnn {

/// Runs the body of an inner loop, which NumPy calls with or without the GIL. NumPy raises the error after the loop.
template <class Body>
void inner_loop(const Body& body) noexcept {
  const QuietStatus quiet;
  try {
    body();
  } catch (const std::exception& error) {
    const PyGILState_STATE state = PyGILState_Ensure();
    if (dynamic_cast<const std::bad_alloc*>(&error)) {
      PyErr_NoMemory();
    } else {
      PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    PyGILState_Release(state);
  }
}

}  // namespace simdnn
