// Fills the table's kernels of sixteen networks in lanes.
#include "../loops/lane_losses.hpp"
#include "../loops/lane_product.hpp"
#include "../loops/lane_update.hpp"
#include "../loops/losses.hpp"
#include "lane_table.hpp"
#include "part.hpp"

SIMDNN_LEVEL_BEGIN

static_assert(kLaneGroup == kLanes);

template <class T>
constexpr auto kLaneUpdates =
    table_of<LaneUpdate<T>>(Rules{}, []<class Rule>(List<Rule>) { return LaneUpdate<T>(update_lanes<Rule, T>); });

/// The losses that are computed in lanes, which float alone gets: others are the smaller part of a step in double.
template <class Loss, class T>
constexpr LaneLossFunction<T> lane_loss() {
  if constexpr (!kIsF32<T>) {
    return nullptr;
  } else if constexpr (__is_same(Loss, CrossEntropy)) {
    return LaneCrossEntropy<T>::rows;
  } else if constexpr (requires { Loss::template rows<T>; }) {
    return nullptr;
  } else {
    return pointwise_lanes<Loss, T>;
  }
}

template <class T>
constexpr auto kLaneLosses =
    table_of<LaneLossFunction<T>>(Losses{}, []<class Loss>(List<Loss>) { return lane_loss<Loss, T>(); });

template <class T>
void to_lanes(const T* const* rows, Index columns, T* to) {
  rows_to_lanes(rows, columns, to);
}
template <class T>
void from_lanes(const T* from, Index columns, T* const* rows) {
  lanes_to_rows(from, columns, rows);
}

template <class T>
const LaneKernels<T>* lane_table() {
  if constexpr (kEmulatedFma) {
    return nullptr;
  } else {
    static constexpr LaneKernels<T> table{
        kWidth<T>,       lane_product<T>,         to_lanes<T>,           from_lanes<T>,
        update_spans<T>, kLaneUpdates<T>.entries, kLaneLosses<T>.entries};
    return &table;
  }
}

SIMDNN_LEVEL_END

void simdnn::SIMDNN_OF_LEVEL(lane_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  kernels.f32.lanes = lane_table<float>();
  kernels.f64.lanes = lane_table<double>();
}
