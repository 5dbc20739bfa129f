// Loops that show the limits of arithmetic, memory and the divider; compiled for a level when first needed.
#include <cstddef>

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

template <class T>
struct Vector {
  typedef T type __attribute__((vector_size(kVectorBytes), aligned(sizeof(T))));
};

/// `flops` operations as fused multiply-adds in registers, in enough chains to hide their latency.
template <class T>
static void multiply(double flops) {
  constexpr int chains = 12, lanes = kVectorBytes / int(sizeof(T));
  using V = typename Vector<T>::type;
  V sum[chains] = {};
  const V x = V{} + T(0.5), y = V{} + T(1);
  for (std::ptrdiff_t n = std::ptrdiff_t(flops / (2 * chains * lanes)); n > 0; --n) {
#pragma GCC unroll 16
    for (int k = 0; k < chains; ++k) {
      sum[k] = sum[k] * x + y;
      asm volatile("" : "+x"(sum[k]));
    }
  }
#pragma GCC unroll 16
  for (int k = 0; k < chains; ++k) asm volatile("" ::"x"(sum[k]));
}

/// Reads n numbers, a multiple of 16 vectors, `repeats` times.
template <class T>
static void read(const T* x, std::ptrdiff_t n, std::ptrdiff_t repeats) {
  constexpr int chains = 8, lanes = kVectorBytes / int(sizeof(T));
  using V = typename Vector<T>::type;
  V sum[chains] = {};
  for (; repeats > 0; --repeats) {
    for (std::ptrdiff_t i = 0; i < n; i += chains * lanes) {
#pragma GCC unroll 16
      for (int k = 0; k < chains; ++k) sum[k] += *reinterpret_cast<const V*>(x + i + k * lanes);
    }
    asm volatile("" ::: "memory");
  }
#pragma GCC unroll 16
  for (int k = 0; k < chains; ++k) asm volatile("" ::"x"(sum[k]));
}

/// Reads and writes kCount arrays and reads one more, as an update rule with kCount - 1 state buffers does.
template <int kCount, class T>
static void walk_arrays(T* const* arrays, const T* gradient, std::ptrdiff_t n) {
  T* a[kCount];
  for (int k = 0; k < kCount; ++k) a[k] = arrays[k];
#pragma GCC ivdep
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    const T g = gradient[i];
    for (int k = 0; k < kCount; ++k) a[k][i] += g;
  }
}

template <class T>
static void walk(T* const* arrays, int count, const T* gradient, std::ptrdiff_t n) {
  switch (count) {
    case 1:
      return walk_arrays<1>(arrays, gradient, n);
    case 2:
      return walk_arrays<2>(arrays, gradient, n);
    case 3:
      return walk_arrays<3>(arrays, gradient, n);
    default:
      return walk_arrays<4>(arrays, gradient, n);
  }
}

/// n square roots and divisions of numbers in the first-level cache.
template <class T>
static void divide(T* block, int roots, int divisions, std::ptrdiff_t n) {
  constexpr std::ptrdiff_t size = 1024;
  for (std::ptrdiff_t begin = 0; begin < n; begin += size) {
    const std::ptrdiff_t count = n - begin < size ? n - begin : size;
#pragma GCC ivdep
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      T x = block[i];
      if (roots > 0) x = T(__builtin_sqrt(x));
      if (roots > 1) x = T(__builtin_sqrt(x + T(1)));
      if (divisions > 0) x = T(1.5) / x;
      block[i] = x;
    }
    asm volatile("" ::: "memory");
  }
}

#define SIMDNN_FLOOR(name, T)                                                                                       \
  extern "C" void floor_multiply_##name(double flops) { multiply<T>(flops); }                                       \
  extern "C" void floor_read_##name(const T* x, std::ptrdiff_t n, std::ptrdiff_t repeats) { read(x, n, repeats); }  \
  extern "C" void floor_walk_##name(T* const* a, int count, const T* g, std::ptrdiff_t n) { walk(a, count, g, n); } \
  extern "C" void floor_divide_##name(T* block, int roots, int divisions, std::ptrdiff_t n) {                       \
    divide(block, roots, divisions, n);                                                                             \
  }

SIMDNN_FLOOR(float32, float)
SIMDNN_FLOOR(float64, double)
