// OpenMP runtimes of this process. None is linked; those that other libraries have loaded are found by name.
#pragma once

#include <string>
#include <vector>

#include "task.hpp"

namespace simdnn {

/// A loaded runtime: GNU's libgomp, LLVM's libomp or Intel's libiomp5, possibly renamed by a package that bundles it.
struct OpenMPRuntime {
  /// Entry point of a parallel region, which compilers emit: calls function(data) on each thread of a team.
  using Parallel = void (*)(void (*function)(void*), void* data, unsigned threads, unsigned flags);

  std::string path;
  int (*max_threads)() = nullptr;
  Parallel parallel = nullptr;  ///< GOMP_parallel; nullptr in a runtime that lacks GNU's interface
};

/// The loaded runtimes, in the order in which they were found. They are never unloaded.
std::vector<const OpenMPRuntime*> openmp_runtimes();

/// The least limit of the loaded runtimes, as threadpoolctl, omp_set_num_threads() or OMP_NUM_THREADS set it for the
/// calling thread; without a runtime, the current OMP_NUM_THREADS. kUnlimitedThreads if there is no limit.
int openmp_limit();
constexpr int kUnlimitedThreads = 1 << 16;

/// Computes a task on a runtime's team of at most `threads` threads, or on this thread alone if the system cannot
/// create threads.
void run_on_openmp(const OpenMPRuntime& runtime, int threads, Task& task);

}  // namespace simdnn
