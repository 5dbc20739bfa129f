// Maxout: the largest of a group of pieces, of which the first takes the gradient. NumPy inner loops over groups.
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

/// Variant of gather(): groups of two and four pieces are shuffled in registers.
template <class S, class T>
void gather_pieces(const char* from, Index step, Index count, T* to) {
  const S* const x = reinterpret_cast<const S*>(from);
  if (step == 2 * Index(sizeof(S))) return gather_every(2, x, count, to);
  if (step == 4 * Index(sizeof(S))) return gather_every(4, x, count, to);
  gather<S>(from, step, count, to);
}

/// Adjacent groups, one per vector lane; gather and scatter deal with strides and precisions.
template <class S>
struct Groups {
  using T = typename Compute<S>::type;
  static constexpr Index block = 8 * kLanes;
  alignas(64) T best[block];
  alignas(64) T piece[block] = {};
  alignas(64) T out[block];

  /// Finds the largest piece of each group, the first of equal ones; NaN if a piece is NaN.
  SIMDNN_INLINE void find(const char* x, Index step, Index pieces, Index piece_step, Index count) {
    gather_pieces<S>(x, step, count, best);
    for (Index j = count; j < block; ++j) best[j] = 0;
    for (Index k = 1; k < pieces; ++k) {
      gather_pieces<S>(x + k * piece_step, step, count, piece);
      SIMDNN_VECTORIZE
      for (Index j = 0; j < block; ++j) {
        const T larger = piece[j] <= best[j] ? best[j] : piece[j];
        best[j] = best[j] == best[j] ? larger : best[j];
      }
    }
  }
};

/// Inner loop (k) -> (): dims are n and k, steps are those of x, y, and of x's pieces.
template <class S>
void maxout_value(char* const* args, const Index* dims, const Index* steps) {
  Groups<S> groups;
  for (Index i = 0; i < dims[0]; i += groups.block) {
    const Index count = dims[0] - i < groups.block ? dims[0] - i : groups.block;
    groups.find(args[0] + i * steps[0], steps[0], dims[1], steps[2], count);
    scatter<S>(groups.best, count, args[1] + i * steps[1], steps[1]);
  }
}

/// Inner loop (), (k) -> (k): dy times d max / d piece, which is 1 for the winner and 0 for the others, or NaN for all.
/// dims are n and k, steps are those of dy, x, out, and of the pieces of x and out.
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
      gather_pieces<S>(x + k * steps[3], steps[1], count, groups.piece);
      SIMDNN_VECTORIZE
      for (Index j = 0; j < block; ++j) {
        const T lost = open[j] == open[j] ? T(0) : open[j];
        const T slope = groups.piece[j] == groups.best[j] ? open[j] : lost;
        open[j] -= slope;  // taken by the first
        groups.out[j] = dy[j] * slope;
      }
      scatter<S>(groups.out, count, args[2] + i * steps[2] + k * steps[4], steps[2]);
    }
  }
}

/// Inner loop (k) -> (k): dims are n and k, steps are those of x and out, and of their pieces.
template <class S>
void maxout_derivative(char* const* args, const Index* dims, const Index* steps) {
  S one;
  store(&one, typename Compute<S>::type(1));
  char* const with_one[] = {reinterpret_cast<char*>(&one), args[0], args[1]};
  const Index their_steps[] = {0, steps[0], steps[1], steps[2], steps[3]};
  maxout_backward<S>(with_one, dims, their_steps);
}

SIMDNN_LEVEL_END
