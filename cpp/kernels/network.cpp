// Fills the table's matrix products and their post-ops.
#include "../loops/post_ops.hpp"
#include "../loops/product.hpp"
#include "../loops/trainable_activation.hpp"
#include "../ops/activations.hpp"
#include "cache.hpp"
#include "part.hpp"

SIMDNN_LEVEL_BEGIN

template <class Op, class T>
constexpr TrainableTiles<T> trainable_tiles() {
  if constexpr (has_parameter_derivative<Op>) {
    return {trainable_value<Op, T>, trainable_backward<Op, T>};
  } else {
    return {};
  }
}

template <class T>
constexpr auto kTrainableTable =
    table_of<TrainableTiles<T>>(Activations{}, []<class Op>(List<Op>) { return trainable_tiles<Op, T>(); });
template <class T>
constexpr auto kTileTable = table_of<ActivationTiles<T>>(Activations{}, []<class Op>(List<Op>) {
  return ActivationTiles<T>{infer_tile<Op, T>, train_tile<Op, T>, backward_tile<Op, T>};
});

template <class T>
void fill(TypedKernels<T>& kernels) {
  kernels.product = first_level_cache() < 48 << 10 ? product<T, kStreamedPanels> : product<T, kResidentPanels>;
  kernels.transpose = transpose<T>;
  kernels.activations = kTileTable<T>.entries;
  kernels.trainable = kTrainableTable<T>.entries;
}

SIMDNN_LEVEL_END

void simdnn::SIMDNN_OF_LEVEL(network_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  fill(kernels.f32);
  fill(kernels.f64);
}
