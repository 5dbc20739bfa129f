// Thread limits of OpenMP, the affinity mask and the control group.
#include "limit.hpp"

#include <pthread.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "openmp.hpp"
#include "region.hpp"

namespace simdnn {
namespace {

std::atomic<int> requested{0};
std::atomic<int> limit_when_requested{0};
std::atomic<int> forks{0};
thread_local int requested_here = 0;

/// Counts forks. A forked child computes serially, because threads do not survive a fork and waiting for them hangs.
[[maybe_unused]] const int fork_handler = pthread_atfork(nullptr, nullptr, [] { ++forks; });

/// CPUs that the control group's quota allows, rounded up; kUnlimitedThreads without a quota.
int quota_count() {
  const auto cpus = [](double quota, double period) { return std::max(1, int(quota / period + 0.999)); };
  std::string quota;
  double period = 0, microseconds = 0;
  if (std::ifstream two("/sys/fs/cgroup/cpu.max"); two >> quota >> period && quota != "max" && period > 0) {
    return cpus(std::strtod(quota.c_str(), nullptr), period);
  }
  std::ifstream quota_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), period_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (quota_file >> microseconds && period_file >> period && microseconds > 0 && period > 0) {
    return cpus(microseconds, period);
  }
  return kUnlimitedThreads;
}

/// CPUs of the calling thread's affinity mask.
int affinity_count() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, int(std::thread::hardware_concurrency()));
}

}  // namespace

int fork_count() { return forks; }

void set_thread_count(int n) {
  if (forks > 0) return;  // a child has one thread; an OpenMP runtime might wait for the threads of the parent
  const int limit = openmp_limit();
  limit_when_requested =
      limit < kUnlimitedThreads ? limit : affinity_count();  // the initial limit of a runtime that is loaded later
  requested = n;
}

void set_thread_count_here(int n) { requested_here = n; }

int thread_count() {
  if (forks > 0 || computes_alone() || requested_here == 1) return 1;
  const int here = requested_here > 0 ? requested_here : kUnlimitedThreads;
  const int limit = openmp_limit();
  if (const int asked = requested; asked > 0)
    return std::min({here, asked, limit < limit_when_requested ? limit : asked});
  static const int quota = quota_count();
  return std::max(1, std::min({here, limit, affinity_count(), quota}));
}

}  // namespace simdnn
