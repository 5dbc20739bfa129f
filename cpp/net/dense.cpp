#include "dense.hpp"

#include <cstring>

#include "multiply.hpp"

namespace simdnn {

template <class T>
Dense<T>::Dense(const DenseSpec& spec)
    : spec_(spec), activation_parameters_(spec.parameters.begin(), spec.parameters.end()) {
  const Description& about = *kernels().activations[spec.activation].about;
  linear_ = std::strcmp(about.name, "identity") == 0;
  stores_derivative_ = about.reads == Reads::input;
  activation_parameters_.resize(kMaxParameters);
}

template <class T>
std::vector<ParameterBlock> Dense<T>::parameters() const {
  std::vector<ParameterBlock> blocks{{"weight", 0, {spec_.inputs, spec_.outputs}}};
  if (spec_.bias) blocks.push_back({"bias", spec_.inputs * spec_.outputs, {spec_.outputs}});
  return blocks;
}

template <class T>
void Dense<T>::reserve(Arena<T>& arena, Index rows, Mode mode, bool first) {
  y_ = arena.matrix(rows, spec_.outputs);
  if (mode == Mode::infer) return;
  if (stores_derivative_) derivative_ = arena.matrix(rows, spec_.outputs);
  if (first) return;
  mirror_ = arena.matrix(spec_.outputs, spec_.inputs);
  input_gradient_ = arena.matrix(rows, spec_.inputs);
}

template <class T>
void Dense<T>::prepare(const ParameterViews<T>& views) {
  if (mirror_.data == nullptr) return;
  typed_kernels<T>().transpose(views.values, spec_.outputs, spec_.inputs, spec_.outputs, mirror_.data, mirror_.stride);
}

template <class T>
Matrix<T> Dense<T>::forward(const Matrix<const T>& x, const ParameterViews<T>& views, Mode mode,
                            const Context& context) {
  Product<T> p;
  p.rows = x.rows;
  p.columns = y_.stride;
  p.depth = spec_.inputs;
  p.a = x.data;
  p.a_row = x.stride;
  p.a_column = 1;
  p.b = views.values;
  p.b_row = spec_.outputs;
  p.start = spec_.bias ? bias(views) : nullptr;
  p.c = y_.data;
  p.c_row = y_.stride;
  if (!linear_) {
    const ActivationTiles<T>& tiles = typed_kernels<T>().activations[spec_.activation];
    p.finish = {mode == Mode::train ? tiles.train : tiles.infer, derivative_.data, activation_parameters_.data()};
  }
  multiply(p, context);
  return {y_.data, x.rows, spec_.outputs, y_.stride};
}

template <class T>
Finish<T> Dense<T>::backward_finish() const {
  if (linear_) return {};
  return {typed_kernels<T>().activations[spec_.activation].backward, stores_derivative_ ? derivative_.data : y_.data,
          activation_parameters_.data()};
}

template <class T>
Matrix<T> Dense<T>::backward(const Matrix<const T>& x, const Matrix<T>& gradient, const ParameterViews<T>& views,
                             bool accumulate, const Matrix<const T>& start, const Finish<T>& below,
                             const Context& context) {
  Product<T> weight;  // dW = X^T dZ
  weight.rows = spec_.inputs;
  weight.columns = spec_.outputs;
  weight.depth = x.rows;
  weight.a = x.data;
  weight.a_row = 1;
  weight.a_column = x.stride;
  weight.b = gradient.data;
  weight.b_row = gradient.stride;
  weight.c = views.gradients;
  weight.c_row = spec_.outputs;
  weight.start = accumulate ? weight.c : nullptr;
  weight.start_row = weight.c_row;
  multiply(weight, context);

  if (spec_.bias) {  // db = 1^T dZ
    static constexpr T one = 1;
    Product<T> bias = weight;
    bias.rows = 1;
    bias.a = &one;
    bias.a_column = 0;
    bias.c = views.gradients + spec_.inputs * spec_.outputs;
    bias.start = accumulate ? bias.c : nullptr;
    multiply(bias, context);
  }

  if (mirror_.data == nullptr) return {};
  Product<T> input;  // dX = start + dZ W^T
  input.rows = x.rows;
  input.columns = mirror_.stride;
  input.depth = spec_.outputs;
  input.a = gradient.data;
  input.a_row = gradient.stride;
  input.a_column = 1;
  input.b = mirror_.data;
  input.b_row = mirror_.stride;
  input.start = start.data;
  input.start_row = start.stride;
  input.c = input_gradient_.data;
  input.c_row = input_gradient_.stride;
  input.finish = below;
  multiply(input, context);
  return {input_gradient_.data, x.rows, spec_.inputs, input_gradient_.stride};
}

template class Dense<float>;
template class Dense<double>;

}  // namespace simdnn
