#include "parallel.hpp"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#if defined(__linux__)
#include <sched.h>
#endif
#if defined(_OPENMP)
#include <omp.h>
#endif

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

namespace simdnn {
namespace {

using Clock = std::chrono::steady_clock;

std::atomic<int> requested{0};
std::atomic<int> limit_when_requested{0};
std::atomic<int> forks{0};
thread_local bool inside = false;
thread_local bool paced = false;  ///< whoever has measured it says that the team is worth its while

/// Threads do not survive a fork and waiting for them would hang: a child works alone.
[[maybe_unused]] const int watching_forks = pthread_atfork(nullptr, nullptr, [] { ++forks; });

/// What OMP_NUM_THREADS or threadpoolctl allow now. The team is our own; OpenMP is asked for this number alone.
int openmp_limit() {
#if defined(_OPENMP)
  return omp_get_max_threads();
#else
  const char* const text = std::getenv("OMP_NUM_THREADS");
  const int number = text ? std::atoi(text) : 0;
  return number > 0 ? number : 1 << 16;
#endif
}

/// CPUs that the control group's quota pays for, rounded up; a large number where there is none.
int quota_count() {
  constexpr int unlimited = 1 << 16;
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
  return unlimited;
}

int affinity_count() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, int(std::thread::hardware_concurrency()));
}

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// The processor that this thread runs on; -1 where the system does not say.
int current_cpu() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

/// Moves this thread to another processor, if it may run on any; it may return later.
bool leave_cpu(int cpu) {
#if defined(__linux__)
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return false;
  cpu_set_t others = all;
  CPU_CLR(cpu, &others);
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return false;
  sched_setaffinity(0, sizeof all, &all);
  return current_cpu() != cpu;
#else
  return false;
#endif
}

/// What this thread has computed so far, without the time that it was kept from it.
std::chrono::nanoseconds thread_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// Waits for a condition that may come at once: spins for about as long as waking a thread costs. The answer is
/// whether it came; else the caller sleeps.
template <class Condition>
bool spin_until(const Condition& condition, std::chrono::microseconds patience) {
  const Clock::time_point end = Clock::now() + patience;
  do {
    for (int i = 0; i < 64; ++i) {
      if (condition()) return true;
      pause();
    }
  } while (Clock::now() < end);
  return condition();
}

/// Work in parts that whoever is free takes next: the caller from the front, helpers from the back, so that the next
/// task finds in a processor's cache what the last has left there.
struct Task {
  Index n, grain;
  Index parts;
  void (*body)(const void*, Index, Index);
  const void* context;
  int cpu = -1;  ///< the caller's
  std::atomic<Index> taken{0}, front{0}, back{0};

  void compute(Index part) {
    const Index grains = (n + grain - 1) / grain;
    body(context, grains * part / parts * grain, std::min(n, grains * (part + 1) / parts * grain));
  }

  /// How many the caller took.
  Index take_parts() {
    while (taken++ < parts) compute(front++);
    return front;
  }
  void help() {
    while (taken++ < parts) compute(parts - 1 - back++);
  }
};

/// Whether help is worth asking for. Where other processes hold the processors, a helper comes late or is stopped in
/// the middle of its part. What that costs is kept to a fortieth of the caller's work: so much longer it works alone,
/// and twice as long each time until help has won again. Time in which nothing is to be done does not count: who spoils
/// one task, as a pool that still spins, spoils the next that comes after a pause.
class Experience {
 public:
  bool advises() const { return alone_ <= Clock::duration{}; }

  /// What a task without help took.
  void add(Clock::duration took) { alone_ -= took; }

  /// What a task of `parts` parts took in all, and the caller for the `own` parts that it computed.
  void add(Index own, Index parts, Clock::duration worked, Clock::duration took) {
    constexpr std::chrono::microseconds credit{5000};    // what help has won lately, it may lose again
    constexpr std::chrono::microseconds tolerated{100};  // as waking helpers costs
    if (own == 0) return;
    balance_ = std::min<Clock::duration>(balance_ + worked * parts / own - took, credit);
    if (balance_ == credit) share_ = kShare;
    if (balance_ > -tolerated) return;
    alone_ = share_ * -balance_;
    share_ = std::min(2 * share_, 4 * kShare);
    balance_ = {};
  }

 private:
  static constexpr int kShare = 40;
  int share_ = kShare;
  Clock::duration balance_{};  ///< time that help has won
  Clock::duration alone_{};    ///< work still to be done without it
};

/// Threads that help whoever calls run(). The caller never waits for one that has not begun, so a helper that the
/// system does not schedule costs nothing; helpers sleep soon after the last task.
class Team {
 public:
  void run(int threads, Task& task) {
    const std::unique_lock<std::mutex> only(running_, std::try_to_lock);
    const bool asks = only && (paced || experience_.advises());
    const Clock::time_point asked = Clock::now();
    if (asks) open(threads - 1, task);
    const Clock::duration before = asks ? thread_time() : Clock::duration{};
    inside = true;
    const Index own = task.take_parts();
    inside = false;
    if (only && !asks) experience_.add(Clock::now() - asked);
    if (!asks) return;
    const Clock::duration worked = thread_time() - before;
    close();
    experience_.add(own, task.parts, worked, Clock::now() - asked);
  }

