#include "recurrent.hpp"

#include <algorithm>

#include "../parallel_product.hpp"

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

/// Calls body(time, samples) for ranges of all time steps and samples. Long passes go through the time steps in pieces,
/// and threads share the samples, which are independent of each other.
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

/// Marks time steps whose features all equal the mask value, which may be NaN.
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

/// The input of time step t [samples, inputs]; in training a copy, as parameter_gradients() reads it: step by step,
/// with zeros in skipped rows.
template <class T>
Matrix<const T> Recurrent<T>::input(const Matrix<const T>& x, Index t, IndexRange samples) {
  const Matrix<const T> given = at_step(x, t);
  if (!train_) return given;
  const Matrix<T> copy = x_.row_range(t * samples_, samples_);
  const std::uint8_t* const skipped = skipped_at(t);
  for (Index i = samples.begin; i < samples.end; ++i) {
    if (skipped && skipped[i]) {
      std::fill_n(copy.row(i), inputs_, T(0));
    } else {
      std::copy_n(given.row(i), inputs_, copy.row(i));
    }
  }
  return copy;
}

template <class T>
Matrix<T> Recurrent<T>::forward(const Matrix<const T>& x, const PassContext& context) {
  time_ = context.time_steps;
  samples_ = x.rows / time_;
  if (mask_) find_skipped(x);
  begin(context);
  for_pieces(1, context, [&](IndexRange time, IndexRange samples) {
    for (Index t = time.begin; t < time.end; ++t) {
      Matrix<const T> from = input(x, t, samples);
      for (RecurrentLayer<T>& layer : layers_) {
        const bool top = &layer == &layers_.back();
        layer.forward(t, samples, from, top ? output(y_, t) : Matrix<T>{}, skipped_at(t));
        from = layer.states_after(t);
      }
    }
  });
  end(context);
  return y_.first_rows(sequence_ ? x.rows : samples_);
}

/// Step t of the backward pass, from the top layer down; dx is empty if nothing flows further back.
template <class T>
void Recurrent<T>::backward_step(Index t, IndexRange samples, Matrix<T> dy, const Matrix<const T>& dx_init,
                                 const Matrix<T>& dx, const PostOp<T>& prev_post_op) {
  for (std::size_t l = layers_.size(); l-- > 0;) {
    RecurrentLayer<T>& layer = layers_[l];
    layer.backward(t, samples, dy, skipped_at(t));
    if (t > 0 || trainable_state_) layer.backward_states(t, samples, t > 0 && truncate_ > 0 && t % truncate_ == 0);
    if (l > 0) {
      dy = between_.first_rows(samples_);
      layer.backward_input(t, samples, {}, dy.row_range(samples.begin, samples.size()), flush_post_op<T>());
    } else if (dx.data) {
      layer.backward_input(t, samples, dx_init, dx, prev_post_op);
    }
  }
}

template <class T>
Matrix<T> Recurrent<T>::backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                                 const PostOp<T>& prev_post_op, const PassContext& context) {
  for (RecurrentLayer<T>& layer : layers_) layer.begin_backward();
  for_pieces(2, context, [&](IndexRange before, IndexRange samples) {
    const IndexRange time{time_ - before.end, time_ - before.begin};
    for (Index t = time.end; t-- > time.begin;) {
      const Matrix<T> dx = at_step(input_gradient_, t).row_range(samples.begin, samples.size());
      const Matrix<const T> init = at_step(dx_init, t).row_range(samples.begin, samples.size());
      PostOp<T> post_op = prev_post_op;
      if (post_op.aux) post_op.aux += (samples.begin * time_ + t) * input_gradient_.stride;
      backward_step(t, samples, output(gradient, t), init, dx, post_op);
    }
  });
  Matrix<const T> from = x_.first_rows(x.rows);
  for (RecurrentLayer<T>& layer : layers_) {
    layer.parameter_gradients(from, !carried_, context);
    from = layer.all_states_after();
  }
  return input_gradient_.first_rows(x.rows);
}

SIMDNN_INSTANTIATE(Recurrent);

}  // namespace simdnn
