// A list of types: the form of every registry.
#pragma once

namespace simdnn {

template <class... Items>
struct List {};

}  // namespace simdnn
