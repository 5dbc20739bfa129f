#include "lane_optimizer.hpp"

namespace simdnn {

template <class T>
bool LaneOptimizer<T>::accepts(Optimizer<T>& optimizer) {
  const double* const options = optimizer.config().options;
  const double unbounded = __builtin_inf();
  if (options[kMaxNorm] < unbounded || options[kSkipNonfinite] != 0 || !optimizer.config().groups.empty()) return false;
  const std::vector<OwnCount> counts = optimizer.own_counts();
  return std::all_of(counts.begin(), counts.end(), [&](const OwnCount& own) { return own == counts.front(); });
}

template <class T>
bool LaneOptimizer<T>::alike(const OptimizerConfig& a, const OptimizerConfig& b) {
  return a.index == b.index && std::equal(a.options, a.options + kOptions, b.options);
}

static_assert(kMaxScalars == 1);

template <class T>
LaneOptimizer<T>::LaneOptimizer(const std::vector<Trainer<T>*>& trainers, T* state) : state_(state) {
  for (Trainer<T>* const trainer : trainers) optimizers_.push_back(&trainer->optimizer());
  const OptimizerConfig& config = optimizers_.front()->config();
  rule_ = config.index;
  const double* const options = config.options;
  adjusts_ = !Adjustment{1, options[kClipValue], options[kL1], options[kL2]}.none() || options[kMaximize] != 0 ||
             options[kClipNorm] < __builtin_inf();
  const Index count = optimizers_.front()->size(), slots = config.info().slot_count();
  const bool exempts = config.options[kPenalizeBias] == 0 && (config.options[kL1] != 0 || config.options[kL2] != 0);
  blocks_ = &trainers.front()->network().layout().parameters.blocks();
  for (const ParameterBlock& block : *blocks_) {
    const bool penalized = !exempts || block.shape.size() >= 2;
    const Index size = block.size() * kLaneGroup, place = block.offset * kLaneGroup;
    total_ += size;
    if (!spans_.empty() && spans_.back().penalized == penalized) {
      spans_.back().size += size;
      continue;
    }
    UpdateSpan<T> span;
    span.p = state + place;
    span.g = state + count * kLaneGroup + place;
    for (Index s = 0; s < slots; ++s) span.slots[s] = state + (2 + s) * count * kLaneGroup + place;
    span.size = size;
    span.penalized = penalized;
    spans_.push_back(span);
  }
  adjusted_ = Buffer<T>(total_);
  rows_ = Buffer<T>(total_);
  for (std::size_t l = 0; l < optimizers_.size(); ++l) {
    counts_[l] = optimizers_[l]->steps();
    norms_[l] = optimizers_[l]->norm();
    const OptimizerConfig& own = optimizers_[l]->config();
    std::copy(own.hypers.begin(), own.hypers.end(), hypers_.begin() + Index(l) * kMaxHypers);
    equal_hypers_ = equal_hypers_ && own.hypers == config.hypers && own.schedule.empty() &&
                    own.decay_schedule.empty() && own.rates.empty();
    const std::vector<double>& scalar_state = optimizers_[l]->scalar_state();
    std::copy(scalar_state.begin(), scalar_state.end(), scalars_.begin() + Index(l) * kMaxScalars);
  }
}

/// Row 0 of the state, the parameters, or row 1, the gradients, of each network after those of another.
template <class T>
const T* LaneOptimizer<T>::rows_of(Index row) {
  const Index count = total_ / kLaneGroup;
  T* to[kLaneGroup];
  for (Index l = 0; l < kLaneGroup; ++l) to[l] = rows_.data() + l * count;
  typed_kernels<T>().lanes->lanes_to_rows(state_ + row * total_, count, to);
  return rows_.data();
}

template <class T>
void LaneOptimizer<T>::find_penalties(LaneMask lanes, double* penalties) {
  const double* const options = optimizers_.front()->config().options;
  const double l1 = options[kL1], l2 = options[kL2];
  for_lanes(lanes, [&](Index l) { penalties[l] = 0; });
  if (l1 == 0 && l2 == 0) return;
  const TypedKernels<T>& typed = typed_kernels<T>();
  const T* const rows = rows_of(0);
  for_lanes(lanes, [&](Index l) {
    for (const ParameterBlock& block : *blocks_) {
      if (block.shape.size() < 2 && options[kPenalizeBias] == 0) continue;
      const T* const parameters = rows + l * (total_ / kLaneGroup) + block.offset;
      if (l1 != 0) penalties[l] += l1 * typed.abs_sum(parameters, block.size());
      if (l2 != 0) penalties[l] += l2 / 2 * typed.square_sum(parameters, block.size());
    }
  });
}

/// Sets the changes of the gradients, whose norm is a sum over one block of norm.hpp.
template <class T>
void LaneOptimizer<T>::set_adjustments(LaneMask lanes, const double* penalty_scale) {
  if (!adjusts_) {
    for_lanes(lanes, [&](Index l) { norms_[std::size_t(l)] = __builtin_nan(""); });
    return;
  }
  const double* const options = optimizers_.front()->config().options;
  const Index count = total_ / kLaneGroup;
  const bool clips = options[kClipNorm] < __builtin_inf();
  const T* const rows = clips ? rows_of(1) : nullptr;
  for_lanes(lanes, [&](Index l) {
    Adjustment& own = adjustments_[std::size_t(l)];
    own = {1, options[kClipValue], options[kL1] * penalty_scale[l], options[kL2] * penalty_scale[l]};
    double& norm = norms_[std::size_t(l)];
    norm = __builtin_nan("");
    if (clips) {
      norm = std::sqrt(typed_kernels<T>().square_sum(rows + l * count, count));
      own.scale = norm_scale(options[kClipNorm], norm);
    }
    if (options[kMaximize] != 0) own.scale = -own.scale;
  });
}

/// The arguments of a lane's next step, with its scalar state already advanced.
template <class T>
UpdateStep LaneOptimizer<T>::step_of(Index lane) {
  const OptimizerConfig& config = optimizers_[std::size_t(lane)]->config();
  double* const hypers = hypers_.data() + lane * kMaxHypers;
  double* const scalar_state = scalars_.data() + lane * kMaxScalars;
  std::int64_t& count = counts_[std::size_t(lane)];
  hypers[kRateHyper] = config.rate(count);
  hypers[kDecayHyper] = config.decay(count);
  ++count;
  if (const Advance advance = kernels().advances[rule_]) advance(hypers, count, scalar_state);
  return {hypers, scalar_state, count, adjustments_[std::size_t(lane)]};
}

/// True if the next steps of all lanes have equal arguments.
template <class T>
bool LaneOptimizer<T>::uniform(LaneMask lanes) const {
  const std::size_t first = std::size_t(__builtin_ctz(lanes));
  bool equal = equal_hypers_;
  for_lanes(lanes, [&](Index l) {
    equal = equal && counts_[std::size_t(l)] == counts_[first] && scalars_[std::size_t(l)] == scalars_[first];
    if (!adjusts_) return;
    const Adjustment &own = adjustments_[std::size_t(l)], &other = adjustments_[first];
    equal = equal && own.scale == other.scale && own.l1 == other.l1 && own.l2 == other.l2;
  });
  return equal;
}

template <class T>
void LaneOptimizer<T>::step(LaneMask lanes, const double* penalty_scale) {
  set_adjustments(lanes, penalty_scale);
  const TypedKernels<T>& typed = typed_kernels<T>();
  const Index first = Index(__builtin_ctz(lanes)), spans = Index(spans_.size());
  if (uniform(lanes)) {
    const UpdateStep step = step_of(first);
    for_lanes(lanes, [&](Index l) {
      counts_[std::size_t(l)] = step.step;
      scalars_[std::size_t(l)] = scalars_[std::size_t(first)];
    });
    return typed.updates[rule_](spans_.data(), spans, 0, total_, step);
  }
  for_lanes(lanes, [&](Index l) { steps_[std::size_t(l)] = step_of(l); });
  for_lanes(~lanes & kAllLanes, [&](Index l) { steps_[std::size_t(l)] = steps_[std::size_t(first)]; });
  typed.lanes->update(spans_.data(), spans, steps_.data(), typed.lanes->updates[rule_], adjusted_.data());
}

template <class T>
void LaneOptimizer<T>::store(Index lane) const {
  Optimizer<T>& optimizer = *optimizers_[std::size_t(lane)];
  optimizer.set_steps(counts_[std::size_t(lane)]);
  optimizer.set_norm(norms_[std::size_t(lane)]);
  const double* const scalar_state = scalars_.data() + lane * kMaxScalars;
  std::copy_n(scalar_state, optimizer.scalar_state().size(), optimizer.scalar_state().begin());
}

SIMDNN_INSTANTIATE(LaneOptimizer);

}  // namespace simdnn
