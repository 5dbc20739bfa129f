#include "updater.hpp"

namespace simdnn {

namespace {
constexpr Index kGrain = 4096;
}  // namespace

template <class T>
std::vector<double> Updater<T>::initial(const Rule& rule) {
  std::vector<double> carried;
  for (int i = 0; i < rule.about().carried_count(); ++i) carried.push_back(rule.about().carried[i].value);
  return carried;
}

template <class T>
std::vector<Buffer<T>>& Updater<T>::slots() {
  while (int(slots_.size()) < rule_->about().slot_count()) slots_.emplace_back(size_);
  return slots_;
}

template <class T>
double Updater<T>::penalty() const {
  const double l1 = rule_->options[kL1], l2 = rule_->options[kL2];
  const TypedKernels<T>& typed = typed_kernels<T>();
  double sum = 0;
  for (const Segment& segment : segments_) {
    if (!penalized(segment)) continue;
    if (l1 != 0) sum += l1 * typed.abs_sum(segment.parameters, segment.size);
    if (l2 != 0) sum += l2 / 2 * typed.square_sum(segment.parameters, segment.size);
  }
  return sum;
}

/// Spans for the kernels; neighbours in memory that are treated alike become one.
template <class T>
void Updater<T>::place(const std::vector<const T*>& gradients, bool merged) {
  const bool penalties = rule_->options[kL1] != 0 || rule_->options[kL2] != 0;
  slots();
  spans_.clear();
  for (std::size_t s = 0; s < segments_.size(); ++s) {
    const Segment& segment = segments_[s];
    const bool penalized = !penalties || this->penalized(segment);
    if (merged && !spans_.empty()) {
      UpdateSpan<T>& before = spans_.back();
      const bool next = before.p + before.size == segment.parameters && before.g + before.size == gradients[s];
      if (next && before.penalized == penalized) {
        before.size += segment.size;
        continue;
      }
    }
    UpdateSpan<T>& span = spans_.emplace_back();
    span.p = segment.parameters;
    span.g = gradients[s];
    span.size = segment.size;
    span.penalized = penalized;
    for (std::size_t i = 0; i < slots_.size(); ++i) span.slots[i] = slots_[i].data() + segment.offset;
  }
}

/// Completes the adjustment by what the gradients' norm asks for; false if they are to be refused.
template <class T>
bool Updater<T>::measure(Adjustment& adjustment) {
  const double* const options = rule_->options;
  norm_ = __builtin_nan("");
  const bool clips = options[kClipNorm] < __builtin_inf();
  if (clips) norm_ = global_norm(spans_);
  // A finite norm proves all finite; one that is not may be an overflow.
  if (options[kSkipNonfinite] != 0 && !(clips && std::isfinite(norm_)) && !all_finite(spans_)) return false;
  if (clips) {
    constexpr double guard = 1e-6;  // PyTorch's clip_grad_norm_
    const double share = options[kClipNorm] / (norm_ + guard);
    if (!(share >= 1)) adjustment.scale = share;  // a NaN spreads, as there
  }
  if (options[kMaximize] != 0) adjustment.scale = -adjustment.scale;
  return true;
}

template <class T>
bool Updater<T>::step(const std::vector<const T*>& gradients, double penalty_share) {
  const Rule& rule = *rule_;
  const bool constrained = rule.options[kMaxNorm] < __builtin_inf();
  place(gradients, !constrained);
  double hypers[kMaxHypers];
  std::copy(rule.hypers.begin(), rule.hypers.end(), hypers);
  const double *const options = rule.options, l1 = options[kL1] * penalty_share, l2 = options[kL2] * penalty_share;
  UpdateStep numbers{hypers, carried_.data(), steps_ + 1, {1, options[kClipValue], l1, l2}};
  if (!measure(numbers.adjustment)) {
    ++skipped_;
    return false;
  }
  hypers[0] = rule.rate(steps_++);
  if (const Advance advance = kernels().advances[rule.index]) advance(hypers, steps_, carried_.data());
  if (constrained) {
    update_constrained(numbers);
  } else {
    update(numbers);
  }
  return true;
}

template <class T>
void Updater<T>::update(const UpdateStep& numbers) {
  const ::simdnn::Update<T> run = typed_kernels<T>().updates[rule_->index];
  parallel_for(size_, kGrain, kUpdateElement * double(size_),
               [&](Index begin, Index end) { run(spans_.data(), Index(spans_.size()), begin, end, numbers); });
}

/// Updates blocks of rows and adds up the squares of each while it is in the cache.
template <class T>
void Updater<T>::update_constrained(const UpdateStep& numbers) {
  const TypedKernels<T>& typed = typed_kernels<T>();
  const ::simdnn::Update<T> run = typed.updates[rule_->index];
  for (std::size_t s = 0; s < segments_.size(); ++s) {
    const Segment& segment = segments_[s];
    const auto [inputs, units] = segment.units;
    const Index width = std::max<Index>(units, 1), height = segment.size / width;
    const Index rows = std::max<Index>(16, kGrain / width), blocks = (height + rows - 1) / rows;
    squares_.assign(std::size_t(blocks * units), 0.0);
    parallel_for(blocks, 1, kUpdateElement * double(segment.size), [&](Index begin, Index end) {
      for (Index b = begin; b < end; ++b) {
        const Index first = b * rows, count = std::min(rows, height - first);
        T* const block = segment.parameters + first * width;
        run(&spans_[s], 1, first * width, (first + count) * width, numbers);
        if (units == 1) squares_[std::size_t(b)] = typed.square_sum(block, count);
        if (units > 1) typed.add_column_squares(block, count, units, squares_.data() + b * units);
      }
    });
    if (units > 0) constrain(segment, rows, blocks);
  }
}

/// Scales the units whose norm is above the bound down to it.
template <class T>
void Updater<T>::constrain(const Segment& segment, Index rows, Index blocks) {
  const Index units = segment.units.units;
  const double bound = rule_->options[kMaxNorm];
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

template class Updater<float>;
template class Updater<double>;

}  // namespace simdnn
