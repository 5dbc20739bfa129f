// The list of layers: a new one adds its name here.
#pragma once

#include "../base/list.hpp"
#include "layers/activation.hpp"
#include "layers/alpha_dropout.hpp"
#include "layers/batch_norm.hpp"
#include "layers/concatenate.hpp"
#include "layers/crelu.hpp"
#include "layers/dense.hpp"
#include "layers/dropout.hpp"
#include "layers/embedding.hpp"
#include "layers/layer_norm.hpp"
#include "layers/maxout.hpp"
#include "layers/piecewise_linear.hpp"
#include "layers/recurrent.hpp"
#include "layers/residual.hpp"
#include "layers/rrelu.hpp"
#include "layers/softmax.hpp"
#include "layers/straight_through.hpp"
#include "layers/trainable_activation.hpp"

namespace simdnn {

using LayerSpecs = List<ActivationSpec, AlphaDropoutSpec, BatchNormSpec, ConcatenateSpec, CReluSpec, DenseSpec,
                        DropoutSpec, EmbeddingSpec, LayerNormSpec, MaxoutSpec, PiecewiseLinearSpec, RecurrentSpec,
                        ResidualSpec, RReLUSpec, SoftmaxSpec, StraightThroughSpec, TrainableActivationSpec>;

}  // namespace simdnn
