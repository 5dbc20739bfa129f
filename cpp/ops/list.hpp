// A list of types: the form of every registry.
#pragma once

#include "../math/level.hpp"

SIMDNN_LEVEL_BEGIN

template <class... Items>
struct List {};

SIMDNN_LEVEL_END
