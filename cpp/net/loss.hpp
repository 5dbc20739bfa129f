// A loss of the registry and its settings.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "../dispatch.hpp"
#include "margin.hpp"

namespace simdnn {

struct Loss {
  int index = 0;
  std::vector<double> parameters;
  std::vector<double> class_weight;  ///< what a class counts in the mean; empty: ones
  std::vector<double> class_scale;   ///< what its loss is multiplied by: class_weight and focal alpha; empty: ones
  double factor = 1;                 ///< of every loss: a focal alpha for all classes
  std::int64_t ignore_index = -100;
  std::optional<Margin> margin;  ///< of the logits that the loss sees in training

  const LossDescription& info() const { return *kernels().losses[index]; }

  /// What a sample of a class adds to the divisor of the mean.
  double weight_of(std::int64_t cls) const {
    if (cls < 0) return 0;
    return class_weight.empty() ? 1.0 : class_weight[std::size_t(cls)];
  }

  /// What rows of a batch need of the settings.
  template <class T>
  void describe(LossRows<T>& rows) const {
    rows.parameters = parameters.data();
    rows.class_scale = class_scale.empty() ? nullptr : class_scale.data();
    rows.factor = factor;
  }
};

}  // namespace simdnn
