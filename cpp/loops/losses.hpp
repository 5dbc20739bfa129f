// The list of losses that a network can be trained on.
#pragma once

#include "../base/list.hpp"
#include "../ops/pointwise_losses.hpp"
#include "cross_entropy.hpp"
#include "row_losses.hpp"

SIMDNN_LEVEL_BEGIN

using Losses = List<CrossEntropy, NegativeLogLikelihood, Distillation, BinaryCrossEntropy, BinaryCrossEntropyWithLogits,
                    Hinge, SquaredHinge, Mse, L1, Huber, SmoothL1, LogCosh, Quantile, Poisson, KlDivergence>;

SIMDNN_LEVEL_END
