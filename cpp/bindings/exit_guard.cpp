#include "exit_guard.hpp"

#include <atomic>
#include <chrono>
#include <thread>

#include "../threads/limit.hpp"
#include "register.hpp"

namespace py = pybind11;

namespace simdnn {
namespace {

/// Guards of all threads and of this one, counted with the GIL, and the number of forks before they were counted.
int guards = 0, forks = 0;
thread_local int guards_here = 0;

/// The thread that ends the interpreter; no thread before that.
std::atomic<std::thread::id> ending{};

/// The longest time that a call of another thread delays the end of the program: it may wait in a function of Python.
constexpr std::chrono::seconds kPatience{5};

/// After a fork, the child has this thread alone.
void forget_threads_of_parent() {
  if (forks == fork_count()) return;
  guards = guards_here;
  forks = fork_count();
}

/// Stops the native calls of other threads, and waits until they have left C++.
void stop_native_calls() {
  forget_threads_of_parent();
  ending = std::this_thread::get_id();
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (guards > guards_here && std::chrono::steady_clock::now() < end) {
    const py::gil_scoped_release release;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

ExitGuard::ExitGuard() {
  if (ends_with_interpreter()) throw_interruption();
  forget_threads_of_parent();
  ++guards;
  ++guards_here;
}

ExitGuard::~ExitGuard() {
  forget_threads_of_parent();
  --guards;
  --guards_here;
}

bool ends_with_interpreter() {
  const std::thread::id thread = ending;
  return thread != std::thread::id() && thread != std::this_thread::get_id();
}

void throw_interruption() {
  if (!PyErr_Occurred()) PyErr_SetNone(PyExc_SystemExit);
  throw py::error_already_set();
}

void register_exit(py::module_& module) {
  module.def("stop_native_calls", stop_native_calls, "Stops the native calls of other threads; called at exit.");
  py::module_::import("atexit").attr("register")(module.attr("stop_native_calls"));
}

}  // namespace simdnn
