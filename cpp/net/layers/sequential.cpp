#include "sequential.hpp"

#include "../batch_norm_folder.hpp"
#include "activation.hpp"

namespace simdnn {

void SequentialSpec::declare_parameters(const std::string& prefix, ParameterLayout& layout) const {
  for (std::size_t i = 0; i < layers.size(); ++i)
    layers[i]->declare_parameters(prefix + std::to_string(i) + ".", layout);
}

double SequentialSpec::flops(Index time_steps) const {
  double sum = 0;
  for (const SpecPointer& layer : layers) sum += layer->flops(layer->input.sequence ? time_steps : 1);
  return sum;
}

bool SequentialSpec::whole_batch() const {
  for (const SpecPointer& layer : layers) {
    if (layer->whole_batch()) return true;
  }
  return false;
}

std::shared_ptr<const SequentialSpec> SequentialSpec::fold_sequential(BatchNormFolder& folder) const {
  const auto sequential = std::make_shared<SequentialSpec>();
  sequential->input = input;
  sequential->output = output;
  std::vector<SpecPointer>& made = sequential->layers;
  for (const SpecPointer& layer : layers) {
    const bool is_noop = layer->is_noop(Mode::infer);
    if (!is_noop && layer->is_affine_scale() && !made.empty()) {
      if (const SpecPointer both = made.back()->with_affine_scale(layer->affine_scale(folder), folder)) {
        made.back() = both;
        folder.skip(*layer);
        continue;
      }
    }
    if (is_noop) {
      folder.skip(*layer);
    } else {
      made.push_back(folder.fold(layer));
    }
  }
  return sequential;
}

template <class T>
Sequential<T>::Sequential(const SequentialSpec& spec, ParameterBinder<T>& binder) : columns_(spec.output.features) {
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    const LayerSpec& layer = *spec.layers[i];
    if (layer.is_noop(binder.mode)) continue;
    const ActivationSpec* const activation = layer.activation(binder.mode);
    if (activation && fuse(activation->function)) continue;
    layers_.push_back(activation ? activation->instantiate(binder) : layer.instantiate(binder));
    places_.push_back(i);
  }
  taken_.resize(layers_.size());
  inputs_.resize(layers_.size());
  time_steps_.resize(layers_.size());
}

template <class T>
std::size_t Sequential<T>::lowest_trainable() const {
  std::size_t i = 0;
  while (i < layers_.size() && !layers_[i]->has_parameters()) ++i;
  return i;
}

template <class T>
void Sequential<T>::reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) {
  if (layers_.empty()) copy_ = arena.matrix(rows, columns_);
  lowest_ = first ? lowest_trainable() : 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Index before = arena.taken();
    layers_[i]->reserve(arena, rows, time_steps, mode, first && i <= lowest_);
    taken_[i] = arena.taken() - before;
    rows /= time_steps;
    time_steps = layers_[i]->time_steps(time_steps);
    rows *= time_steps;
  }
}

template <class T>
Index Sequential<T>::time_steps(Index before) const {
  for (const auto& layer : layers_) before = layer->time_steps(before);
  return before;
}

template <class T>
void Sequential<T>::commit_running_stats() {
  for (const auto& layer : layers_) layer->commit_running_stats();
}

template <class T>
Matrix<T> Sequential<T>::forward(const Matrix<const T>& x, const PassContext& context) {
  if (layers_.empty()) {
    copy_rows(x, copy_.data, copy_.stride);
    return copy_.first_rows(x.rows);
  }
  PassContext own = context;
  own.clock = nullptr;
  if (context.clock) context.clock->start();
  Matrix<const T> input = x;
  Matrix<T> y;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    inputs_[i] = input;
    time_steps_[i] = own.time_steps;
    y = layers_[i]->forward(input, own);
    own.time_steps = layers_[i]->time_steps(own.time_steps);
    input = y;
    if (context.clock) context.clock->lap(places_[i]);
  }
  return y;
}

template <class T>
PostOp<T> Sequential<T>::backward_post_op() const {
  return layers_.empty() ? PostOp<T>{} : layers_.back()->backward_post_op();
}

template <class T>
Matrix<T> Sequential<T>::backward(Matrix<T> gradient, const Matrix<const T>& dx_init, const PostOp<T>& prev_post_op,
                                  const PassContext& context, const Matrix<const T>& extra_gradient) {
  if (layers_.empty()) return pass_through_gradient(gradient, dx_init, prev_post_op);
  PassContext own = context;
  own.clock = nullptr;
  if (context.clock) context.clock->start();
  for (std::size_t i = layers_.size(); i-- > lowest_;) {
    const bool last = i + 1 == layers_.size();
    const Matrix<const T> added = last && extra_gradient.data ? extra_gradient : i == 0 ? dx_init : Matrix<const T>{};
    own.time_steps = time_steps_[i];
    own.skip_input_gradient = context.skip_input_gradient && i == lowest_;
    const PostOp<T> post_op = i > 0 ? layers_[i - 1]->backward_post_op() : prev_post_op;
    gradient =
        layers_[i]->backward(inputs_[i], gradient, added, i > 0 && !post_op.apply ? flush_post_op<T>() : post_op, own);
    if (context.clock) context.clock->lap(places_[i]);
  }
  return gradient;
}

SIMDNN_INSTANTIATE(Sequential);

}  // namespace simdnn
