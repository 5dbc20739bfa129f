// The size of the first-level data cache, which block sizes of products follow.
#pragma once

#include "../simd/level.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

SIMDNN_LEVEL_BEGIN

#if defined(__x86_64__)
/// Bytes of the first-level data cache; 0 if the processor does not tell. Leaves 4 (Intel) and 8000001d (AMD) of CPUID
/// list the caches in one format.
inline unsigned first_level_cache() {
  constexpr unsigned leaves[] = {0x4, 0x8000001d};
  for (const unsigned leaf : leaves) {
    for (unsigned cache = 0; cache < 4; ++cache) {
      unsigned a = 0, b = 0, sets = 0, d = 0;
      if (!__get_cpuid_count(leaf, cache, &a, &b, &sets, &d)) break;
      const unsigned kind = a & 31, level = a >> 5 & 7, data = 1;
      const unsigned ways = b >> 22, partitions = b >> 12 & 1023, line = b & 4095;  // each less one
      if (kind == data && level == 1) return (ways + 1) * (partitions + 1) * (line + 1) * (sets + 1);
    }
  }
  return 0;
}
#else
/// Bytes of the first-level data cache that 64-bit ARM cores for servers and desktops have at least.
inline unsigned first_level_cache() { return 64 << 10; }
#endif

SIMDNN_LEVEL_END
