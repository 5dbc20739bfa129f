// The loop of an optimizer step of a network in each virtual lane, with the arguments of each.
#pragma once

#include "../lane_kernels.hpp"
#include "update.hpp"

SIMDNN_LEVEL_BEGIN

/// The numbers of an update that are constant during a step.
template <class Rule, class T>
struct UpdateConstants {
  typename Rule::template Step<T> step;
  Adjust<T> adjust;
  WeightDecay<T> decay;
};

/// The constants of sixteen networks, transposed: number i of all is one block, so that the loop loads it as a vector.
template <class Rule, class T>
struct LaneConstants {
  using One = UpdateConstants<Rule, T>;
  static constexpr int kNumbers = int(sizeof(One) / sizeof(T));
  static_assert(sizeof(One) % sizeof(T) == 0);

  T at[kNumbers][kLanes];

  LaneConstants(const UpdateStep* steps, bool penalized) {
    for (int l = 0; l < kLanes; ++l) {
      const UpdateStep& args = steps[l];
      const One one{typename Rule::template Step<T>(args),
                    Adjust<T>(penalized ? args.adjustment : args.adjustment.without_penalties()),
                    WeightDecay<T>(args.hypers)};
      T numbers[kNumbers];
      __builtin_memcpy(numbers, &one, sizeof one);
      for (int i = 0; i < kNumbers; ++i) at[i][l] = numbers[i];
    }
  }

  /// The constants of one network.
  SIMDNN_INLINE One of(int l) const {
    T numbers[kNumbers];
    unroll<kNumbers>([&](int i) SIMDNN_LAMBDA_INLINE { numbers[i] = at[i][l]; });
    return __builtin_bit_cast(One, numbers);
  }
};

/// A choice between two numbers by a mask of all bits or none, which compilers leave in the loop.
template <class T>
SIMDNN_INLINE T choose(typename Bits<T>::type mask, T yes, T no) {
  return from_bits<T>((to_bits(yes) & mask) | (to_bits(no) & ~mask));
}

/// One step for the parameters of one span; without `kExtras` there is no work before the rule.
template <bool kExtras, class Rule, class T>
SIMDNN_NOINLINE void update_lanes(const UpdateSpan<T>& span, const LaneConstants<Rule, T>& constants,
                                  [[maybe_unused]] UpdateExtras extras) {
  using Word = typename Bits<T>::type;
  T* const slots[kMaxSlots] = {span.slots[0], span.slots[1], span.slots[2]};
  [[maybe_unused]] const Word adjusts = extras == kEverything ? ~Word(0) : 0;
  for (Index i = 0; i < span.size; i += kLanes) {
    SIMDNN_VECTORIZE
    for (int l = 0; l < kLanes; ++l) {
      const UpdateConstants<Rule, T> own = constants.of(l);
      T x = span.p[i + l];
      T d = span.g[i + l];
      if constexpr (kExtras) {
        d = choose(adjusts, own.adjust(d, x), d);
        d = own.decay.gradient(x, d);
        x = own.decay.kept(x);
      }
      own.step(x, d, slots, i + l);
      span.p[i + l] = x;
    }
  }
}

/// The work before the rule, of which all networks need the same.
inline UpdateExtras extras_of(const UpdateStep& args, bool penalized) {
  const Adjustment adjustment = penalized ? args.adjustment : args.adjustment.without_penalties();
  return !adjustment.none() ? kEverything : args.hypers[kWeightDecay] != 0 ? kDecay : kNothing;
}

/// One step of Rule, in place, with the arguments of sixteen networks.
template <class Rule, class T>
void update_lanes(const UpdateSpan<T>* spans, Index count, const UpdateStep* steps) {
  for (Index s = 0; s < count; ++s) {
    const LaneConstants<Rule, T> constants(steps, spans[s].penalized);
    const UpdateExtras extras = extras_of(steps[0], spans[s].penalized);
    if (extras == kNothing) {
      update_lanes<false>(spans[s], constants, extras);
    } else {
      update_lanes<true>(spans[s], constants, extras);
    }
  }
}

SIMDNN_LEVEL_END
