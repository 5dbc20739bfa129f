// What memory and the divider allow: walks that do as little as they can. Compiled for this machine when first asked for.
#include <cstddef>

/// Reads and writes `count` arrays and reads one more, as an update rule with count - 1 state buffers does.
template <int kCount>
static void walk(float* const* arrays, const float* gradient, std::ptrdiff_t n) {
  float* a[kCount];
  for (int k = 0; k < kCount; ++k) a[k] = arrays[k];
#pragma GCC ivdep
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    const float g = gradient[i];
    for (int k = 0; k < kCount; ++k) a[k][i] += g;
  }
}

extern "C" void floor_walk(float* const* arrays, int count, const float* gradient, std::ptrdiff_t n) {
  switch (count) {
    case 1: return walk<1>(arrays, gradient, n);
    case 2: return walk<2>(arrays, gradient, n);
    case 3: return walk<3>(arrays, gradient, n);
    default: return walk<4>(arrays, gradient, n);
  }
}

/// n square roots and divisions of numbers in the first-level cache.
extern "C" void floor_divide(float* block, int roots, int divisions, std::ptrdiff_t n) {
  constexpr std::ptrdiff_t size = 1024;
  for (std::ptrdiff_t begin = 0; begin < n; begin += size) {
    const std::ptrdiff_t count = n - begin < size ? n - begin : size;
#pragma GCC ivdep
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      float x = block[i];
      if (roots > 0) x = __builtin_sqrtf(x);
      if (roots > 1) x = __builtin_sqrtf(x + 1.0f);
      if (divisions > 0) x = 1.5f / x;
      block[i] = x;
    }
    asm volatile("" ::: "memory");
  }
}
