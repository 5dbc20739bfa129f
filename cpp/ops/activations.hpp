// The list of activations. Adding one is a struct in one of these files and its name here.
//
// Parameters follow x in the arguments. f and f' of one x share their exponential and division when inlined into one
// loop. NaN gives NaN everywhere; the ULP bounds hold where the exact result is normal, below it errors stay within one
// subnormal.
#pragma once

#include "../base/list.hpp"
#include "exponential.hpp"
#include "gated.hpp"
#include "piecewise.hpp"

SIMDNN_LEVEL_BEGIN

using Activations = List<Identity, Relu, LeakyRelu, Relu6, HardTanh, HardSigmoid, HardSwish, Softsign, BinaryStep,
                         Sigmoid, Tanh, Elu, Selu, Celu, Softplus, LogSigmoid, Silu, Swish, Mish, Gelu, GeluTanh>;

SIMDNN_LEVEL_END
