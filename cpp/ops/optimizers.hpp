// The list of update rules, and the change of a gradient before its rule.
#pragma once

#include "../base/list.hpp"
#include "rules/adam_family.hpp"
#include "rules/descent.hpp"
#include "rules/scaled.hpp"

SIMDNN_LEVEL_BEGIN

/// Adjusted gradient: clip(scale g, limit) + l1 sign(p) + l2 p.
template <class T>
struct Adjust {
  T scale, limit, l1, l2, least;

  explicit Adjust(const Adjustment& a)
      : scale(T(a.scale)), limit(T(a.limit)), l1(T(a.l1)), l2(T(a.l2)), least(least_times<T>(a.scale)) {}
  SIMDNN_INLINE T operator()(T g, T p) const {
    g = flush_below(least, g) * scale;
    g = g > limit ? limit : g;
    g = g < -limit ? -limit : g;
    return fma(l2, p, fma(l1, sign(p), g));
  }
};

using Rules = List<Sgd, Momentum, Lion, Adagrad, RmsProp<false, false>, RmsProp<false, true>, RmsProp<true, false>,
                   RmsProp<true, true>, Adadelta, Adam<false>, Adam<true>, NAdam, RAdam, Adamax>;

SIMDNN_LEVEL_END
