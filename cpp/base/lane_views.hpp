// Arguments of kernels that train sixteen equal networks at once, one in each virtual lane.
//
// A lane matrix [rows, columns] holds a block of sixteen numbers, one of each network, for each of its elements.
#pragma once

#include "views.hpp"

namespace simdnn {

/// Networks in a group, which is the number of virtual lanes at every level.
constexpr Index kLaneGroup = 16;

/// Lanes as bits of a number.
using LaneMask = std::uint32_t;
constexpr LaneMask kAllLanes = (LaneMask(1) << kLaneGroup) - 1;

/// c [rows, columns] = c_init + a [rows, depth] b [depth, columns] in each lane: each element is one chain of FMAs in
/// the order of k. The views' strides count blocks of sixteen lanes.
template <class T>
struct LaneProduct {
  Operand<T> a = {}, b = {};
  Matrix<const T> c_init = {};  ///< empty: zeros; or one row, broadcast; may be c itself
  Matrix<T> c = {};
  Index lanes = kLaneGroup;  ///< the first lanes, which are computed; others may be too
};

/// Outputs of a network in each lane, with their targets: LossRows in lanes.
template <class T>
struct LaneLossRows {
  Index rows = 0, columns = 0;
  const T* output = nullptr;              ///< lane matrix [rows, columns]
  const std::int64_t* classes = nullptr;  ///< [rows, lanes]; a negative class is ignored
  const T* values = nullptr;              ///< lane matrix [rows, columns]
  const T* row_weight = nullptr;          ///< [rows, lanes]; nullptr: ones
  const double* parameters = nullptr;
  const double* class_scale = nullptr;  ///< a factor for each column; nullptr: ones
  const double* scale = nullptr;        ///< [lanes]
  double factor = 1;
  T* gradient = nullptr;  ///< lane matrix; nullptr: only the loss is computed
  double* row_loss = nullptr;
  std::uint8_t* row_correct = nullptr;
};

/// Computes the losses of rows in lanes. Returns the lanes whose results are worthless, because their losses must be
/// computed row by row.
template <class T>
using LaneLossFunction = LaneMask (*)(const LaneLossRows<T>&);

/// One step of an update rule in place, with the arguments of sixteen networks; the span is in lanes.
template <class T>
using LaneUpdate = void (*)(const UpdateSpan<T>& span, const UpdateStep* steps);

}  // namespace simdnn
