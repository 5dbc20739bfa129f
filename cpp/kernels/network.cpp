// Matrix products and what is done to their tiles.
#include "../loops/map.hpp"
#include "../loops/product.hpp"
#include "../ops/activations.hpp"
#include "part.hpp"

SIMDNN_LEVEL_BEGIN

template <class T, class Registry>
struct Tiles;

template <class T, class... Op>
struct Tiles<T, List<Op...>> {
  static constexpr ActivationTiles<T> tiles[] = {{infer_tile<Op, T>, train_tile<Op, T>, backward_tile<Op, T>}...};
};

template <class T>
void fill(TypedKernels<T>& kernels) {
  kernels.product = product<T>;
  kernels.activations = Tiles<T, Activations>::tiles;
}

SIMDNN_LEVEL_END

void simdnn::SIMDNN_OF_LEVEL(network_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  fill(kernels.single);
  fill(kernels.real);
}
