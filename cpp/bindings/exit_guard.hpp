// Native calls and the end of the interpreter, which stops them and waits for them.
#pragma once

#include <pybind11/pybind11.h>

namespace simdnn {

/// While it exists, the end of the interpreter waits; it is created and destroyed with the GIL.
///
/// CPython before 3.14 ends a thread that asks for the GIL of an interpreter that is shutting down by pthread_exit.
/// That unwinds the C++ frames of a daemon thread without the GIL, and aborts the process at the first destructor that
/// takes it (https://docs.python.org/3/c-api/init.html#c.PyEval_RestoreThread). So each piece of C++ that may give the
/// GIL away has a guard. At exit, the guards of other threads are waited for, and a new one raises SystemExit, which
/// ends a thread without a message.
class ExitGuard {
 public:
  ExitGuard();
  ~ExitGuard();
  ExitGuard(const ExitGuard&) = delete;
  ExitGuard& operator=(const ExitGuard&) = delete;
};

/// Releases the GIL while it exists.
class WithoutGil {
 private:
  const ExitGuard guard_;
  const pybind11::gil_scoped_release release_;
};

/// True if the interpreter ends, and this thread's work with it. Needs no GIL.
bool ends_with_interpreter();

/// Raises what stopped a native call: the error that is set, or SystemExit if the interpreter ends.
[[noreturn]] void throw_interruption();

}  // namespace simdnn
