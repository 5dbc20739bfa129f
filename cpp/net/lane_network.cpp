#include "lane_network.hpp"

#include "layers/activation.hpp"

namespace simdnn {
namespace {

/// The layers of a network in training: each Dense layer, with the activation that ends it.
struct DenseStep {
  const DenseSpec* dense;
  Activation activation;
};

/// The steps of a network; nothing if it has other layers.
std::vector<DenseStep> steps_of(const SequentialSpec& spec) {
  std::vector<DenseStep> steps;
  for (const SpecPointer& layer : spec.layers) {
    if (const auto* const dense = dynamic_cast<const DenseSpec*>(layer.get())) {
      steps.push_back({dense, dense->activation_of_output});
      continue;
    }
    const auto* const activation = dynamic_cast<const ActivationSpec*>(layer.get());
    if (!activation) return {};
    if (activation->function.identity()) continue;
    if (steps.empty() || !steps.back().activation.identity()) return {};
    steps.back().activation = activation->function;
  }
  return steps;
}

bool equal_activations(const Activation& a, const Activation& b) {
  return a.index == b.index && a.parameters == b.parameters;
}

}  // namespace

template <class T>
bool LaneNetwork<T>::accepts(const SequentialSpec& spec) {
  return !spec.input.sequence && !steps_of(spec).empty();
}

template <class T>
bool LaneNetwork<T>::equal(const SequentialSpec& a, const SequentialSpec& b) {
  const std::vector<DenseStep> first = steps_of(a), second = steps_of(b);
  return std::equal(first.begin(), first.end(), second.begin(), second.end(),
                    [](const DenseStep& a, const DenseStep& b) {
                      return a.dense->input.features == b.dense->input.features &&
                             a.dense->output.features == b.dense->output.features && a.dense->bias == b.dense->bias &&
                             equal_activations(a.activation, b.activation);
                    });
}

template <class T>
LaneNetwork<T>::LaneNetwork(const SequentialSpec& spec, Index rows, Index lanes, T* values, T* gradients)
    : lanes_(lanes), values_(values), gradients_(gradients) {
  Index place = 0;
  for (const DenseStep& step : steps_of(spec)) {
    LaneLayer<T>& layer = layers_.emplace_back();
    layer.inputs = step.dense->input.features;
    layer.outputs = step.dense->output.features;
    layer.weight = place;
    place += layer.inputs * layer.outputs;
    if (step.dense->bias) layer.bias = place;
    if (step.dense->bias) place += layer.outputs;
    if (step.activation.identity()) continue;
    layer.activation = &typed_kernels<T>().activations[step.activation.index];
    layer.stores_derivative = step.activation.info().reads == Reads::input;
    for (std::size_t i = 0; i < step.activation.parameters.size(); ++i) {
      layer.parameters[i] = T(step.activation.parameters[i]);
    }
  }
  reserve(rows);
  memory_ = Buffer<T>(used_);
  reserve(rows);
  fill_ones(x_);
  for (std::size_t i = 0; i + 1 < layers_.size(); ++i) fill_ones(layers_[i].y);
}

/// A matrix of the next memory, with room for a column of ones if it is the input of a layer. Rows a multiple of 8
/// blocks apart would share the sets of the first-level cache.
template <class T>
Matrix<T> LaneNetwork<T>::take(Index rows, Index columns, bool is_input) {
  const Index stride = !is_input ? columns : (columns + 1) % 8 == 0 ? columns + 2 : columns + 1;
  const Matrix<T> m{memory_.data() ? memory_.data() + used_ : nullptr, rows, columns, stride};
  used_ += rows * stride * kLaneGroup;
  return m;
}

template <class T>
void LaneNetwork<T>::reserve(Index rows) {
  used_ = 0;
  x_ = take(rows, layers_.front().inputs, true);
  for (LaneLayer<T>& layer : layers_) {
    const bool hidden = &layer != &layers_.back();
    layer.y = take(rows, layer.outputs, hidden);
    if (layer.stores_derivative) layer.aux = take(rows, layer.outputs, hidden);
    layer.gradient = take(rows, layer.outputs, hidden);
  }
}

/// Fills the column after those of a layer's input with ones, whose product with a gradient is that w.r.t. the bias.
template <class T>
void LaneNetwork<T>::fill_ones(const Matrix<T>& input) {
  for (Index i = 0; i < input.rows; ++i) {
    std::fill_n(input.data + (i * input.stride + input.columns) * kLaneGroup, kLaneGroup, T(1));
  }
}

template <class T>
const T* LaneNetwork<T>::forward(Index rows, Mode mode) {
  const auto product = typed_kernels<T>().lanes->product;
  Matrix<T> input = x_.first_rows(rows);
  for (LaneLayer<T>& layer : layers_) {
    const T* const weight = values_ + layer.weight * kLaneGroup;
    LaneProduct<T> p{.a = input, .b = Matrix<const T>{weight, layer.inputs, layer.outputs, layer.outputs}};
    if (layer.bias >= 0) p.c_init = {values_ + layer.bias * kLaneGroup, 1, layer.outputs, 0};
    p.c = layer.y.first_rows(rows);
    p.lanes = lanes_;
    product(p);
    input = p.c;
    if (!layer.activation) continue;
    const auto activate = mode == Mode::train ? layer.activation->train : layer.activation->infer;
    activate(layer.y.data, layer.aux.data, layer.y.stride * kLaneGroup, rows, layer.outputs * kLaneGroup,
             layer.parameters);
  }
  return input.data;
}

/// dW = x^T dz, and after it in memory db = 1^T dz.
template <class T>
void LaneNetwork<T>::differentiate_parameters(const LaneLayer<T>& layer, Matrix<T> input, Index rows, bool accumulate) {
  if (layer.bias >= 0) ++input.columns;
  const Operand<T> a = transposed(input.first_rows(rows));
  const Matrix<T> c{gradients_ + layer.weight * kLaneGroup, a.rows, layer.outputs, layer.outputs};
  typed_kernels<T>().lanes->product(
      {.a = a, .b = layer.gradient.first_rows(rows), .c_init = accumulate ? c : Matrix<T>{}, .c = c, .lanes = lanes_});
}

template <class T>
void LaneNetwork<T>::backward(Index rows, bool accumulate) {
  const TypedKernels<T>& typed = typed_kernels<T>();
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const LaneLayer<T>& layer = layers_[i];
    const Index stride = layer.gradient.stride * kLaneGroup, width = layer.outputs * kLaneGroup;
    T* const gradient = layer.gradient.data;
    if (layer.activation) {
      T* const aux = layer.stores_derivative ? layer.aux.data : layer.y.data;
      layer.activation->backward(gradient, aux, stride, rows, width, layer.parameters);
    } else if (i + 1 < layers_.size()) {
      typed.layers.flush(gradient, nullptr, stride, rows, width, nullptr);
    }
    differentiate_parameters(layer, i > 0 ? layers_[i - 1].y : x_, rows, accumulate);
    if (i == 0) return;
    const T* const weight = values_ + layer.weight * kLaneGroup;
    typed.lanes->product({.a = layer.gradient.first_rows(rows),
                          .b = transposed(Matrix<const T>{weight, layer.inputs, layer.outputs, layer.outputs}),
                          .c = layers_[i - 1].gradient.first_rows(rows),
                          .lanes = lanes_});
  }
}

SIMDNN_INSTANTIATE(LaneNetwork);

}  // namespace simdnn
