#include "optimizer.hpp"

namespace simdnn {

namespace {
constexpr Index kGrain = 4096;
}  // namespace

template <class T>
std::vector<double> Optimizer<T>::initial(const OptimizerConfig& config) {
  std::vector<double> scalar_state;
  for (int i = 0; i < config.info().scalar_count(); ++i) scalar_state.push_back(config.info().scalar_state[i].value);
  return scalar_state;
}

template <class T>
std::vector<Buffer<T>>& Optimizer<T>::slots() {
  while (int(slots_.size()) < config_->info().slot_count()) slots_.emplace_back(size_);
  return slots_;
}

template <class T>
double Optimizer<T>::penalty() const {
  const double l1 = config_->options[kL1], l2 = config_->options[kL2];
  const TypedKernels<T>& typed = typed_kernels<T>();
  double sum = 0;
  for (const Segment& segment : segments_) {
    if (!penalized(segment) || frozen(segment)) continue;
    if (l1 != 0) sum += l1 * typed.abs_sum(segment.parameters, segment.size);
    if (l2 != 0) sum += l2 / 2 * typed.square_sum(segment.parameters, segment.size);
  }
  return sum;
}

template <class T>
std::vector<OwnCount> Optimizer<T>::own_counts() const {
  std::vector<OwnCount> counts;
  for (const Segment& segment : segments_) counts.push_back(own_count(segment.count));
  return counts;
}

template <class T>
OwnCount Optimizer<T>::own_count(std::size_t count) const {
  if (count == 0) return {steps_, scalar_state_};
  return {steps_ - late_[count - 1].missed, late_[count - 1].scalar_state};
}

template <class T>
void Optimizer<T>::set_own_counts(const std::vector<OwnCount>& counts, std::int64_t steps) {
  set_steps(0);
  OwnCount most;
  for (const OwnCount& count : counts) {
    if (count.steps >= most.steps) most = count;
  }
  most.steps = steps_ = std::max(steps, most.steps);
  scalar_state_ = most.scalar_state;
  std::vector<OwnCount> found_counts{most};
  for (std::size_t s = 0; s < segments_.size(); ++s) {
    const auto found = std::find(found_counts.begin(), found_counts.end(), counts[s]);
    segments_[s].count = std::size_t(found - found_counts.begin());
    if (found != found_counts.end()) continue;
    found_counts.push_back(counts[s]);
    late_.push_back({steps_ - counts[s].steps, counts[s].scalar_state});
  }
}

/// Lists the spans of the chosen parameters for the kernels, without frozen ones; neighbors in memory with equal
/// settings become one span.
template <class T>
void Optimizer<T>::fill_spans(const std::vector<const T*>& gradients, bool merged, const Choice& choice) {
  const bool penalties = config_->options[kL1] != 0 || config_->options[kL2] != 0;
  const bool special = !config_->groups.empty() || !late_.empty();
  slots();
  spans_.clear();
  listed_.clear();
  copied_.clear();
  Index place = 0;
  for (std::size_t s = 0; s < segments_.size(); ++s) {
    const Segment& segment = segments_[s];
    if (special && (!choice(segment) || frozen(segment))) continue;
    const bool penalized = !penalties || this->penalized(segment);
    if (segment.rounded) copied_.push_back({segment.parameters, segment.rounded, place, place + segment.size});
    place += segment.size;
    if (merged && !spans_.empty()) {
      UpdateSpan<T>& before = spans_.back();
      const bool next = before.p + before.size == segment.parameters && before.g + before.size == gradients[s];
      if (next && before.penalized == penalized) {
        before.size += segment.size;
        continue;
      }
    }
    UpdateSpan<T>& span = spans_.emplace_back();
    listed_.push_back(s);
    span.p = segment.parameters;
    span.g = gradients[s];
    span.size = segment.size;
    span.penalized = penalized;
    for (std::size_t i = 0; i < slots_.size(); ++i) span.slots[i] = slots_[i].data() + segment.offset;
  }
}

/// Scales the adjustment by clip_norm and maximize; returns false if skip_nonfinite refuses the gradients.
template <class T>
bool Optimizer<T>::adjust_by_norm(Adjustment& adjustment) {
  const double* const options = config_->options;
  norm_ = __builtin_nan("");
  const bool clips = options[kClipNorm] < __builtin_inf();
  if (clips) norm_ = global_norm(spans_);
  // A finite norm proves that all gradients are finite; another one may be an overflow.
  if (options[kSkipNonfinite] != 0 && !(clips && std::isfinite(norm_)) && !all_finite(spans_)) return false;
  if (clips) {
    adjustment.scale = norm_scale(options[kClipNorm], norm_);
  }
  if (options[kMaximize] != 0) adjustment.scale = -adjustment.scale;
  return true;
}

template <class T>
bool Optimizer<T>::step(const std::vector<const T*>& gradients, double penalty_scale) {
  const OptimizerConfig& config = *config_;
  const bool constrained = config.options[kMaxNorm] < __builtin_inf();
  fill_spans(gradients, !constrained);
  const double *const options = config.options, l1 = options[kL1] * penalty_scale, l2 = options[kL2] * penalty_scale;
  Adjustment adjustment{1, options[kClipValue], l1, l2};
  if (!adjust_by_norm(adjustment)) {
    ++skipped_;
    return false;
  }
  const double rate = config.rate(steps_), decay = config.decay(steps_);
  if (!config.groups.empty()) hold_frozen();
  ++steps_;
  if (late_.empty() && config.groups.empty()) {
    apply(rate, decay, steps_, scalar_state_, adjustment);
  } else {
    step_in_groups(gradients, !constrained, rate, decay, adjustment);
  }
  return true;
}

/// Lets the counts of frozen parameters, which they share with no others, miss the next step.
template <class T>
void Optimizer<T>::hold_frozen() {
  if (std::none_of(segments_.begin(), segments_.end(), [&](const Segment& one) { return frozen(one); })) return;
  std::vector<bool> held(late_.size() + 1), moves(late_.size() + 1);
  for (const Segment& segment : segments_) (frozen(segment) ? held : moves)[segment.count] = true;
  moves[0] = true;  // it counts all steps
  for (std::size_t count = 0; count < held.size(); ++count) {
    if (!held[count]) continue;
    if (!moves[count]) {
      ++late_[count - 1].missed;
      continue;
    }
    const OwnCount own = own_count(count);
    late_.push_back({steps_ + 1 - own.steps, own.scalar_state});
    for (Segment& segment : segments_) {
      if (segment.count == count && frozen(segment)) segment.count = late_.size();
    }
  }
}

/// Updates the parameters of each count and group by themselves.
template <class T>
void Optimizer<T>::step_in_groups(const std::vector<const T*>& gradients, bool merged, double rate, double decay,
                                  const Adjustment& adjustment) {
  static const GroupSettings common;
  const std::vector<GroupSettings>& groups = config_->groups;
  for (std::size_t count = 0; count <= late_.size(); ++count) {
    const OwnCount own = own_count(count);
    std::vector<double>& scalar_state = count == 0 ? scalar_state_ : late_[count - 1].scalar_state;
    for (std::size_t group = 0; group < std::max<std::size_t>(groups.size(), 1); ++group) {
      fill_spans(gradients, merged, {count, groups.empty() ? kAll : group});
      if (spans_.empty()) continue;
      const GroupSettings& settings = groups.empty() ? common : groups[group];
      scalar_state = own.scalar_state;  // each group advances the state of the step before
      apply(settings.rate_of(rate), settings.decay_of(decay), own.steps, scalar_state, adjustment);
    }
  }
}

/// Updates the parameters of the listed spans, whose step has this count.
template <class T>
void Optimizer<T>::apply(double rate, double decay, std::int64_t count, std::vector<double>& scalar_state,
                         const Adjustment& adjustment) {
  const OptimizerConfig& config = *config_;
  double hypers[kMaxHypers];
  std::copy(config.hypers.begin(), config.hypers.end(), hypers);
  hypers[kRateHyper] = rate;
  hypers[kDecayHyper] = decay;
  if (const Advance advance = kernels().advances[config.index]) advance(hypers, count, scalar_state.data());
  const UpdateStep step_args{hypers, scalar_state.data(), count, adjustment};
  if (config.options[kMaxNorm] < __builtin_inf()) {
    update_constrained(step_args);
  } else {
    update(step_args);
  }
}

template <class T>
void Optimizer<T>::update(const UpdateStep& step_args) {
  const ::simdnn::Update<T> run = typed_kernels<T>().updates[config_->index];
  Index size = 0;
  for (const UpdateSpan<T>& span : spans_) size += span.size;
  parallel_for(size, kGrain, kUpdateElement * double(size), [&](Index begin, Index end) {
    const Index piece = copied_.empty() ? end - begin : kGrain;
    for (; begin < end; begin += piece) {
      const Index beyond = std::min(begin + piece, end);
      run(spans_.data(), Index(spans_.size()), begin, beyond, step_args);
      round_updated(begin, beyond);
    }
  });
}

/// Writes the bf16 copies of elements [begin, end) of all spans, while they are in the cache.
template <class T>
void Optimizer<T>::round_updated([[maybe_unused]] Index begin, [[maybe_unused]] Index end) const {
  if constexpr (std::is_same_v<T, float>) {
    for (const Copied& copied : copied_) {
      const Index first = std::max(begin, copied.begin) - copied.begin, last = std::min(end, copied.end) - copied.begin;
      if (first < last) kernels().bf16.round(copied.parameters + first, last - first, copied.rounded + first);
    }
  }
}

/// Updates block by block of rows and sums the squares of each block while it is in the cache.
template <class T>
void Optimizer<T>::update_constrained(const UpdateStep& step_args) {
  const TypedKernels<T>& typed = typed_kernels<T>();
  const ::simdnn::Update<T> run = typed.updates[config_->index];
  for (std::size_t s = 0; s < spans_.size(); ++s) {
    const Segment& segment = segments_[listed_[s]];
    const auto [inputs, units] = segment.units;
    const Index width = std::max<Index>(units, 1), height = segment.size / width;
    const Index rows = std::max<Index>(16, kGrain / width), blocks = (height + rows - 1) / rows;
    squares_.assign(std::size_t(blocks * units), 0.0);
    parallel_for(blocks, 1, kUpdateElement * double(segment.size), [&](Index begin, Index end) {
      for (Index b = begin; b < end; ++b) {
        const Index first = b * rows, count = std::min(rows, height - first);
        T* const block = segment.parameters + first * width;
        run(&spans_[s], 1, first * width, (first + count) * width, step_args);
        if (units == 1) squares_[std::size_t(b)] = typed.square_sum(block, count);
        if (units > 1) typed.add_column_squares(block, count, units, squares_.data() + b * units);
      }
    });
    if (units > 0) constrain(segment, rows, blocks);
  }
}

/// Scales units with a norm above max_norm down to it.
template <class T>
void Optimizer<T>::constrain(const Segment& segment, Index rows, Index blocks) {
  const Index units = segment.units.units;
  const double bound = config_->options[kMaxNorm];
  factors_.assign(std::size_t(units), T(1));
  bool any = false;
  for (Index j = 0; j < units; ++j) {
    double sum = 0;
    for (Index b = 0; b < blocks; ++b) sum += squares_[std::size_t(b * units + j)];
    if (sum > bound * bound) {
      factors_[std::size_t(j)] = T(bound / std::sqrt(sum));
      any = true;
    }
  }
  if (!any) return;
  const auto scale = typed_kernels<T>().scale_columns;
  parallel_for(segment.units.inputs, rows, kUpdateElement * double(segment.size), [&](Index begin, Index end) {
    scale(segment.parameters + begin * units, end - begin, units, factors_.data());
  });
}

SIMDNN_INSTANTIATE(Optimizer);

}  // namespace simdnn
