// Schedules in Python's form: a list of pieces (kind, first step, values).
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "../base/find_by_name.hpp"
#include "../dispatch.hpp"
#include "arrays.hpp"

namespace simdnn {

using Pieces = std::vector<std::tuple<std::string, double, std::vector<double>>>;

/// Raises unless the numbers of a piece are those of its kind, each in its range.
inline void check_piece(const ScheduleDescription& info, const std::vector<double>& values) {
  const std::string where = std::string("schedule: ") + info.name;
  if (values.size() != std::size_t(info.value_count())) {
    throw py::value_error(where + " has " + std::to_string(info.value_count()) + " numbers, got " +
                          std::to_string(values.size()));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const ScheduleValue& wanted = info.values[i];
    const double value = values[i];
    const bool whole = !wanted.whole || value == std::floor(value);
    const bool endless = info.value_count() == 1 && value == kUnbounded;  // a constant, as of an infinite annealing
    if ((std::isfinite(value) || endless) && value >= wanted.low && value <= wanted.high && whole) continue;
    std::string text = wanted.whole ? ": expected a whole number >= " : ": expected a finite number >= ";
    text += text_of(py::float_(wanted.low));
    if (wanted.high < kUnbounded) text += " and <= " + text_of(py::float_(wanted.high));
    throw py::value_error(where + ", " + wanted.name + text + ", got " + text_of(py::float_(value)));
  }
}

/// The checked pieces of a schedule. Each begins after the one before; the first may begin up to one step before step
/// 0, as the fall of a cycle without a rise does.
inline std::vector<SchedulePiece> native_pieces(const Pieces& pieces) {
  double last = -kUnbounded;
  std::vector<SchedulePiece> native;
  for (const auto& [name, begin, values] : pieces) {
    SchedulePiece& piece = native.emplace_back();
    piece.kind =
        find_by_name("schedule", name, kernels().schedule_count, [](int i) { return kernels().schedules[i]->name; });
    check_piece(*kernels().schedules[piece.kind], values);
    const bool first = native.size() == 1;
    if (!(begin > last && begin >= -1 && begin < kUnbounded) || (first && begin > 0)) {
      throw py::value_error("schedule: expected pieces that begin one after another, the first at step 0, got " +
                            text_of(py::float_(begin)));
    }
    piece.begin = last = begin;
    std::copy(values.begin(), values.end(), piece.values);
  }
  return native;
}

}  // namespace simdnn
