#include "lanes.hpp"

#include <cmath>
#include <numeric>

#include "random.hpp"

namespace simdnn {
namespace {

/// Rows that pass at once: their activations stay in the cache beside the parameters.
constexpr Index kLaneRows = 32;
/// Most parameters of a network: the parameters, gradients and slots of sixteen larger ones leave the second-level
/// cache, while their own trainers fill the registers as well. Measured on an AMD EPYC (Zen 4) with batches of 32:
/// lanes are 1.6 times as fast at 484 parameters, 1.3 times at 1,476.
constexpr Index kMostParameters = 1500;
/// Most outputs of a network in lanes; sums over more go across virtual lanes.
constexpr Index kMostOutputs = 64;

bool equal_losses(const Loss& a, const Loss& b) {
  return a.index == b.index && a.parameters == b.parameters && a.class_weight == b.class_weight &&
         a.class_scale == b.class_scale && a.factor == b.factor && a.ignore_index == b.ignore_index;
}

/// True if two datasets have targets of the same kind, and passes have as many samples.
template <class T>
bool together(const LanePass<T>& a, const LanePass<T>& b) {
  return (a.samples->classes == nullptr) == (b.samples->classes == nullptr) &&
         (a.samples->values == nullptr) == (b.samples->values == nullptr);
}

/// Lanes whose pass has samples from `begin` on, and no error.
template <class T>
LaneMask unfinished(const std::vector<LanePass<T>>& passes, Index begin) {
  LaneMask lanes = 0;
  for (std::size_t l = 0; l < passes.size(); ++l) {
    const LanePass<T>& pass = passes[l];
    if (pass.samples && !pass.error && begin < pass.count) lanes |= LaneMask(1) << l;
  }
  return lanes;
}

/// The samples from `begin` on that these lanes can take together in batches of one size: the end of the last batch.
template <class T>
Index whole_batches(const std::vector<LanePass<T>>& passes, LaneMask lanes, Index begin, Index batch) {
  const LanePass<T>& first = passes[std::size_t(__builtin_ctz(lanes))];
  Index end = first.count;
  for_lanes(lanes, [&](Index l) {
    const LanePass<T>& own = passes[std::size_t(l)];
    end = std::min(end, together(own, first) ? own.count : begin);
  });
  return begin + (end - begin) / batch * batch;
}

}  // namespace

template <class T>
bool LaneGroup<T>::accepts(Trainer<T>& trainer) {
  const Network<T>& network = trainer.network();
  return typed_kernels<T>().lanes && !trainer.gradient_hook && !trainer.loss().margin &&
         network.outputs() <= kMostOutputs && network.layout().parameters.size() <= kMostParameters &&
         network.precision() == Precision::full && LaneNetwork<T>::accepts(*network.spec()) &&
         LaneOptimizer<T>::accepts(trainer.optimizer());
}

/// Microseconds measured on an AMD EPYC (Zen 4): a step of a group, however full it is, and a step of one trainer. Both
/// grow with the parameters times the samples.
template <class T>
Index LaneGroup<T>::fewest(Trainer<T>& trainer, Index batch) {
  const double size = double(trainer.network().layout().parameters.size()) * double(batch);
  const double registers = double(kLaneGroup / typed_kernels<T>().lanes->width);
  const double group = 2 + 1.4e-3 * registers * size, alone = 0.75 + 1e-4 * (1 + registers) / 2 * size;
  return Index(std::ceil(group / alone));
}

template <class T>
bool LaneGroup<T>::alike(Trainer<T>& a, Trainer<T>& b) {
  return a.sums_penalty == b.sums_penalty && LaneNetwork<T>::equal(*a.network().spec(), *b.network().spec()) &&
         equal_losses(a.loss(), b.loss()) && LaneOptimizer<T>::alike(a.optimizer().config(), b.optimizer().config());
}

template <class T>
LaneGroup<T>::LaneGroup(std::vector<Trainer<T>*> trainers, Index batch)
    : trainers_(std::move(trainers)),
      numbers_(trainers_.front()->network().layout().parameters.size() *
               (2 + Index(trainers_.front()->optimizer().slots().size()))),
      state_(numbers_ * kLaneGroup),
      resting_(numbers_ * kLaneGroup),
      all_((LaneMask(1) << trainers_.size()) - 1),
      current_(all_),
      capacity_(std::min(batch, kLaneRows)),
      network_(*trainers_.front()->network().spec(), capacity_, size(), state_.data(),
               state_.data() + trainers_.front()->network().values().size() * kLaneGroup),
      optimizer_(trainers_, state_.data()),
      batch_(trainers_.front()->loss(), trainers_.front()->network().inputs(), trainers_.front()->network().outputs(),
             batch, capacity_) {
  const Index count = trainers_.front()->network().values().size();
  const auto load = [&](Index place, const auto& numbers_of) {
    const T* row[kLaneGroup];
    for (Index l = 0; l < kLaneGroup; ++l) row[l] = numbers_of(*trainers_[std::size_t(l < size() ? l : 0)]);
    typed_kernels<T>().lanes->rows_to_lanes(row, count, state_.data() + place * count * kLaneGroup);
  };
  load(0, [](Trainer<T>& trainer) { return trainer.network().values().data(); });
  load(1, [](Trainer<T>& trainer) { return trainer.network().gradients().data(); });
  for (Index s = 0; (2 + s) * count < numbers_; ++s) {
    load(2 + s, [s](Trainer<T>& trainer) { return trainer.optimizer().slots()[std::size_t(s)].data(); });
  }
}

template <class T>
void LaneGroup<T>::copy_lanes(LaneMask lanes, const T* from, T* to) const {
  for_lanes(lanes, [&](Index l) {
    for (Index i = l; i < numbers_ * kLaneGroup; i += kLaneGroup) to[i] = from[i];
  });
}

/// Moves the state of these lanes to state_, and that of all others to resting_.
template <class T>
void LaneGroup<T>::set_current(LaneMask lanes) {
  copy_lanes(current_ & ~lanes, state_.data(), resting_.data());
  copy_lanes(lanes & ~current_, resting_.data(), state_.data());
  current_ = lanes;
}

/// Loads the labels of these lanes' batches; returns the lanes without an error.
template <class T>
LaneMask LaneGroup<T>::load_labels(std::vector<LanePass<T>>& passes, LaneMask lanes, Index begin, Index count) {
  for_lanes(lanes, [&](Index l) {
    LanePass<T>& pass = passes[std::size_t(l)];
    try {
      batch_.set_samples(l, *pass.samples, rows_[std::size_t(l)], begin, std::min(count, pass.count - begin));
      batch_.load_labels(l, std::min(count, pass.count - begin), sums_[std::size_t(l)].weight);
    } catch (...) {
      pass.error = std::current_exception();
      failed_ = true;
      lanes &= ~(LaneMask(1) << l);
    }
  });
  return lanes;
}

/// One step of these lanes from `count` samples each.
template <class T>
void LaneGroup<T>::take_step(std::vector<LanePass<T>>& passes, LaneMask lanes, Index begin, Index count) {
  for_lanes(lanes, [&](Index l) { sums_[std::size_t(l)] = {}; });
  lanes = load_labels(passes, lanes, begin, count);
  if (lanes == 0) return;
  set_current(lanes);
  double scale[kLaneGroup] = {};
  for_lanes(lanes, [&](Index l) {
    const double weight = sums_[std::size_t(l)].weight;
    scale[l] = weight == 0 ? 0 : 1 / weight;
  });
  for (Index done = 0; done < count; done += capacity_) {
    const Index rows = std::min(capacity_, count - done);
    batch_.load_samples(lanes, done, rows, network_.input());
    const T* const output = network_.forward(rows, Mode::train);
    batch_.evaluate(lanes, output, scale, network_.output_gradient());
    for_lanes(lanes, [&](Index l) { batch_.add_losses(l, rows, sums_[std::size_t(l)]); });
    network_.backward(rows, done > 0);
  }
  finish_step(passes, lanes, scale, count);
}

/// Updates the parameters; `scale` is that of each lane's loss.
template <class T>
void LaneGroup<T>::finish_step(std::vector<LanePass<T>>& passes, LaneMask lanes, const double* scale, Index count) {
  static constexpr double ones[kLaneGroup] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  const bool sums_penalty = trainers_.front()->sums_penalty;
  double penalties[kLaneGroup] = {};
  if (sums_penalty) optimizer_.find_penalties(lanes, penalties);
  optimizer_.step(lanes, sums_penalty ? scale : ones);
  for_lanes(lanes, [&](Index l) {
    LossSums& one = sums_[std::size_t(l)];
    one.penalty = one.weight == 0 ? 0 : penalties[l];
    one.steps = 1;
    passes[std::size_t(l)].sums.add_step(one, count, sums_penalty);
  });
}

/// One step of these lanes from up to `batch` samples each; those that have equally many take it together.
template <class T>
void LaneGroup<T>::take_steps(std::vector<LanePass<T>>& passes, LaneMask lanes, Index begin, Index batch) {
  const auto count_of = [&](const LanePass<T>& pass) { return std::min(batch, pass.count - begin); };
  while (lanes != 0) {
    const LanePass<T>& first = passes[std::size_t(__builtin_ctz(lanes))];
    LaneMask same = 0;
    for_lanes(lanes, [&](Index l) {
      const LanePass<T>& own = passes[std::size_t(l)];
      if (together(own, first) && count_of(own) == count_of(first)) same |= LaneMask(1) << l;
    });
    take_step(passes, same, begin, count_of(first));
    lanes &= ~same;
  }
}

template <class T>
void LaneGroup<T>::set_rows(const std::vector<LanePass<T>>& passes) {
  for (std::size_t l = 0; l < passes.size(); ++l) rows_[l] = passes[l].rows;
}

/// Draws the orders of an epoch. Lanes read theirs at the same place, so that starts a page apart would share a set of
/// the first-level cache.
template <class T>
void LaneGroup<T>::fill_orders(const std::vector<LanePass<T>>& passes) {
  constexpr Index page = 4096 / Index(sizeof(Index)), line = 64 / Index(sizeof(Index));
  Index room = 0;
  for (const LanePass<T>& pass : passes) room = std::max(room, pass.count);
  room = (room + page - 1) / page * page + line;
  order_.resize(std::size_t(room * kLaneGroup));
  set_rows(passes);
  for (std::size_t l = 0; l < passes.size(); ++l) {
    const LanePass<T>& pass = passes[l];
    if (!pass.samples || !pass.shuffled) continue;
    Index* const order = order_.data() + Index(l) * room;
    std::iota(order, order + pass.count, Index(0));
    shuffle(order, pass.count, Random(trainers_[l]->seed(), pass.epoch));
    for (Index i = 0; pass.rows && i < pass.count; ++i) order[i] = pass.rows[order[i]];
    rows_[l] = order;
  }
}

template <class T>
void LaneGroup<T>::epoch(std::vector<LanePass<T>>& passes, Index batch, const StopToken& stop) {
  const Nanoseconds work = trainers_.front()->network().flops() * kFlop<T> * double(batch * size());
  fill_orders(passes);
  LaneMask lanes = 0;
  Index alike = 0;  // samples that all lanes have in whole batches
  for (Index begin = 0; !stop.stopped(); begin += batch) {
    if (begin >= alike || failed_) {
      failed_ = false;
      lanes = unfinished(passes, begin);
      if (lanes == 0) return;
      alike = whole_batches(passes, lanes, begin, batch);
    }
    if (begin < alike) {
      take_step(passes, lanes, begin, batch);
    } else {
      take_steps(passes, lanes, begin, batch);
    }
    stop.after(work + kStepOverhead);
  }
}

template <class T>
void LaneGroup<T>::evaluate(std::vector<LanePass<T>>& passes, const StopToken& stop) {
  static constexpr double no_scale[kLaneGroup] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  const Nanoseconds work = trainers_.front()->network().flops() * kFlop<T> * double(capacity_ * size());
  set_rows(passes);
  for (Index begin = 0; !stop.stopped(); begin += capacity_) {
    LaneMask left = unfinished(passes, begin);
    if (left == 0) return;
    while (left != 0) {
      const LanePass<T>& first = passes[std::size_t(__builtin_ctz(left))];
      LaneMask same = 0;
      Index rows = 0;
      for_lanes(left, [&](Index l) {
        const LanePass<T>& own = passes[std::size_t(l)];
        if (!together(own, first)) return;
        same |= LaneMask(1) << l;
        rows = std::max(rows, std::min(capacity_, own.count - begin));
      });
      left &= ~same;
      for_lanes(same, [&](Index l) { sums_[std::size_t(l)] = passes[std::size_t(l)].sums; });
      const LaneMask lanes = load_labels(passes, same, begin, rows);
      if (lanes == 0) continue;
      set_current(current_ | lanes);
      batch_.load_samples(lanes, 0, rows, network_.input());
      batch_.evaluate(lanes, network_.forward(rows, Mode::infer), no_scale, nullptr);
      for_lanes(lanes, [&](Index l) {
        LanePass<T>& pass = passes[std::size_t(l)];
        batch_.add_losses(l, std::min(rows, pass.count - begin), sums_[std::size_t(l)]);
        pass.sums = sums_[std::size_t(l)];
      });
    }
    stop.after(work);
  }
}

template <class T>
void LaneGroup<T>::read(Index lane, T* parameters) const {
  const T* const from = (current_ >> lane & 1 ? state_ : resting_).data() + lane;
  const Index count = trainers_[std::size_t(lane)]->network().layout().parameters.size();
  for (Index i = 0; i < count; ++i) parameters[i] = from[i * kLaneGroup];
}

template <class T>
void LaneGroup<T>::store(Index lane) {
  Trainer<T>& trainer = *trainers_[std::size_t(lane)];
  const T* from = (current_ >> lane & 1 ? state_ : resting_).data() + lane;
  const auto write = [&](Buffer<T>& numbers) {
    for (Index i = 0; i < numbers.size(); ++i, from += kLaneGroup) numbers.data()[i] = *from;
  };
  write(trainer.network().values());
  write(trainer.network().gradients());
  for (Buffer<T>& slot : trainer.optimizer().slots()) write(slot);
  optimizer_.store(lane);
}

template <class T>
void LaneGroup<T>::store() {
  for (Index l = 0; l < size(); ++l) store(l);
}

SIMDNN_INSTANTIATE(LaneGroup);

}  // namespace simdnn
