#include "sequential.hpp"

#include "../folding.hpp"
#include "activation.hpp"

namespace simdnn {

void ChainSpec::list(const std::string& prefix, Inventory& inventory) const {
  for (std::size_t i = 0; i < layers.size(); ++i) layers[i]->list(prefix + std::to_string(i) + ".", inventory);
}

double ChainSpec::flops(Index steps) const {
  double sum = 0;
  for (const SpecPointer& layer : layers) sum += layer->flops(layer->input.sequence ? steps : 1);
  return sum;
}

bool ChainSpec::whole_batch() const {
  for (const SpecPointer& layer : layers) {
    if (layer->whole_batch()) return true;
  }
  return false;
}

std::shared_ptr<const ChainSpec> ChainSpec::folded_chain(Folding& folding) const {
  const auto chain = std::make_shared<ChainSpec>();
  chain->input = input;
  chain->output = output;
  std::vector<SpecPointer>& made = chain->layers;
  for (const SpecPointer& layer : layers) {
    const bool absent = layer->absent(Mode::infer);
    if (!absent && layer->scales() && !made.empty()) {
      if (const SpecPointer both = made.back()->scaled(layer->scaling(folding), folding)) {
        made.back() = both;
        folding.skip(*layer);
        continue;
      }
    }
    if (absent) {
      folding.skip(*layer);
    } else {
      made.push_back(folding.fold(layer));
    }
  }
  return chain;
}

template <class T>
Chain<T>::Chain(const ChainSpec& spec, Cursor<T>& cursor) : columns_(spec.output.features) {
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    const LayerSpec& layer = *spec.layers[i];
    if (layer.absent(cursor.mode)) continue;
    const ActivationSpec* const activation = layer.activation(cursor.mode);
    if (activation && fuse(activation->function)) continue;
    layers_.push_back(activation ? activation->make(cursor) : layer.make(cursor));
    places_.push_back(i);
  }
  taken_.resize(layers_.size());
  inputs_.resize(layers_.size());
  steps_.resize(layers_.size());
}

template <class T>
std::size_t Chain<T>::lowest_learner() const {
  std::size_t i = 0;
  while (i < layers_.size() && !layers_[i]->learns()) ++i;
  return i;
}

template <class T>
void Chain<T>::reserve(Arena<T>& arena, Index rows, Index steps, Mode mode, bool first) {
  if (layers_.empty()) copy_ = arena.matrix(rows, columns_);
  lowest_ = first ? lowest_learner() : 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Index before = arena.taken();
    layers_[i]->reserve(arena, rows, steps, mode, first && i <= lowest_);
    taken_[i] = arena.taken() - before;
    rows /= steps;
    steps = layers_[i]->steps(steps);
    rows *= steps;
  }
}

template <class T>
Index Chain<T>::steps(Index before) const {
  for (const auto& layer : layers_) before = layer->steps(before);
  return before;
}

template <class T>
void Chain<T>::keep() {
  for (const auto& layer : layers_) layer->keep();
}

template <class T>
Matrix<T> Chain<T>::forward(const Matrix<const T>& x, const Pass& pass) {
  if (layers_.empty()) {
    copy_rows(x, copy_.data, copy_.stride);
    return {copy_.data, x.rows, x.columns, copy_.stride};
  }
  Pass own = pass;
  own.clock = nullptr;
  if (pass.clock) pass.clock->start();
  Matrix<const T> input = x;
  Matrix<T> y;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    inputs_[i] = input;
    steps_[i] = own.steps;
    y = layers_[i]->forward(input, own);
    own.steps = layers_[i]->steps(own.steps);
    input = y;
    if (pass.clock) pass.clock->lap(places_[i]);
  }
  return y;
}

template <class T>
Finish<T> Chain<T>::backward_finish() const {
  return layers_.empty() ? Finish<T>{} : layers_.back()->backward_finish();
}

template <class T>
Matrix<T> Chain<T>::backward(Matrix<T> gradient, const Matrix<const T>& start, const Finish<T>& below, const Pass& pass,
                             const Matrix<const T>& beside) {
  if (layers_.empty()) return passed_on(gradient, start, below);
  Pass own = pass;
  own.clock = nullptr;
  if (pass.clock) pass.clock->start();
  for (std::size_t i = layers_.size(); i-- > lowest_;) {
    const bool last = i + 1 == layers_.size();
    const Matrix<const T> added = last && beside.data ? beside : i == 0 ? start : Matrix<const T>{};
    own.steps = steps_[i];
    own.ends = pass.ends && i == lowest_;
    gradient =
        layers_[i]->backward(inputs_[i], gradient, added, i > 0 ? layers_[i - 1]->backward_finish() : below, own);
    if (pass.clock) pass.clock->lap(places_[i]);
  }
  return gradient;
}

template class Chain<float>;
template class Chain<double>;

}  // namespace simdnn
