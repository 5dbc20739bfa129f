// Fills the table's matrix products and their post-ops.
#include "../loops/post_ops.hpp"
#include "../loops/product.hpp"
#include "../loops/trainable_activation.hpp"
#include "../ops/activations.hpp"
#include "part.hpp"

SIMDNN_LEVEL_BEGIN

template <class T, class Registry>
struct Tiles;

template <class T, class... Op>
struct Tiles<T, List<Op...>> {
  template <class One>
  static constexpr TrainableTiles<T> trainable_of() {
    if constexpr (has_parameter_derivative<One>) {
      return {trainable_value<One, T>, trainable_backward<One, T>};
    } else {
      return {};
    }
  }
  static constexpr TrainableTiles<T> trainable[] = {trainable_of<Op>()...};
  static constexpr ActivationTiles<T> tiles[] = {{infer_tile<Op, T>, train_tile<Op, T>, backward_tile<Op, T>}...};
};

template <class T>
void fill(TypedKernels<T>& kernels) {
  kernels.product = product<T>;
  kernels.transpose = transpose<T>;
  kernels.activations = Tiles<T, Activations>::tiles;
  kernels.trainable = Tiles<T, Activations>::trainable;
}

SIMDNN_LEVEL_END

void simdnn::SIMDNN_OF_LEVEL(network_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  fill(kernels.f32);
  fill(kernels.f64);
}
