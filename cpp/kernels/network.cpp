// Matrix products and what is done to their tiles.
#include "../loops/learned.hpp"
#include "../loops/post_ops.hpp"
#include "../loops/product.hpp"
#include "../ops/activations.hpp"
#include "part.hpp"

SIMDNN_LEVEL_BEGIN

template <class T, class Registry>
struct Tiles;

template <class T, class... Op>
struct Tiles<T, List<Op...>> {
  template <class One>
  static constexpr LearnedTiles<T> learned_of() {
    if constexpr (has_parameter_derivative<One>) {
      return {learned_value<One, T>, learned_backward<One, T>};
    } else {
      return {};
    }
  }
  static constexpr LearnedTiles<T> learned[] = {learned_of<Op>()...};
  static constexpr ActivationTiles<T> tiles[] = {{infer_tile<Op, T>, train_tile<Op, T>, backward_tile<Op, T>}...};
};

template <class T>
void fill(TypedKernels<T>& kernels) {
  kernels.product = product<T>;
  kernels.transpose = transpose<T>;
  kernels.activations = Tiles<T, Activations>::tiles;
  kernels.learned = Tiles<T, Activations>::learned;
}

SIMDNN_LEVEL_END

void simdnn::SIMDNN_OF_LEVEL(network_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  fill(kernels.single);
  fill(kernels.real);
}
