// Schedules in Python's form: a list of pieces (kind, first step, values).
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "../base/find_by_name.hpp"
#include "../dispatch.hpp"

namespace simdnn {

using Pieces = std::vector<std::tuple<std::string, double, std::vector<double>>>;

inline std::vector<SchedulePiece> native_pieces(const Pieces& pieces) {
  std::vector<SchedulePiece> native;
  for (const auto& [name, begin, values] : pieces) {
    SchedulePiece& piece = native.emplace_back();
    piece.kind =
        find_by_name("schedule", name, kernels().schedule_count, [](int i) { return kernels().schedules[i]->name; });
    piece.begin = begin;
    if (values.size() > std::size_t(kMaxScheduleValues)) {
      throw std::invalid_argument("schedule: a piece '" + name + "' has too many values");
    }
    std::copy(values.begin(), values.end(), piece.values);
  }
  return native;
}

}  // namespace simdnn
