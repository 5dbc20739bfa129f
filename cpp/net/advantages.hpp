// Generalized advantage estimation over the steps of environments that are played side by side.
#pragma once

#include "../base/matrix.hpp"

namespace simdnn {

/// Arrays [steps, environments]; `last` [environments] values the states after the last step.
template <class T>
struct Rollout {
  const T *reward, *value, *last;
  const bool* done;  ///< the episode ended with this step
  Index steps, environments;
};

/// A_t = d_t + gamma lambda A_(t+1) and d_t = r_t + gamma V_(t+1) - V_t, where an ended episode has no t + 1.
template <class T>
void estimate_advantages(const Rollout<T>& rollout, T gamma, T lambda, T* advantage) {
  const Index width = rollout.environments;
  const T decay = gamma * lambda;
  for (Index step = rollout.steps; step-- > 0;) {
    const bool last = step + 1 == rollout.steps;
    const Index begin = step * width;
    const T* const next = last ? rollout.last : rollout.value + begin + width;
    for (Index i = 0; i < width; ++i) {
      const bool done = rollout.done[begin + i];
      const T after = done ? T(0) : next[i];
      const T later = last || done ? T(0) : advantage[begin + width + i];
      const T difference = rollout.reward[begin + i] + gamma * after - rollout.value[begin + i];
      advantage[begin + i] = difference + decay * later;
    }
  }
}

}  // namespace simdnn
