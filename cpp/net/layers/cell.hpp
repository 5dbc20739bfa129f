// Kinds of recurrent cells: where gates stand in a row of a time step, and where in the weights.
#pragma once

#include <string>
#include <vector>

#include "../../base/find_by_name.hpp"
#include "../../base/views.hpp"

namespace simdnn {

/// Gates that lie side by side in a row and in a weight; counted in gates.
struct GateRange {
  int row, weight, count;
  bool added = true;  ///< the input's product is added to the state's
};

/// What there is to a cell beside its kernels. The state's product, over all gates that it reaches, comes first.
struct Cell {
  const char* name;
  int row_gates;     ///< in a row
  int weight_gates;  ///< in a weight
  int state_row;     ///< the first gate of a row that the state's product reaches; the input's begin at 0
  bool memory;       ///< whether a state has a second half
  std::vector<GateRange> input;
};

/// In the order of CellKind.
inline const Cell kCells[kCellKinds] = {
    {"rnn", 1, 1, 0, false, {{0, 0, 1}}},
    {"lstm", 4, 4, 0, true, {{0, 0, 4}}},
    {"gru", 4, 3, 1, false, {{1, 0, 2}, {0, 2, 1, false}}},  // row [n of x, r, z, n of h], weights [r, z, n]
};

inline CellKind cell_of(const std::string& name) {
  return CellKind(find_by_name("cell", name, kCellKinds, [](int i) { return kCells[i].name; }));
}

}  // namespace simdnn
