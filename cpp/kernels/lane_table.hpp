// The table of kernels that train sixteen equal networks at once, one in each virtual lane.
#pragma once

#include "../base/lane_views.hpp"
#include "../kernels.hpp"

namespace simdnn {

/// Kernels of one precision.
template <class T>
struct LaneKernels {
  Index width;  ///< lanes of a register
  void (*product)(const LaneProduct<T>&);
  /// Transposes sixteen rows to a row of blocks [columns, lanes], and back.
  void (*rows_to_lanes)(const T* const* rows, Index columns, T* to);
  void (*lanes_to_rows)(const T* from, Index columns, T* const* rows);
  /// One step by a rule, with changes of the gradient and decay before it. `adjusted` has room for the gradients of the
  /// longest span.
  void (*update)(const UpdateSpan<T>* spans, Index count, const UpdateStep* steps, LaneUpdate<T> rule, T* adjusted);
  const LaneUpdate<T>* updates;
  const LaneLossFunction<T>* losses;  ///< nullptr for losses that are computed row by row alone
};

}  // namespace simdnn
