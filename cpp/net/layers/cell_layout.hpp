// Kinds of recurrent cells: the positions of their gates in a row of a time step and in the weights.
#pragma once

#include <vector>

#include "../../base/views.hpp"

namespace simdnn {

/// A range of gates that are adjacent in a row and in a weight; positions count gates.
struct GateRange {
  int row, weight, count;
  bool added = true;  ///< x W_ih is added to h W_hh; false: kept apart
};

/// The layout of a cell. The product h W_hh is computed first, for all gates that it reaches.
struct Cell {
  const char* name;
  int row_gates;                 ///< gates in a row
  int weight_gates;              ///< gates in a weight
  int state_row;                 ///< first gate of a row that h W_hh reaches; those of x W_ih begin at 0
  bool memory;                   ///< a state is [h, c], as in an LSTM, instead of [h]
  std::vector<GateRange> input;  ///< ranges that x W_ih reaches
};

/// The cells, in the order of CellKind.
inline const Cell kCells[kCellKinds] = {
    {"rnn", 1, 1, 0, false, {{0, 0, 1}}},
    {"lstm", 4, 4, 0, true, {{0, 0, 4}}},
    {"gru", 4, 3, 1, false, {{1, 0, 2}, {0, 2, 1, false}}},  // row [n of x, r, z, n of h], weights [r, z, n]
};

/// The names of the cells, in the order of CellKind.
inline std::vector<const char*> cell_names() {
  std::vector<const char*> names;
  for (const Cell& cell : kCells) names.push_back(cell.name);
  return names;
}

}  // namespace simdnn
