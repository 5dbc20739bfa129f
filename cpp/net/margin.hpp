// The margin in a network's last logits: logits for the loss, and the gradients that come back from it.
#pragma once

#include <string>
#include <vector>

#include "../base/views.hpp"
#include "buffer.hpp"

namespace simdnn {

/// A kind of margin, with the settings of its paper.
struct MarginVariant {
  const char* name;
  MarginLaw law;
  bool feature_norm, weight_norm;
  double scale, margin;
  double highest;  ///< margins are integers from 1 to it (angular), or numbers from 0 up to but not including it
};

/// The variant of that name; throws std::invalid_argument if there is none.
const MarginVariant& find_margin(const std::string& name);

/// A margin, and the schedule of lambda, the weight of the logit without margin.
struct Margin {
  MarginShape shape;
  std::vector<SchedulePiece> lambda;

  Margin(const MarginVariant& variant, double margin, double scale, std::vector<SchedulePiece> schedule);
};

/// The margin in the logits of a last layer z = x W, for up to a number of rows.
template <class T>
class MarginLogits {
 public:
  MarginLogits(const Margin& margin, Index rows, Index inputs, Index classes);

  /// Prepares the margin of a step, counted from 0.
  void begin(const T* weight, std::int64_t step);

  /// The logits of z, in a matrix of its shape.
  void logits(const Matrix<const T>& x, const Matrix<const T>& z, const std::int64_t* classes, const Matrix<T>& out);

  /// Turns the gradient w.r.t. these logits into that w.r.t. z; returns an extra gradient w.r.t. x.
  Matrix<const T> backward(const Matrix<const T>& x, const Matrix<const T>& z, const std::int64_t* classes,
                           const Matrix<T>& gradient);

  /// Adds the extra gradient w.r.t. the weight to `gradient`, after all rows.
  void finish(const T* weight, T* gradient) const;

 private:
  MarginRows<T> margin_rows(const Matrix<const T>& z, const std::int64_t* classes, const Matrix<T>& out);

  Margin margin_;
  Index inputs_;
  std::vector<double> feature_norm_, weight_norm_, feature_norm_gradient_, weight_norm_gradient_;
  Buffer<T> extra_gradient_;
};

}  // namespace simdnn
