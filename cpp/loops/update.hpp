// The optimiser's walk: every buffer is read and written once.
#pragma once

#include "../math/level.hpp"
#include "../ops/optimizers.hpp"
#include "../ops/spans.hpp"

SIMDNN_LEVEL_BEGIN

/// Elements [begin, end) of one span.
template <bool kAdjusted, class T, class Step>
void update_span(const UpdateSpan<T>& span, Index begin, Index end, const Step& step, const Adjust<T>& adjust) {
  T* const p = span.p;
  const T* const g = span.g;
  T* const slots[kMaxSlots] = {span.slots[0], span.slots[1], span.slots[2]};
  SIMDNN_VECTORIZE
  for (Index i = begin; i < end; ++i) {
    T x = p[i];
    T d = g[i];
    if constexpr (kAdjusted) d = adjust(d, x);
    step(x, d, slots, i);
    p[i] = x;
  }
}

/// One step of Rule, in place, for elements [begin, end) of all spans counted through.
template <class Rule, class T>
void update(const UpdateSpan<T>* spans, Index count, Index begin, Index end, const UpdateStep& numbers) {
  const typename Rule::template Step<T> step(numbers);
  const Adjust<T> adjust(numbers.adjustment);
  const bool plain = numbers.adjustment.none();
  for (Index s = 0; s < count && end > 0; ++s, ++spans) {
    const Index last = end < spans->size ? end : spans->size;
    if (begin < last) {
      if (plain) {
        update_span<false>(*spans, begin, last, step, adjust);
      } else {
        update_span<true>(*spans, begin, last, step, adjust);
      }
    }
    begin = begin > spans->size ? begin - spans->size : 0;
    end -= spans->size;
  }
}

SIMDNN_LEVEL_END
