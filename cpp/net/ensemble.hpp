// An ensemble: the weighted mean of its members' outputs, and their standard deviation.
#pragma once

#include "predictions.hpp"

namespace simdnn {

/// Networks with inputs and outputs of one shape. The mean adds the members' outputs in their order, in double.
template <class T>
struct Ensemble {
  std::vector<Inference<T>> members;
  std::vector<double> weights;  ///< a member of weight 0 takes no part in the mean
  bool probabilities = false;   ///< members' outputs are logits: softmax or, of a single one, sigmoid comes first

  /// Writes the outputs of member i to out + i * stride.
  void predict_members(const Matrix<const T>& x, Index time_steps, T* out, Index stride, int threads,
                       const StopToken& stop) const;

  /// Writes the mean over members and, unless it is nullptr, the standard deviation.
  void predict(const Matrix<const T>& x, Index time_steps, T* mean, T* deviation, int threads,
               const StopToken& stop) const;

  /// Estimated time of a prediction.
  Nanoseconds work(Index samples, Index time_steps) const;

 private:
  Index outputs_of(Index time_steps) const;
  Index block_rows(Index rows, Index outputs) const;
};

}  // namespace simdnn
