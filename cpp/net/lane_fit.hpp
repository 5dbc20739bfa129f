// Fits of many networks as units of work: equal tiny ones share a unit, one in each virtual lane.
#pragma once

#include "fit.hpp"
#include "population.hpp"

namespace simdnn {

/// Units that run these fits, which must outlive them. Lanes take groups of at least `fewest` networks; 0: as many as
/// are expected to be faster there.
std::vector<Unit> units_of(const std::vector<Fit*>& fits, Index fewest);

}  // namespace simdnn
