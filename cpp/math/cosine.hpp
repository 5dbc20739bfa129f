// cos(pi x) for schedules, with equal bits on every machine, unlike a libm's cos.
#pragma once

#include "../simd/level.hpp"

SIMDNN_LEVEL_BEGIN

/// cos(pi x) for 0 <= x <= 1, exact at 0, 1/2 and 1. Taylor's series on [0, 1/4]; max error 1.5 ULP.
inline double cos_pi(double x) {
  constexpr double pi = 0x1.921fb54442d18p1;
  const bool mirrored = x > 0.5;
  if (mirrored) x = 1 - x;
  const bool complement = x > 0.25;
  const double t = pi * (complement ? 0.5 - x : x), t2 = t * t;
  // sin t = t (1 - t^2/(2 3) (1 - t^2/(4 5) ...)), cos t = 1 - t^2/(1 2) (1 - t^2/(3 4) ...)
  double rest = 0;
  for (int k = complement ? 17 : 18; k > 1; k -= 2) rest = (rest + 1) * (-t2 / double(k * (k - 1)));
  const double y = complement ? fma(t, rest, t) : 1 + rest;
  return mirrored ? -y : y;
}

SIMDNN_LEVEL_END
