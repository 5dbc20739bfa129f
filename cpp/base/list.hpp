// A list of types. Every registry of operations is one.
#pragma once

namespace simdnn {

template <class... Items>
struct List {};

}  // namespace simdnn