 private:
  void open(int helpers, Task& task) {
    while (created_ < helpers && create()) ++created_;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      task_ = &task;
      places_ = helpers;
      ++generation_;
    }
    if (sleeping_ > 0) wake_.notify_all();
  }

  /// Nobody joins any more; waits for those who have.
  void close() {
    std::unique_lock<std::mutex> lock(mutex_);
    task_ = nullptr;
    if (active_ == 0) return;
    lock.unlock();
    if (spin_until([&] { return active_ == 0; }, std::chrono::microseconds(30))) return;
    lock.lock();
    finished_.wait(lock, [&] { return active_ == 0; });
  }

  bool create() {
    sigset_t all, before;  // signals are for the interpreter's threads
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool created = true;
    try {
      std::thread([this] { help(); }).detach();
    } catch (const std::system_error&) {
      created = false;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return created;
  }

  [[noreturn]] void help() {
    inside = true;
    bool in_the_way = false;  // on the caller's processor, whose time it would take
    for (std::uint64_t seen = 0;;) {
      const auto called = [&] { return generation_ != seen; };
      const bool soon = !in_the_way && spin_until(called, std::chrono::microseconds(100));
      std::unique_lock<std::mutex> lock(mutex_);
      if (!soon) {
        ++sleeping_;
        wake_.wait(lock, called);
        --sleeping_;
      }
      const int cpu = task_ ? task_->cpu : -1;
      in_the_way = cpu >= 0 && cpu == current_cpu();
      if (in_the_way) {  // where the system likes to wake it
        lock.unlock();
        in_the_way = !leave_cpu(cpu);
        lock.lock();
      }
      seen = generation_;
      if (task_ == nullptr || places_ == 0 || in_the_way) continue;
      Task& task = *task_;
      --places_;
      ++active_;
      lock.unlock();
      task.help();
      lock.lock();
      if (--active_ == 0) finished_.notify_one();
    }
  }

  std::mutex running_;  ///< held by the one caller that is helped; another meanwhile works alone
  int created_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_, finished_;
  Experience experience_;
  Task* task_ = nullptr;
  int places_ = 0;
  std::atomic<int> active_{0}, sleeping_{0};
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace

bool has_openmp() {
#if defined(_OPENMP)
  return true;
#else
  return false;
#endif
}

int fork_count() { return forks; }

void set_thread_count(int n) {
  limit_when_requested = openmp_limit();
  requested = n;
}

int thread_count() {
  if (forks > 0 || inside) return 1;
  const int limit = openmp_limit();
  if (const int asked = requested; asked > 0) return limit < limit_when_requested ? std::min(asked, limit) : asked;
  static const int quota = quota_count();
  return std::max(1, std::min({limit, affinity_count(), quota}));
}

Pace::Turn Pace::turn(Index samples, double nanoseconds) {
  const bool goes = nanoseconds >= kSerialBelow && thread_count() > 1;
  if (goes && samples > samples_) {
    *this = Pace();
    samples_ = samples;
  }
  return Turn(*this, goes, samples == samples_);
}

Pace::Turn::Turn(Pace& pace, bool goes, bool counts) : pace_(pace), goes_(goes), counts_(counts) {
  if (!goes_) return;
  before_ = inside;
  inside = pace_.way_ == kAlone;
  paced = !inside;
  began_ = Clock::now();
}

Pace::Turn::~Turn() {
  if (!goes_) return;
  inside = before_;
  paced = false;
  if (counts_) pace_.add(std::chrono::duration<double, std::nano>(Clock::now() - began_).count());
}

void Pace::take(Way way, double nanoseconds) {
  way_ = way;
  left_ = nanoseconds;
  pieces_ = 0;
}

void Pace::add(double took) {
  constexpr double worth = 0.97;  // the share of time from which on the team is worth the processors it takes
  constexpr double share = 40;    // of all time one part is what trials may cost
  constexpr int least_pieces = 3;
  double& typical = typical_[way_];
  if (pieces_++ > 0) {  // down at once, up slowly: others may delay a piece, none makes it faster
    typical = typical == 0 ? took : typical + std::clamp(took - typical, -typical / 2, typical / 16);
  }
  left_ -= took;
  const Way other = way_ == kTeam ? kAlone : kTeam;
  const bool known = typical_[kAlone] != 0 && typical_[kTeam] != 0, over = left_ <= 0 && pieces_ >= least_pieces;
  const bool best = known && (way_ == kTeam) == (typical_[kTeam] < worth * typical_[kAlone]);
  const double lost = std::abs(typical_[kTeam] - typical_[kAlone]) / std::min(typical_[kTeam], typical_[kAlone]);
  const double pause = std::max(kTrial, share * kTrial * lost);
  if (tries_ && best) {
    tries_ = false;
    left_ = pause;
  } else if (known && !best && (!tries_ || over)) {
    tries_ = false;
    take(other, pause);
  } else if (over) {
    tries_ = true;
    take(other, kTrial);
  }
}

void run_team(int threads, Index n, Index grain, void (*body)(const void*, Index, Index), const void* context) {
  constexpr Index parts_of_thread = 4;  // so that a thread that comes late still finds some, and no more
  static Team& team = *new Team;        // never destroyed: its threads may outlive static objects
  Task task{n, grain, std::min((n + grain - 1) / grain, threads * parts_of_thread), body, context, current_cpu()};
  team.run(threads, task);
}

}  // namespace simdnn
