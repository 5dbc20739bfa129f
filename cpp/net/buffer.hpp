// Memory of a network: aligned buffers, and an arena that is measured once and never grows inside a step.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "../base/matrix.hpp"
#include "instantiate.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace simdnn {

constexpr std::size_t kAlignment = 64;

/// Asks for huge pages for large memory, as NumPy does: an update of 16 million parameters walks five arrays at once.
inline void use_huge_pages([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) {
#if defined(MADV_HUGEPAGE)
  constexpr std::size_t large = 4u << 20, page = 4096;
  if (bytes < large) return;
  const std::size_t skip = (page - reinterpret_cast<std::uintptr_t>(memory) % page) % page;
  madvise(static_cast<char*>(memory) + skip, bytes - skip, MADV_HUGEPAGE);
#endif
}

/// a * b; throws std::bad_array_new_length if no memory has so many elements.
inline Index checked_product(Index a, Index b) {
  Index product = 0;
  if (__builtin_mul_overflow(a, b, &product)) throw std::bad_array_new_length();
  return product;
}

/// a + b; throws std::bad_array_new_length if no memory has so many elements.
inline Index checked_sum(Index a, Index b) {
  Index sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) throw std::bad_array_new_length();
  return sum;
}

/// A number that others may write at the same time; the compiler may not read it again after a check.
template <class T>
T read_once(const T* from) {
  return *static_cast<const volatile T*>(from);
}

/// n zeroed elements, 64-byte aligned, readable and writable to the next multiple of kPad and kPad beyond.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Index n) : size_(n) {
    const auto bytes = std::size_t(checked_product(checked_sum(n, 2 * kPad) / kPad * kPad, Index(sizeof(T))));
    data_.reset(static_cast<T*>(std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment)));
    if (!data_) throw std::bad_alloc();
    use_huge_pages(data_.get(), bytes);
    std::memset(data_.get(), 0, bytes);
  }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  Index size() const { return size_; }

 private:
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T, Free> data_;
  Index size_ = 0;
};

/// Allocates padded matrices: a first walk over the layers measures the memory, a second one assigns it.
template <class T>
class Arena {
 public:
  Matrix<T> matrix(Index rows, Index columns) {
    constexpr Index page = 4096 / Index(sizeof(T));  // rows at this distance would map to the same cache sets
    checked_sum(columns, 2 * kPad);
    const Index stride = padded(columns) + (columns > 0 && padded(columns) % page == 0 ? kPad : 0);
    const Matrix<T> m{memory_.data() ? memory_.data() + used_ : nullptr, rows, columns, stride};
    used_ = checked_sum(used_, checked_product(rows, stride));
    return m;
  }
  Index taken() const { return used_; }
  void allocate() {
    memory_ = Buffer<T>(used_);
    used_ = 0;
  }

 private:
  Buffer<T> memory_;
  Index used_ = 0;
};

}  // namespace simdnn
