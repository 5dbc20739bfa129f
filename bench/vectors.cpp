// Samples the instructions that the main thread executes, and counts them by the level of x86-64 that they need.
#include <csignal>
#include <sys/time.h>
#include <ucontext.h>

/// Numbers of samples of instructions that v2, v3 (VEX prefix) and v4 (EVEX prefix) have.
static volatile long samples[3];

/// The level of an instruction by its first byte: in 64-bit mode, these prefixes have no other meaning.
static int level_of(const unsigned char* instruction) {
  if (instruction[0] == 0x62) return 2;
  return instruction[0] == 0xc4 || instruction[0] == 0xc5 ? 1 : 0;
}

static void count(int, siginfo_t*, void* context) {
  const auto address = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP];
  const int level = level_of(reinterpret_cast<const unsigned char*>(address));
  samples[level] = samples[level] + 1;
}

static void set_timer(int microseconds) {
  const itimerval timer = {{0, microseconds}, {0, microseconds}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

/// Begins to sample at this interval. Handlers have a stack of their own, because kernels generated at run time may
/// keep data below the stack pointer.
extern "C" void vectors_start(int microseconds) {
  static char memory[1 << 17];
  stack_t stack = {};
  stack.ss_sp = memory;
  stack.ss_size = sizeof memory;
  sigaltstack(&stack, nullptr);
  struct sigaction action = {};
  action.sa_sigaction = count;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigaction(SIGALRM, &action, nullptr);
  for (volatile long& number : samples) number = 0;
  set_timer(microseconds);
}

/// Ends sampling, and writes the numbers of samples by level.
extern "C" void vectors_stop(long* numbers) {
  set_timer(0);
  for (int level = 0; level < 3; ++level) numbers[level] = samples[level];
}
