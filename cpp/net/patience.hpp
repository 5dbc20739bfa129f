// The count of epochs without improvement that ends a training early.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace simdnn {

/// Epochs without improvement of a metric, by the rule of Keras or by that of scikit-learn.
struct Patience {
  std::int64_t patience = -1;  ///< epochs without improvement that end the training; -1: no limit
  double min_delta = 0;        ///< smallest change that counts as an improvement
  bool maximize = false;       ///< larger values are better
  bool like_sklearn = false;   ///< every better value becomes the best; improvements are at least min_delta
  bool keep_last = false;      ///< a value equal to the best one takes its place, without being an improvement

  double best = maximize ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  std::int64_t waited = 0;  ///< epochs since the last improvement

  /// Observes the value after an epoch; returns true if its epoch becomes the best. NaN is never an improvement.
  bool observe(double value) {
    const double sign = maximize ? 1 : -1, height = sign * value, level = sign * best;
    const bool better = height > (like_sklearn ? level : level + min_delta);
    const bool stalled = like_sklearn ? height < level + min_delta : !better;
    waited = stalled ? waited + 1 : 0;
    if (better) best = value;
    return better || (keep_last && std::isfinite(value) && value == best);
  }

  /// True after too many epochs without improvement.
  bool over() const {
    if (patience < 0) return false;
    return like_sklearn ? waited > patience : waited >= (patience > 1 ? patience : 1);
  }
};

}  // namespace simdnn
