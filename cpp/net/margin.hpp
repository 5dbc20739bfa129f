// The margin of a network's last logits: what it does before the loss, and to the gradients after it.
#pragma once

#include <string>
#include <vector>

#include "../base/views.hpp"
#include "buffer.hpp"

namespace simdnn {

/// A kind of margin, and what its paper sets.
struct MarginVariant {
  const char* name;
  MarginLaw law;
  bool feature_norm, weight_norm;
  double scale, margin;
  double highest;  ///< margins are integers from 1 to it (angular), or numbers from 0 up to but not including it
};

/// nullptr if there is no such variant.
const MarginVariant* find_margin(const std::string& name);
std::string margin_names();

/// lambda(t) = max(minimum, base (1 + gamma t)^-power). The paper leaves the schedule open; this is its authors'
/// code's.
struct Annealing {
  double base = 0, gamma = 0, minimum = 0;
  int power = 0;

  double at(std::int64_t step) const;
};

struct Margin {
  MarginShape shape;
  Annealing lambda;

  Margin(const MarginVariant& variant, double margin, double scale, const Annealing& annealing);
};

/// The margin in the logits of a last layer z = x W, for up to a number of rows.
template <class T>
class MarginLogits {
 public:
  MarginLogits(const Margin& margin, Index rows, Index inputs, Index classes);

  /// Before the rows of a step, counted from 0.
  void begin(const T* weight, std::int64_t step);

  /// The logits of z, in a matrix of its shape.
  void logits(const Matrix<const T>& x, const Matrix<const T>& z, const std::int64_t* classes, const Matrix<T>& out);

  /// Turns the gradient of these logits into that of z; returns what is added to the gradient by x.
  Matrix<const T> backward(const Matrix<const T>& x, const Matrix<const T>& z, const std::int64_t* classes,
                           const Matrix<T>& gradient);

  /// After all rows: adds what the gradient by the weight lacks.
  void finish(const T* weight, T* gradient) const;

 private:
  MarginRows<T> margin_rows(const Matrix<const T>& z, const std::int64_t* classes, const Matrix<T>& out);

  Margin margin_;
  Index inputs_;
  std::vector<double> feature_norm_, weight_norm_, feature_norm_gradient_, weight_norm_gradient_;
  Buffer<T> extra_gradient_;
};

}  // namespace simdnn
