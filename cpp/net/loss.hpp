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
  std::vector<double> class_weight;  ///< weight of a class in the divisor of the mean; empty: ones
  std::vector<double> class_scale;   ///< factor of a class's loss: class_weight times a focal alpha; empty: ones
  double factor = 1;                 ///< factor of every loss: a focal alpha for all classes
  std::int64_t ignore_index = -100;
  std::optional<Margin> margin;  ///< margin in the logits, in training alone

  const LossDescription& info() const { return *kernels().losses[index]; }

  /// Weight of a sample of a class in the mean; an ignored class has none.
  double weight_of(std::int64_t cls) const {
    if (cls < 0) return 0;
    return class_weight.empty() ? 1.0 : class_weight[std::size_t(cls)];
  }

  /// Adds the weights of `count` samples to the divisor of their mean loss: the sum of their weights, times the weights
  /// of their classes where these are the only targets. nullptr for `weight`: ones. Numbers are `stride` apart.
  template <class T>
  void add_to_divisor(const std::int64_t* classes, bool has_values, const T* weight, Index count, double& divisor,
                      Index stride = 1) const {
    const bool by_class = classes && !has_values;
    if (weight == nullptr && (!by_class || class_weight.empty())) {  // a count, which is faster than a sum
      Index counted = by_class ? 0 : count;
      for (Index i = 0; by_class && i < count; ++i) counted += classes[i * stride] >= 0;
      divisor += double(counted);
      return;
    }
    for (Index i = 0; i < count; ++i) {
      const double own = by_class ? weight_of(classes[i * stride]) : 1.0;
      divisor += weight ? double(weight[i * stride]) * own : own;
    }
  }

  /// Rows of a batch with the settings of this loss.
  template <class T>
  LossRows<T> rows(const Matrix<const T>& output, const std::int64_t* classes, const Matrix<const T>& values,
                   const T* row_weight) const {
    return {.output = output,
            .classes = classes,
            .values = values,
            .row_weight = row_weight,
            .parameters = parameters.data(),
            .class_scale = class_scale.empty() ? nullptr : class_scale.data(),
            .factor = factor};
  }
};

}  // namespace simdnn
