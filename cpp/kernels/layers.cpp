// What layers do beside products and activations.
#include "../loops/blend.hpp"
#include "../loops/cast.hpp"
#include "../loops/cells.hpp"
#include "../loops/dropout.hpp"
#include "part.hpp"

SIMDNN_LEVEL_BEGIN

template <class T>
constexpr LayerKernels<T> kLayerKernels = {
    .add = add<T>,
    .multiply = multiply_tile<T>,
    .cast = cast<T>,
    .dropout = dropout<T>,
    .bernoulli = bernoulli<T>,
    .difference = difference<T>,
    .cells = {{cell_forward<Rnn, T>, cell_backward<Rnn, T>},
              {cell_forward<Lstm, T>, cell_backward<Lstm, T>},
              {cell_forward<Gru, T>, cell_backward<Gru, T>}},
};

SIMDNN_LEVEL_END

void simdnn::SIMDNN_OF_LEVEL(layer_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  kernels.single.layers = kLayerKernels<float>;
  kernels.real.layers = kLayerKernels<double>;
}
