// NumPy inner loops of maxout: the largest element of each group of k; the first of equal ones gets the gradient.
#pragma once

#include "../math/half.hpp"
#include "map.hpp"

SIMDNN_LEVEL_BEGIN

/// to[i] = x[every * i].
template <class S, class T>
SIMDNN_INLINE void gather_every(Index every, const S* x, Index count, T* to) {
  SIMDNN_VECTORIZE
  for (Index i = 0; i < count; ++i) to[i] = load<T>(x[every * i]);
}

/// Variant of gather() in which compilers shuffle registers for groups of two, three and four elements.
template <class S, class T>
void gather_elements(const char* from, Index step, Index count, T* to) {
  const S* const x = reinterpret_cast<const S*>(from);
  if (step == 2 * Index(sizeof(S))) return gather_every(2, x, count, to);
  if (step == 3 * Index(sizeof(S))) return gather_every(3, x, count, to);
  if (step == 4 * Index(sizeof(S))) return gather_every(4, x, count, to);
  gather<S>(from, step, count, to);
}

/// A block of adjacent groups, one per vector lane; gather and scatter convert strides and precisions.
template <class S>
struct Groups {
  using T = typename Compute<S>::type;
  static constexpr Index block = 8 * kLanes;
  alignas(64) T best[block];
  alignas(64) T element[block] = {};
  alignas(64) T out[block];

  /// Finds the largest element of each of `count` groups of `size` elements; NaN if one is NaN.
  SIMDNN_INLINE void find(const char* x, Index step, Index size, Index element_step, Index count) {
    gather_elements<S>(x, step, count, best);
    for (Index j = count; j < block; ++j) best[j] = 0;
    for (Index k = 1; k < size; ++k) {
      gather_elements<S>(x + k * element_step, step, count, element);
      SIMDNN_VECTORIZE
      for (Index j = 0; j < block; ++j) {
        const T larger = element[j] <= best[j] ? best[j] : element[j];
        best[j] = best[j] == best[j] ? larger : best[j];
      }
    }
  }
};

/// Inner loop (k) -> (): dims are (n, k); steps are those of x, y, and of the elements of x.
template <class S>
void maxout_value(char* const* args, const Index* dims, const Index* steps) {
  Groups<S> groups;
  for (Index i = 0; i < dims[0]; i += groups.block) {
    const Index count = dims[0] - i < groups.block ? dims[0] - i : groups.block;
    groups.find(args[0] + i * steps[0], steps[0], dims[1], steps[2], count);
    scatter<S>(groups.best, count, args[1] + i * steps[1], steps[1]);
  }
}

/// The largest element of each of `count` contiguous groups, NaN if one is NaN, and the index of the first such
/// element.
template <class T>
void maxout_winners(const T* x, Index count, Index size, T* best, std::int32_t* winner) {
  using Word = typename Bits<T>::type;
  const Index bytes = Index(sizeof(T));
  Groups<T> groups;
  constexpr Index block = groups.block;
  alignas(64) Word index[block];
  for (; count > 0; count -= block, x += block * size, best += block, winner += block) {
    const Index n = count < block ? count : block;
    gather_elements<T>(reinterpret_cast<const char*>(x), size * bytes, n, groups.best);
    for (Index j = 0; j < n; ++j) index[j] = 0;
    for (Index k = 1; k < size; ++k) {
      gather_elements<T>(reinterpret_cast<const char*>(x + k), size * bytes, n, groups.element);
      SIMDNN_VECTORIZE
      for (Index j = 0; j < n; ++j) {
        const T element = groups.element[j], largest = groups.best[j];
        const bool wins = !(element <= largest) & (largest == largest);
        groups.best[j] = wins ? element : largest;
        index[j] = wins ? Word(k) : index[j];
      }
    }
    SIMDNN_VECTORIZE
    for (Index j = 0; j < n; ++j) best[j] = groups.best[j];
    SIMDNN_VECTORIZE
    for (Index j = 0; j < n; ++j) winner[j] = std::int32_t(index[j]);
  }
}

/// Inner loop (), (k) -> (k): dy d max / d element, where the derivative is 1 for the first largest element and 0 for
/// the others, or NaN for all. dims are (n, k); steps are those of dy, x, out, and of the elements of x and out.
template <class S>
void maxout_backward(char* const* args, const Index* dims, const Index* steps) {
  using T = typename Compute<S>::type;
  Groups<S> groups;
  constexpr Index block = groups.block;
  alignas(64) T dy[block] = {}, open[block];
  for (Index i = 0; i < dims[0]; i += block) {
    const Index count = dims[0] - i < block ? dims[0] - i : block;
    gather<S>(args[0] + i * steps[0], steps[0], count, dy);
    const char* const x = args[1] + i * steps[1];
    groups.find(x, steps[1], dims[1], steps[3], count);
    for (Index j = 0; j < block; ++j) open[j] = groups.best[j] == groups.best[j] ? T(1) : groups.best[j];
    for (Index k = 0; k < dims[1]; ++k) {
      gather_elements<S>(x + k * steps[3], steps[1], count, groups.element);
      SIMDNN_VECTORIZE
      for (Index j = 0; j < block; ++j) {
        const T lost = open[j] == open[j] ? T(0) : open[j];
        const T slope = groups.element[j] == groups.best[j] ? open[j] : lost;
        open[j] -= slope;  // the first largest element takes all
        const T product = dy[j] * slope;
        groups.out[j] = slope == 0 ? T(0) : product;  // the others get none, even of an infinite gradient
      }
      scatter<S>(groups.out, count, args[2] + i * steps[2] + k * steps[4], steps[2]);
    }
  }
}

/// Inner loop (k) -> (k): d max / d element. dims are (n, k); steps are those of x and out, and of their elements.
template <class S>
void maxout_derivative(char* const* args, const Index* dims, const Index* steps) {
  S one;
  store(&one, typename Compute<S>::type(1));
  char* const with_one[] = {reinterpret_cast<char*>(&one), args[0], args[1]};
  const Index backward_steps[] = {0, steps[0], steps[1], steps[2], steps[3]};
  maxout_backward<S>(with_one, dims, backward_steps);
}

SIMDNN_LEVEL_END
