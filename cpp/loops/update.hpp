// The loop of an optimizer step, which reads and writes every buffer once.
#pragma once

#include "../base/views.hpp"
#include "../ops/optimizers.hpp"
#include "../simd/level.hpp"

SIMDNN_LEVEL_BEGIN

/// Work before the update rule, chosen outside the loop, so that a plain step reads and writes no more than needed.
enum UpdateExtras {
  kNothing,
  kDecay,       ///< weight decay
  kEverything,  ///< weight decay, clipping and penalties
};

/// One step for elements [begin, end) of one span.
template <UpdateExtras kExtras, class T, class Step>
void update_span(const UpdateSpan<T>& span, Index begin, Index end, const Step& step, const Adjust<T>& adjust,
                 const WeightDecay<T>& decay) {
  T* const p = span.p;
  const T* const g = span.g;
  T* const slots[kMaxSlots] = {span.slots[0], span.slots[1], span.slots[2]};
  SIMDNN_VECTORIZE
  for (Index i = begin; i < end; ++i) {
    T x = p[i];
    T d = g[i];
    if constexpr (kExtras == kEverything) d = adjust(d, x);
    if constexpr (kExtras != kNothing) {
      d = decay.gradient(x, d);
      x = decay.kept(x);
    }
    step(x, d, slots, i);
    p[i] = x;
  }
}

/// One step of Rule, in place, for elements [begin, end) of the concatenated spans.
template <class Rule, class T>
void update(const UpdateSpan<T>* spans, Index count, Index begin, Index end, const UpdateStep& step_args) {
  const typename Rule::template Step<T> step(step_args);
  const WeightDecay<T> decay(step_args.hypers);
  for (Index s = 0; s < count && end > 0; ++s, ++spans) {
    const Index last = end < spans->size ? end : spans->size;
    if (begin < last) {
      const Adjustment adjustment = spans->penalized ? step_args.adjustment : step_args.adjustment.without_penalties();
      const Adjust<T> adjust(adjustment);
      const UpdateExtras extras =
          !adjustment.none() ? kEverything : (step_args.hypers[kWeightDecay] != 0 ? kDecay : kNothing);
      if (extras == kNothing) update_span<kNothing>(*spans, begin, last, step, adjust, decay);
      if (extras == kDecay) update_span<kDecay>(*spans, begin, last, step, adjust, decay);
      if (extras == kEverything) update_span<kEverything>(*spans, begin, last, step, adjust, decay);
    }
    begin = begin > spans->size ? begin - spans->size : 0;
    end -= spans->size;
  }
}

SIMDNN_LEVEL_END
