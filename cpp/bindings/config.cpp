// Python functions that tell what the build and the processor offer, and that choose threads.
#include <pybind11/stl.h>

#include "../dispatch.hpp"
#include "../threads/limit.hpp"
#include "../threads/openmp.hpp"
#include "../threads/threading_layer.hpp"
#include "register.hpp"

namespace py = pybind11;
using namespace py::literals;

namespace simdnn {
namespace {

std::string compiler() {
#if defined(__clang__)
  return std::string("Clang ") + __clang_version__;
#elif defined(__GNUC__)
  return std::string("GCC ") + __VERSION__;
#else
  return "unknown";
#endif
}

}  // namespace

void register_config(py::module_& module) {
  module.def("compiler", compiler);
  module.def("isa", [] { return kernels().level; });
  module.def("isa_available", available_levels);
  module.def("openmp_runtimes", [] {
    std::vector<std::string> paths;
    for (const OpenMPRuntime* runtime : openmp_runtimes()) paths.push_back(runtime->path);
    return paths;
  });
  module.def("threading_layer", [] { return threading_layer() == ThreadingLayer::openmp ? "openmp" : "pool"; });
  module.def("use_pool", [] { set_threading_layer(ThreadingLayer::pool); });
  module.def("use_openmp", [] { return set_threading_layer(ThreadingLayer::openmp); });
  module.def("thread_count", thread_count);
  module.def("set_thread_count", set_thread_count, "n"_a);
  module.def("set_thread_count_here", set_thread_count_here, "n"_a);
}

}  // namespace simdnn
