// OpenMP runtimes of this process. None is linked: those that other libraries have loaded are found by name.
#pragma once

#include <string>
#include <vector>

#include "task.hpp"

namespace simdnn {

/// A loaded runtime: GNU's libgomp, LLVM's libomp or Intel's libiomp5, each of which may be there under another name.
struct OpenMPRuntime {
  /// Compilers turn a parallel region into this call: function(data) on each thread of a team.
  using Parallel = void (*)(void (*function)(void*), void* data, unsigned threads, unsigned flags);

  std::string path;
  int (*max_threads)() = nullptr;
  Parallel parallel = nullptr;  ///< GOMP_parallel; nullptr in a runtime that lacks GNU's interface
};

/// Runtimes that are loaded now, in the order in which they were found. They are never unloaded again.
std::vector<const OpenMPRuntime*> openmp_runtimes();

/// The least limit of the loaded runtimes, as threadpoolctl, omp_set_num_threads() or OMP_NUM_THREADS set it for the
/// calling thread; without a runtime OMP_NUM_THREADS as it is now. kUnlimitedThreads if nothing limits.
int openmp_limit();
constexpr int kUnlimitedThreads = 1 << 16;

/// Computes a task on a runtime's team of at most `threads` threads; on this thread alone if the system has no thread
/// left.
void run_on_openmp(const OpenMPRuntime& runtime, int threads, Task& task);

}  // namespace simdnn
