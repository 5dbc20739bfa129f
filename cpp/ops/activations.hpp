// The list of activations. A new one is a struct in one of the included files and its name in this list.
//
// Parameters follow x in the arguments. Inlined into one loop, f(x) and f'(x) share their exponential and division. NaN
// gives NaN everywhere. The ULP bounds hold where the exact result is normal; a subnormal result is within one
// subnormal spacing of the exact one.
#pragma once

#include "../base/list.hpp"
#include "exponential.hpp"
#include "gated.hpp"
#include "piecewise.hpp"

SIMDNN_LEVEL_BEGIN

using Activations = List<Identity, Relu, LeakyRelu, Relu6, HardTanh, HardSigmoid, HardSwish, Softsign, BinaryStep,
                         Sigmoid, Tanh, Elu, Selu, Celu, Softplus, LogSigmoid, Silu, Swish, Mish, Gelu, GeluTanh>;

SIMDNN_LEVEL_END
