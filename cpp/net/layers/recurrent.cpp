#include "recurrent.hpp"

#include <algorithm>

#include "../multiply.hpp"

namespace simdnn {

LevelShape RecurrentSpec::level(int i) const {
  return {kind, i, i == 0 ? input.features : output.features, output.features, bias, learned};
}

void RecurrentSpec::list(const std::string& prefix, Inventory& inventory) const {
  for (int i = 0; i < levels; ++i) level(i).list(prefix, inventory);
  if (stateful) inventory.states.push_back(levels * level(0).state_columns());
}

double RecurrentSpec::flops(Index steps) const {
  double sum = 0;
  for (int i = 0; i < levels; ++i) {
    const LevelShape shape = level(i);
    sum += 6.0 * double((shape.inputs + shape.units) * shape.weight_columns());
  }
  return sum * double(steps);
}

template <class T>
Recurrent<T>::Recurrent(const RecurrentSpec& spec, Cursor<T>& cursor)
    : inputs_(spec.input.features),
      units_(spec.output.features),
      sequence_(spec.output.sequence),
      learned_(spec.learned),
      truncate_(spec.truncate),
      mask_(spec.mask),
      step_flops_(spec.flops(1) / 3) {
  for (int i = 0; i < spec.levels; ++i) levels_.emplace_back(spec.level(i), cursor);
  if (!spec.stateful) return;
  states_ = cursor.states;
  place_ = cursor.stateful++;
}

template <class T>
void Recurrent<T>::reserve(Arena<T>& arena, Index rows, Index steps, Mode mode, bool first) {
  const Index samples = rows / steps;
  for (RecurrentLevel<T>& level : levels_) {
    level.reserve(arena, samples, steps, mode, !first || &level != &levels_.front());
  }
  y_ = arena.matrix(sequence_ ? rows : samples, units_);
  if (mask_) skipped_.resize(std::size_t(rows));
  train_ = mode == Mode::train;
  if (!train_) return;
  x_ = arena.matrix(rows, inputs_);
  if (levels_.size() > 1) between_ = arena.matrix(samples, units_);
  if (!first) input_gradient_ = arena.matrix(rows, inputs_);
}

/// Calls body(time, samples) for all of both, in long passes a piece of the time after the other, whose samples are
/// shared by threads: they need nothing of each other.
template <class T>
template <class Body>
void Recurrent<T>::for_pieces(double passes, const Pass& pass, const Body& body) const {
  constexpr Index grain = 16;
  const Nanoseconds work = passes * step_flops_ * double(samples_ * time_) * kFlop<T>;
  const Index pieces = std::min(time_, Index(work / kInterruptiblePiece) + 1);
  for (Index k = 0; k < pieces && !pass.context.stopped(); ++k) {
    const Range time{k * time_ / pieces, (k + 1) * time_ / pieces};
    const double share = work / double(pieces);
    parallel_for(samples_, grain, share, [&](Index i, Index j) { body(time, Range{i, j}); });
    pass.context.after(share);
  }
}

/// Marks steps whose features all are the mask, which may be NaN.
template <class T>
void Recurrent<T>::find_skipped(const Matrix<const T>& x) {
  const T mask = T(*mask_);
  const auto is_mask = [&](T value) { return value == mask || (value != value && mask != mask); };
  for (Index i = 0; i < samples_; ++i) {
    for (Index t = 0; t < time_; ++t) {
      const T* const row = x.data + (i * time_ + t) * x.stride;
      skipped_[std::size_t(t * samples_ + i)] = std::all_of(row, row + inputs_, is_mask);
    }
  }
}

template <class T>
void Recurrent<T>::begin(const Pass& pass) {
  carried_ = states_ && pass.carry && states_->carried() > 0;
  const T* carried = carried_ ? states_->before(place_, pass.first) : nullptr;
  const Index columns = levels_[0].shape().state_columns(), stride = Index(levels_.size()) * columns;
  for (RecurrentLevel<T>& level : levels_) {
    level.begin(samples_, time_, carried, stride);
    if (carried) carried += columns;
  }
}

template <class T>
void Recurrent<T>::end(const Pass& pass) {
  if (!states_ || !pass.carry) return;
  T* carried = states_->after(place_, pass.first);
  const Index columns = levels_[0].shape().state_columns(), stride = Index(levels_.size()) * columns;
  for (const RecurrentLevel<T>& level : levels_) {
    level.store_states(carried, stride);
    carried += columns;
  }
}

/// The input of a time step: while training a copy whose rows lie as those of gates do.
template <class T>
StepRows<const T> Recurrent<T>::input(const Matrix<const T>& x, Index t, Range samples) {
  const StepRows<const T> given{x.data + t * x.stride, time_ * x.stride};
  if (!train_) return given;
  const StepRows<T> copy{x_.data + t * samples_ * x_.stride, x_.stride};
  const std::uint8_t* const skipped = skipped_at(t);
  for (Index i = samples.begin; i < samples.end; ++i) {
    T* const to = copy.data + i * copy.stride;
    if (skipped && skipped[i]) {
      std::fill_n(to, inputs_, T(0));
    } else {
      std::copy_n(given.data + i * given.stride, inputs_, to);
    }
  }
  return {copy.data, copy.stride};
}

template <class T>
Matrix<T> Recurrent<T>::forward(const Matrix<const T>& x, const Pass& pass) {
  time_ = pass.steps;
  samples_ = x.rows / time_;
  if (mask_) find_skipped(x);
  begin(pass);
  for_pieces(1, pass, [&](Range time, Range samples) {
    for (Index t = time.begin; t < time.end; ++t) {
      StepRows<const T> from = input(x, t, samples);
      for (RecurrentLevel<T>& level : levels_) {
        const bool shown = &level == &levels_.back() && (sequence_ || t + 1 == time_);
        level.forward(t, samples, from, shown ? output(y_, t) : StepRows<T>{}, skipped_at(t));
        from = level.states_after(t);
      }
    }
  });
  end(pass);
  return {y_.data, sequence_ ? x.rows : samples_, units_, y_.stride};
}

template <class T>
void Recurrent<T>::backward_step(Index t, Range samples, StepRows<const T> dy, const Product<T>& input) {
  for (std::size_t l = levels_.size(); l-- > 0;) {
    RecurrentLevel<T>& level = levels_[l];
    level.backward(t, samples, dy, skipped_at(t));
    if (t > 0 || learned_) level.backward_states(t, samples, t > 0 && truncate_ > 0 && t % truncate_ == 0);
    Product<T> below = input;
    if (l > 0) {
      below = {};
      below.c = between_.data + samples.begin * between_.stride;
      below.c_row = between_.stride;
      dy = {between_.data, between_.stride};
    }
    if (below.c) level.backward_input(t, samples, below);
  }
}

template <class T>
Matrix<T> Recurrent<T>::backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& start,
                                 const Finish<T>& below, const Pass& pass) {
  for (RecurrentLevel<T>& level : levels_) level.begin_backward();
  for_pieces(2, pass, [&](Range before, Range samples) {
    const Range time{time_ - before.end, time_ - before.begin};
    for (Index t = time.end; t-- > time.begin;) {
      Product<T> input;  // rows of the gradient by x at time t
      if (input_gradient_.data) {
        const Index stride = input_gradient_.stride, first = samples.begin * time_ + t;
        input.c = input_gradient_.data + first * stride;
        input.c_row = time_ * stride;
        if (start.data) input.start = start.data + first * start.stride;
        input.start_row = time_ * start.stride;
        input.finish = below;
        if (below.beside) input.finish.beside += first * stride;
      }
      const bool shown = sequence_ || t + 1 == time_;
      const StepRows<T> dy = shown ? output(gradient, t) : StepRows<T>{};
      backward_step(t, samples, {dy.data, dy.stride}, input);
    }
  });
  Matrix<const T> from{x_.data, x.rows, inputs_, x_.stride};
  for (RecurrentLevel<T>& level : levels_) {
    level.parameter_gradients(from, !carried_, pass);
    from = level.all_states_after();
  }
  return {input_gradient_.data, x.rows, inputs_, input_gradient_.stride};
}

template class Recurrent<float>;
template class Recurrent<double>;

}  // namespace simdnn
