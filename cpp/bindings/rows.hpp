// Softmax and its kin as inner loops of gufuncs.
#pragma once

#include <vector>

#include "../kernels.hpp"

namespace simdnn {

/// As NumPy declares it.
using RowLoop = void (*)(char** args, const Index* dims, const Index* steps, void* data);

struct RowUfunc {
  const char* name;
  const char* signature;
  int inputs;
  RowLoop loops[kStorages];
};

/// Softmax and its kin twice: with a temperature as the last input and, under the name `..._default`, without.
std::vector<RowUfunc> row_ufuncs();

}  // namespace simdnn
