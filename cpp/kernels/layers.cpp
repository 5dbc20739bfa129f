// Fills the table's functions of layers, apart from matrix products and activations.
#include "../loops/batch_norm.hpp"
#include "../loops/blend.hpp"
#include "../loops/cast.hpp"
#include "../loops/crelu.hpp"
#include "../loops/dropout.hpp"
#include "../loops/layer_norm.hpp"
#include "../loops/maxout.hpp"
#include "../loops/piecewise_linear.hpp"
#include "../loops/recurrent_cells.hpp"
#include "part.hpp"

SIMDNN_LEVEL_BEGIN

template <class T>
constexpr LayerKernels<T> kLayerKernels = {
    .add = add<T>,
    .flush = flush_tile<T>,
    .multiply = multiply_tile<T>,
    .narrow_gradients = narrow_gradients<T>,
    .cast = cast<T>,
    .dropout = dropout<T>,
    .bernoulli = bernoulli<T>,
    .difference = difference<T>,
    .move_towards = move_towards<T>,
    .maxout_winners = maxout_winners<T>,
    .cells = {{cell_forward<Rnn, T>, cell_backward<Rnn, T>},
              {cell_forward<Lstm, T>, cell_backward<Lstm, T>},
              {cell_forward<Gru, T>, cell_backward<Gru, T>}},
    .alpha_dropout = alpha_dropout<T>,
    .rrelu = rrelu<T>,
    .straight_through = straight_through<T>,
    .crelu = crelu<T>,
    .crelu_backward = crelu_backward<T>,
    .norm = {column_moments<T>, norm_factors<T>, scale_columns_to<T>, add_column_products<T>,
             batch_norm_backward_coefficients<T>, batch_norm_backward<T>, layer_norm<T>, layer_norm_backward<T>},
    .piecewise = {piecewise_forward<T>, piecewise_weight_gradient<T>, piecewise_position_gradient<T>},
};

SIMDNN_LEVEL_END

void simdnn::SIMDNN_OF_LEVEL(layer_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  kernels.f32.layers = kLayerKernels<float>;
  kernels.f64.layers = kLayerKernels<double>;
  kernels.all_within_float = all_within_float;
}
