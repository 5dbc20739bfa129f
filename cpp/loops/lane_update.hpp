// The loop of an optimizer step of a network in each virtual lane, with the arguments of each.
#pragma once

#include "../base/lane_views.hpp"
#include "update.hpp"

SIMDNN_LEVEL_BEGIN

/// Numbers that are constant during a step, of sixteen networks: number i of all is one block, which loops load as a
/// vector.
template <class Constants, class T>
struct LaneConstants {
  static constexpr int kNumbers = int(sizeof(Constants) / sizeof(T));
  static_assert(sizeof(Constants) % sizeof(T) == 0);

  T at[kNumbers][kLanes];

  void set(int l, const Constants& constants) {
    T numbers[kNumbers];
    __builtin_memcpy(numbers, &constants, sizeof constants);
    for (int i = 0; i < kNumbers; ++i) at[i][l] = numbers[i];
  }

  /// The constants of one network.
  SIMDNN_INLINE Constants of(int l) const {
    T numbers[kNumbers];
    unroll<kNumbers>([&](int i) SIMDNN_LAMBDA_INLINE { numbers[i] = at[i][l]; });
    return __builtin_bit_cast(Constants, numbers);
  }
};

/// The constants of the work before the rule; masks of all bits, or none, tell which of it a network has.
template <class T>
struct BeforeRule {
  using Word = typename Bits<T>::type;

  Adjust<T> adjust;
  WeightDecay<T> decay;
  Word adjusts, works;

  BeforeRule(const UpdateStep& step, bool penalized)
      : adjust(given(step, penalized)),
        decay(step.hypers),
        adjusts(given(step, penalized).none() ? Word(0) : ~Word(0)),
        works(adjusts != 0 || step.hypers[kWeightDecay] != 0 ? ~Word(0) : Word(0)) {}

  static Adjustment given(const UpdateStep& step, bool penalized) {
    return penalized ? step.adjustment : step.adjustment.without_penalties();
  }
};

/// A choice between two numbers by a mask.
template <class T>
SIMDNN_INLINE T choose(typename Bits<T>::type mask, T yes, T no) {
  return from_bits<T>((to_bits(yes) & mask) | (to_bits(no) & ~mask));
}

/// The work before the rule for the parameters of one span: `adjusted` receives the gradients that the rule takes.
/// Returns false, with nothing done, if no network has any.
template <class T>
SIMDNN_NOINLINE bool prepare_lanes(const UpdateSpan<T>& span, const UpdateStep* steps, T* adjusted) {
  LaneConstants<BeforeRule<T>, T> constants;
  bool any = false;
  for (int l = 0; l < kLanes; ++l) {
    const BeforeRule<T> own(steps[l], span.penalized);
    constants.set(l, own);
    any = any || own.works != 0;
  }
  for (Index i = 0; any && i < span.size; i += kLanes) {
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      const BeforeRule<T> own = constants.of(l);
      const T x = span.p[i + l], given = span.g[i + l], d = choose(own.adjusts, own.adjust(given, x), given);
      adjusted[i + l] = choose(own.works, own.decay.gradient(x, d), d);
      span.p[i + l] = choose(own.works, own.decay.kept(x), x);
    }
  }
  return any;
}

/// One step of Rule for the parameters of one span, with the arguments of sixteen networks.
template <class Rule, class T>
SIMDNN_NOINLINE void update_lanes(const UpdateSpan<T>& span, const UpdateStep* steps) {
  using Step = typename Rule::template Step<T>;
  LaneConstants<Step, T> constants;
  for (int l = 0; l < kLanes; ++l) constants.set(l, Step(steps[l]));
  T* const slots[kMaxSlots] = {span.slots[0], span.slots[1], span.slots[2]};
  for (Index i = 0; i < span.size; i += kLanes) {
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      T x = span.p[i + l];
      constants.of(l)(x, span.g[i + l], slots, i + l);
      span.p[i + l] = x;
    }
  }
}

/// One step of all spans by the update of a rule.
template <class T>
void update_spans(const UpdateSpan<T>* spans, Index count, const UpdateStep* steps, LaneUpdate<T> update, T* adjusted) {
  for (Index s = 0; s < count; ++s) {
    UpdateSpan<T> span = spans[s];
    if (prepare_lanes(span, steps, adjusted)) span.g = adjusted;
    update(span, steps);
  }
}

SIMDNN_LEVEL_END
