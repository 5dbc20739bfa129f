// Search for loaded OpenMP runtimes, and parallel regions on their teams.
#include "openmp.hpp"

#include <dlfcn.h>
#if defined(__linux__)
#include <link.h>
#endif

#include <array>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>
#include <thread>

#include "limit.hpp"
#include "region.hpp"
#include "signals.hpp"

namespace simdnn {
namespace {

/// The runtimes found so far. Rows below count never change, so they are read without a lock.
struct Found {
  static constexpr int kMost = 8;
  std::array<OpenMPRuntime, kMost> rows;
  std::atomic<int> count{0};
  std::atomic<unsigned long long> libraries{0};  ///< number loaded at the last search
  std::mutex searching;
};

Found& found() {
  static Found& found = *new Found;  // never destroyed: threads may outlive static objects
  return found;
}

/// Adds a runtime, unless it is known or lacks omp_get_max_threads. The handle keeps its library loaded.
void add_runtime(const char* path, void* handle) {
  Found& all = found();
  const int count = all.count;
  OpenMPRuntime runtime{path, reinterpret_cast<int (*)()>(dlsym(handle, "omp_get_max_threads")),
                        reinterpret_cast<OpenMPRuntime::Parallel>(dlsym(handle, "GOMP_parallel"))};
  if (runtime.max_threads == nullptr || count == Found::kMost) return;
  for (int i = 0; i < count; ++i) {
    if (all.rows[std::size_t(i)].max_threads == runtime.max_threads) return;
  }
  all.rows[std::size_t(count)] = std::move(runtime);
  all.count = count + 1;
}

#if defined(__linux__)

/// Number of libraries that the process has ever loaded, as the dynamic loader counts them.
unsigned long long loaded_libraries() {
  unsigned long long count = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* out) {
        *static_cast<unsigned long long*>(out) = info->dlpi_adds;
        return 1;
      },
      &count);
  return count;
}

/// Paths of the loaded libraries whose names are those of OpenMP runtimes.
std::vector<std::string> candidate_paths() {
  std::vector<std::string> paths;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* out) {
        const char* const slash = std::strrchr(info->dlpi_name, '/');
        const char* const name = slash ? slash + 1 : info->dlpi_name;
        for (const char* const prefix : {"libgomp", "libomp", "libiomp"}) {
          if (std::strncmp(name, prefix, std::strlen(prefix)) != 0) continue;
          static_cast<std::vector<std::string>*>(out)->emplace_back(info->dlpi_name);
        }
        return 0;
      },
      &paths);
  return paths;
}

/// Searches the process for runtimes, if it has loaded a library since the last search.
void search() {
  Found& all = found();
  if (loaded_libraries() == all.libraries) return;
  std::unique_lock<std::mutex> lock(all.searching, std::try_to_lock);
  if (!lock && fork_count() > 0) return;  // a thread that exists only in the parent may hold it
  if (!lock) lock.lock();
  const unsigned long long libraries = loaded_libraries();
  try {
    for (const std::string& path : candidate_paths()) {
      void* const handle = dlopen(path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
      if (handle) add_runtime(path.c_str(), handle);
    }
  } catch (const std::bad_alloc&) {
    return;  // the next call searches again
  }
  all.libraries = libraries;
}

#else

/// Searches the process's global symbols for a runtime.
void search() {
  const std::lock_guard<std::mutex> lock(found().searching);
  add_runtime("OpenMP", RTLD_DEFAULT);
}

#endif

/// True if the system can create `count` more threads; tries it by creating all of them and joining them.
bool can_create_threads(int count) {
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::unique_lock<std::mutex> created(mutex);
  bool all = true;
  try {
    for (int i = 0; i < count; ++i) threads.emplace_back([&] { const std::lock_guard<std::mutex> wait(mutex); });
  } catch (const std::exception&) {  // no thread, or no memory for one
    all = false;
  }
  created.unlock();
  for (std::thread& thread : threads) thread.join();
  return all;
}

/// The work of one thread of a region. The caller, which is marked already, takes parts from the front, its team from
/// the back.
void take_parts(void* data) {
  Task& task = *static_cast<Task*>(data);
  if (computes_alone()) {
    task.take_from_front();
    return;
  }
  computes_alone() = true;
  task.take_from_back();
  computes_alone() = false;
}

}  // namespace

std::vector<const OpenMPRuntime*> openmp_runtimes() {
  search();
  std::vector<const OpenMPRuntime*> runtimes;
  const int count = found().count;
  for (int i = 0; i < count; ++i) runtimes.push_back(&found().rows[std::size_t(i)]);
  return runtimes;
}

int openmp_limit() {
  search();
  const int count = found().count;
  int limit = kUnlimitedThreads;
  for (int i = 0; i < count; ++i) limit = std::min(limit, found().rows[std::size_t(i)].max_threads());
  if (count > 0) return limit;
  const char* const text = std::getenv("OMP_NUM_THREADS");
  const int number = text ? std::atoi(text) : 0;
  return number > 0 ? number : kUnlimitedThreads;
}

void run_on_openmp(const OpenMPRuntime& runtime, int threads, Task& task) {
  static thread_local int team = 1;  // size at the last region; each calling thread has its own team
  computes_alone() = true;
  if (threads <= team) {
    runtime.parallel(take_parts, &task, unsigned(threads), 0);
    team = threads;
  } else if (const SignalsBlocked blocked; can_create_threads(threads - team)) {
    // A runtime ends the process if it cannot create a thread, hence the trial.
    runtime.parallel(take_parts, &task, unsigned(threads), 0);
    team = threads;
  } else {
    task.take_from_front();
  }
  computes_alone() = false;
}

}  // namespace simdnn
