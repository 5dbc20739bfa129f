#include "recurrent.hpp"

#include <algorithm>

#include "../multiply.hpp"

namespace simdnn {

RecurrentShape RecurrentSpec::layer(int i) const {
  return {cell, i, i == 0 ? input.features : output.features, output.features, bias, trainable_state};
}

void RecurrentSpec::declare_parameters(const std::string& prefix, ParameterLayout& layout) const {
  for (int i = 0; i < num_layers; ++i) layer(i).declare_parameters(prefix, layout);
  if (stateful) layout.states.push_back(num_layers * layer(0).state_columns());
}

double RecurrentSpec::flops(Index time_steps) const {
  double sum = 0;
  for (int i = 0; i < num_layers; ++i) {
    const RecurrentShape shape = layer(i);
    sum += 6.0 * double((shape.inputs + shape.units) * shape.weight_columns());
  }
  return sum * double(time_steps);
}

template <class T>
Recurrent<T>::Recurrent(const RecurrentSpec& spec, ParameterBinder<T>& binder)
    : inputs_(spec.input.features),
      units_(spec.output.features),
      sequence_(spec.output.sequence),
      trainable_state_(spec.trainable_state),
      truncate_(spec.truncate.value_or(0)),
      mask_(spec.mask),
      step_flops_(spec.flops(1) / 3) {
  for (int i = 0; i < spec.num_layers; ++i) layers_.emplace_back(spec.layer(i), binder);
  if (!spec.stateful) return;
  states_ = binder.states;
  place_ = binder.stateful++;
}

template <class T>
void Recurrent<T>::reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) {
  const Index samples = rows / time_steps;
  for (RecurrentLayer<T>& layer : layers_) {
    layer.reserve(arena, samples, time_steps, mode, !first || &layer != &layers_.front());
  }
  y_ = arena.matrix(sequence_ ? rows : samples, units_);
  if (mask_) skipped_.resize(std::size_t(rows));
  train_ = mode == Mode::train;
  if (!train_) return;
  x_ = arena.matrix(rows, inputs_);
  if (layers_.size() > 1) between_ = arena.matrix(samples, units_);
  if (!first) input_gradient_ = arena.matrix(rows, inputs_);
}

/// Calls body(time, samples) for all of both, in long passes a piece of the time after the other, whose samples are
/// shared by threads: they need nothing of each other.
template <class T>
template <class Body>
void Recurrent<T>::for_pieces(double passes, const PassContext& context, const Body& body) const {
  constexpr Index grain = 16;
  const Nanoseconds work = passes * step_flops_ * double(samples_ * time_) * kFlop<T>;
  const Index num_pieces = std::min(time_, Index(work / kInterruptiblePiece) + 1);
  const Nanoseconds piece_work = work / double(num_pieces);
  for (Index k = 0; k < num_pieces && !context.stop.stopped(); ++k) {
    const IndexRange time{k * time_ / num_pieces, (k + 1) * time_ / num_pieces};
    parallel_for(samples_, grain, piece_work, [&](Index i, Index j) { body(time, IndexRange{i, j}); });
    context.stop.after(piece_work);
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
void Recurrent<T>::begin(const PassContext& context) {
  carried_ = states_ && context.keep_state && states_->carried() > 0;
  const T* carried = carried_ ? states_->before(place_, context.batch_offset) : nullptr;
  const Index columns = layers_[0].shape().state_columns(), stride = Index(layers_.size()) * columns;
  for (RecurrentLayer<T>& layer : layers_) {
    layer.begin(samples_, time_, carried, stride);
    if (carried) carried += columns;
  }
}

template <class T>
void Recurrent<T>::end(const PassContext& context) {
  if (!states_ || !context.keep_state) return;
  T* carried = states_->after(place_, context.batch_offset);
  const Index columns = layers_[0].shape().state_columns(), stride = Index(layers_.size()) * columns;
  for (const RecurrentLayer<T>& layer : layers_) {
    layer.store_states(carried, stride);
    carried += columns;
  }
}

/// The input of a time step: while training a copy whose rows lie as those of gates do.
template <class T>
StepRows<const T> Recurrent<T>::input(const Matrix<const T>& x, Index t, IndexRange samples) {
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
Matrix<T> Recurrent<T>::forward(const Matrix<const T>& x, const PassContext& context) {
  time_ = context.time_steps;
  samples_ = x.rows / time_;
  if (mask_) find_skipped(x);
  begin(context);
  for_pieces(1, context, [&](IndexRange time, IndexRange samples) {
    for (Index t = time.begin; t < time.end; ++t) {
      StepRows<const T> from = input(x, t, samples);
      for (RecurrentLayer<T>& layer : layers_) {
        const bool shown = &layer == &layers_.back() && (sequence_ || t + 1 == time_);
        layer.forward(t, samples, from, shown ? output(y_, t) : StepRows<T>{}, skipped_at(t));
        from = layer.states_after(t);
      }
    }
  });
  end(context);
  return {y_.data, sequence_ ? x.rows : samples_, units_, y_.stride};
}

template <class T>
void Recurrent<T>::backward_step(Index t, IndexRange samples, StepRows<const T> dy, const Product<T>& input) {
  for (std::size_t l = layers_.size(); l-- > 0;) {
    RecurrentLayer<T>& layer = layers_[l];
    layer.backward(t, samples, dy, skipped_at(t));
    if (t > 0 || trainable_state_) layer.backward_states(t, samples, t > 0 && truncate_ > 0 && t % truncate_ == 0);
    Product<T> lower = input;
    if (l > 0) {
      lower = {};
      lower.c = between_.data + samples.begin * between_.stride;
      lower.c_row = between_.stride;
      dy = {between_.data, between_.stride};
    }
    if (lower.c) layer.backward_input(t, samples, lower);
  }
}

template <class T>
Matrix<T> Recurrent<T>::backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                                 const PostOp<T>& prev_post_op, const PassContext& context) {
  for (RecurrentLayer<T>& layer : layers_) layer.begin_backward();
  for_pieces(2, context, [&](IndexRange before, IndexRange samples) {
    const IndexRange time{time_ - before.end, time_ - before.begin};
    for (Index t = time.end; t-- > time.begin;) {
      Product<T> input;  // rows of the gradient by x at time t
      if (input_gradient_.data) {
        const Index stride = input_gradient_.stride, first = samples.begin * time_ + t;
        input.c = input_gradient_.data + first * stride;
        input.c_row = time_ * stride;
        if (dx_init.data) input.c_init = dx_init.data + first * dx_init.stride;
        input.c_init_row = time_ * dx_init.stride;
        input.post_op = prev_post_op;
        if (prev_post_op.aux) input.post_op.aux += first * stride;
      }
      const bool shown = sequence_ || t + 1 == time_;
      const StepRows<T> dy = shown ? output(gradient, t) : StepRows<T>{};
      backward_step(t, samples, {dy.data, dy.stride}, input);
    }
  });
  Matrix<const T> from{x_.data, x.rows, inputs_, x_.stride};
  for (RecurrentLayer<T>& layer : layers_) {
    layer.parameter_gradients(from, !carried_, context);
    from = layer.all_states_after();
  }
  return {input_gradient_.data, x.rows, inputs_, input_gradient_.stride};
}

SIMDNN_INSTANTIATE(Recurrent);

}  // namespace simdnn
