// The choice of an instruction-set level by CPUID and SIMDNN_ISA.
#include "dispatch.hpp"

#include <cstdlib>
#include <cstring>
#include <stdexcept>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(SIMDNN_AMX)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace simdnn {

#if defined(__x86_64__)
const Kernels& kernels_v2();
const Kernels& kernels_v3();
const Kernels& kernels_v4();
const Kernels& kernels_amx();
bool kernels_amx_agree();
#else
const Kernels& kernels_neon();
#endif

namespace {

struct Level {
  const char* name;
  const Kernels& (*table)();
  std::string missing;  ///< the first feature that is lacking; empty if all are there
};

#if defined(__x86_64__)

/// A CPUID bit: leaf, sub-leaf, register (0 = eax ... 3 = edx) and bit, as the processor manuals number them.
struct Feature {
  const char* name;
  unsigned leaf, subleaf;
  int where, bit;
};

bool has(const Feature& feature) {
  unsigned r[4] = {};
  if (!__get_cpuid_count(feature.leaf, feature.subleaf, &r[0], &r[1], &r[2], &r[3])) return false;
  return (r[feature.where] >> feature.bit) & 1;
}

/// Register state that the operating system saves, as bits of XCR0.
unsigned saved_state() {
  if (!has({"osxsave", 1, 0, 2, 27})) return 0;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

// Features of the x86-64 psABI's microarchitecture levels.
constexpr Feature kV2[] = {{"sse3", 1, 0, 2, 0},         {"ssse3", 1, 0, 2, 9}, {"sse4.1", 1, 0, 2, 19},
                           {"sse4.2", 1, 0, 2, 20},      {"cx16", 1, 0, 2, 13}, {"popcnt", 1, 0, 2, 23},
                           {"lahf", 0x80000001, 0, 2, 0}};
constexpr Feature kV3[] = {{"avx", 1, 0, 2, 28},   {"f16c", 1, 0, 2, 29},         {"fma", 1, 0, 2, 12},
                           {"movbe", 1, 0, 2, 22}, {"avx2", 7, 0, 1, 5},          {"bmi1", 7, 0, 1, 3},
                           {"bmi2", 7, 0, 1, 8},   {"lzcnt", 0x80000001, 0, 2, 5}};
constexpr Feature kV4[] = {{"avx512f", 7, 0, 1, 16},
                           {"avx512dq", 7, 0, 1, 17},
                           {"avx512cd", 7, 0, 1, 28},
                           {"avx512bw", 7, 0, 1, 30},
                           {"avx512vl", 7, 0, 1, 31}};
#if defined(SIMDNN_AMX)
constexpr Feature kAmx[] = {{"amx_tile", 7, 0, 3, 24}, {"amx_bf16", 7, 0, 3, 22}};

/// True if Linux lets this process use tile registers; threads and forks inherit the permission.
bool tiles_permitted() {
  constexpr long request_permission = 0x1023, tile_data = 18;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}
#endif

template <int N>
std::string first_missing(const Feature (&features)[N], unsigned state) {
  for (const Feature& feature : features) {
    if (!has(feature)) return feature.name;
  }
  return (saved_state() & state) == state ? "" : "operating-system support for its registers";
}

#if defined(SIMDNN_AMX)
/// The reason why the matrix unit cannot be used; empty if it can.
std::string missing_for_amx() {
  const std::string feature = first_missing(kAmx, 0x600e6);
  if (!feature.empty()) return feature;
  if (!tiles_permitted()) return "the operating system's permission to use tile registers";
  return kernels_amx_agree() ? "" : "a matrix unit with the arithmetic of its manual";
}
#endif

std::vector<Level> find_levels() {
  const std::string v2 = first_missing(kV2, 0);
  const std::string v3 = v2.empty() ? first_missing(kV3, 0x06) : v2;
  const std::string v4 = v3.empty() ? first_missing(kV4, 0xe6) : v3;
  std::vector<Level> found = {{"v2", kernels_v2, v2}, {"v3", kernels_v3, v3}, {"v4", kernels_v4, v4}};
#if defined(SIMDNN_AMX)
  found.push_back({"amx", kernels_amx, v4.empty() ? missing_for_amx() : v4});
#endif
  return found;
}

#else

std::vector<Level> find_levels() { return {{"neon", kernels_neon, ""}}; }

#endif

/// All levels of this build. The processor and the system are asked once.
const std::vector<Level>& levels() {
  static const std::vector<Level> found = find_levels();
  return found;
}

const Kernels* chosen = nullptr;

}  // namespace

std::vector<std::string> available_levels() {
  std::vector<std::string> names;
  for (const Level& level : levels()) {
    if (level.missing.empty()) names.push_back(level.name);
  }
  return names;
}

void choose_level() {
  const std::vector<Level>& all = levels();
  std::string allowed;
  for (const std::string& name : available_levels()) allowed += (allowed.empty() ? "" : ", ") + name;
  const char* const forced = std::getenv("SIMDNN_ISA");
  if (forced == nullptr || *forced == '\0') {
    for (const Level& level : all) {
      if (level.missing.empty()) chosen = &level.table();
    }
    if (chosen == nullptr) throw std::runtime_error("simdnn: this CPU lacks " + all[0].missing + " (needs x86-64-v2)");
    return;
  }
  for (const Level& level : all) {
    if (level.name != std::string(forced)) continue;
    if (!level.missing.empty()) {
      throw std::runtime_error("simdnn: SIMDNN_ISA=" + std::string(forced) + " but this CPU lacks " + level.missing +
                               "; allowed here: " + allowed);
    }
    chosen = &level.table();
    return;
  }
  throw std::runtime_error("simdnn: SIMDNN_ISA='" + std::string(forced) + "' is not a level; allowed here: " + allowed);
}

const Kernels& kernels() { return *chosen; }

bool has_matrix_unit() { return std::strcmp(kernels().level, "amx") == 0; }

}  // namespace simdnn
