// Inner loops of gufuncs over rows: softmax, log-softmax, log-sum-exp, entropy and their backward passes.
#pragma once

#include <vector>

#include "../kernels.hpp"

namespace simdnn {

/// An inner loop, as NumPy declares it.
using RowLoop = void (*)(char** args, const Index* dims, const Index* steps, void* data);

/// A gufunc over rows, as NumPy registers it.
struct RowUfunc {
  const char* name;
  const char* signature;
  int inputs;
  RowLoop loops[kStorages];
};

/// All gufuncs over rows. Those with a temperature as the last input come twice: `..._default` has a temperature of 1.
std::vector<RowUfunc> row_ufuncs();

}  // namespace simdnn
