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

/// What comes before the rule.
template <class T>
struct BeforeRule {
  Adjust<T> adjust;
  WeightDecay<T> decay;
};

/// The work before the rule for the parameters of one span: `adjusted` receives the gradients that the rule takes.
template <class T>
SIMDNN_NOINLINE void prepare_lanes(const UpdateSpan<T>& span, const UpdateStep* steps, UpdateExtras extras,
                                   T* adjusted) {
  LaneConstants<BeforeRule<T>, T> constants;
  for (int l = 0; l < kLanes; ++l) {
    const Adjustment& given = steps[l].adjustment;
    constants.set(l, {Adjust<T>(span.penalized ? given : given.without_penalties()), WeightDecay<T>(steps[l].hypers)});
  }
  for (Index i = 0; i < span.size; i += kLanes) {
    if (extras == kEverything) {
      SIMDNN_VECTORIZE
      for (int l = 0; l < kLanes; ++l) adjusted[i + l] = constants.of(l).adjust(span.g[i + l], span.p[i + l]);
    } else {
      copy_block(span.g + i, adjusted + i);
    }
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      const WeightDecay<T> decay = constants.of(l).decay;
      adjusted[i + l] = decay.gradient(span.p[i + l], adjusted[i + l]);
      span.p[i + l] = decay.kept(span.p[i + l]);
    }
  }
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

/// One step of all spans by the update of a rule. The steps' arguments differ in numbers alone: all have decay or a
/// change of the gradient, or none.
template <class T>
void update_spans(const UpdateSpan<T>* spans, Index count, const UpdateStep* steps, LaneUpdate<T> update, T* adjusted) {
  for (Index s = 0; s < count; ++s) {
    UpdateSpan<T> span = spans[s];
    const Adjustment& given = steps[0].adjustment;
    const bool adjusts = !(span.penalized ? given : given.without_penalties()).none();
    const UpdateExtras extras = adjusts ? kEverything : steps[0].hypers[kWeightDecay] != 0 ? kDecay : kNothing;
    if (extras != kNothing) {
      prepare_lanes(span, steps, extras, adjusted);
      span.g = adjusted;
    }
    update(span, steps);
  }
}

SIMDNN_LEVEL_END
