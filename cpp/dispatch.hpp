// The one choice of an instruction-set level, made at import.
#pragma once

#include <string>
#include <vector>

#include "kernels.hpp"

namespace simdnn {

/// Chooses the widest level of this CPU, or the one that SIMDNN_ISA names.
/// Throws std::runtime_error, naming what is allowed, for an unknown level or one that the CPU lacks.
void choose_level();

/// The chosen table of kernels.
const Kernels& kernels();

template <class T>
const TypedKernels<T>& typed_kernels() {
  return kernels().typed<T>();
}

/// Levels that both this build and this CPU have, narrowest first.
std::vector<std::string> available_levels();

}  // namespace simdnn
