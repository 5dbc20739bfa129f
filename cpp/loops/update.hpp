// The optimiser's walk: every buffer is read and written once.
#pragma once

#include "../math/level.hpp"
#include "../ops/optimizers.hpp"
#include "../ops/spans.hpp"

SIMDNN_LEVEL_BEGIN

/// One step of Rule for n parameters in place; hypers in the order of its description, steps count from 1.
template <class Rule, class T>
void update(T* p, const T* g, T* const* slots, Index n, const double* hypers, std::int64_t step) {
  const typename Rule::template Step<T> rule(hypers, step);
  T* const local[kMaxSlots] = {slots[0], slots[1], slots[2]};
  SIMDNN_VECTORIZE
  for (Index i = 0; i < n; ++i) {
    T x = p[i];
    rule(x, g[i], local, i);
    p[i] = x;
  }
}

SIMDNN_LEVEL_END
