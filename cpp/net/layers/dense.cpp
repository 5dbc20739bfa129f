#include "dense.hpp"

#include "../batch_norm_folder.hpp"
#include "../multiply.hpp"

namespace simdnn {

void DenseSpec::declare_parameters(const std::string& prefix, ParameterLayout& layout) const {
  layout.parameters.add(prefix + "weight", {input.features, output.features});
  if (bias) layout.parameters.add(prefix + "bias", {output.features});
}

SpecPointer DenseSpec::with_affine_scale(const AffineScale& scaling, BatchNormFolder& last) const {
  if (!activation_of_output.identity()) return nullptr;
  const auto made = std::make_shared<DenseSpec>(*this);
  made->bias = true;
  const std::size_t columns = scaling.scale.size();
  if (!bias) last.parameters.resize(last.parameters.size() + columns);
  double* const values = last.parameters.data() + last.parameters.size() - columns - std::size_t(weights());
  double* const offset = values + weights();
  for (std::size_t i = 0; i < std::size_t(weights()); ++i) values[i] *= scaling.scale[i % columns];
  for (std::size_t j = 0; j < columns; ++j) offset[j] = offset[j] * scaling.scale[j] + scaling.offset[j];
  return made;
}

template <class T>
Dense<T>::Dense(const DenseSpec& spec, ParameterBinder<T>& binder)
    : LayerWithEpilogue<T>(spec.activation_of_output),
      inputs_(spec.input.features),
      outputs_(spec.output.features),
      weight_(binder.take(spec.weights())) {
  if (spec.bias) bias_ = binder.take(outputs_);
}

template <class T>
void Dense<T>::reserve(Arena<T>& arena, Index rows, Index, Mode mode, bool first) {
  y_ = arena.matrix(rows, outputs_);
  epilogue_.reserve(arena, rows, outputs_, mode);
  if (mode == Mode::infer || first) return;
  input_gradient_ = arena.matrix(rows, inputs_);
}

template <class T>
Matrix<T> Dense<T>::forward(const Matrix<const T>& x, const PassContext& context) {
  Product<T> p;
  p.rows = x.rows;
  p.columns = outputs_;
  p.depth = inputs_;
  p.a = x.data;
  p.a_row = x.stride;
  p.a_column = 1;
  p.b = weight_.values;
  p.b_row = outputs_;
  p.c_init = bias_.values;
  p.c = y_.data;
  p.c_row = y_.stride;
  p.padded = true;
  p.post_op = epilogue_.forward(context.mode);
  multiply(p, context.stop);
  return {y_.data, x.rows, outputs_, y_.stride};
}

template <class T>
Matrix<T> Dense<T>::backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                             const PostOp<T>& prev_post_op, const PassContext& context) {
  Product<T> weight;  // dW = X^T dZ
  weight.rows = inputs_;
  weight.columns = outputs_;
  weight.depth = x.rows;
  weight.a = x.data;
  weight.a_row = 1;
  weight.a_column = x.stride;
  weight.b = gradient.data;
  weight.b_row = gradient.stride;
  weight.c = weight_.gradients;
  weight.c_row = outputs_;
  weight.c_init = context.accumulate ? weight.c : nullptr;
  weight.c_init_row = weight.c_row;
  multiply(weight, context.stop);

  if (bias_.values) {  // db = 1^T dZ
    static constexpr T one = 1;
    Product<T> bias = weight;
    bias.rows = 1;
    bias.a = &one;
    bias.a_column = 0;
    bias.c = bias_.gradients;
    bias.c_init = context.accumulate ? bias.c : nullptr;
    multiply(bias, context.stop);
  }

  if (input_gradient_.data == nullptr || context.skip_input_gradient) return {};
  Product<T> input;  // dX = start + dZ W^T
  input.rows = x.rows;
  input.columns = inputs_;
  input.depth = outputs_;
  input.a = gradient.data;
  input.a_row = gradient.stride;
  input.a_column = 1;
  input.b = weight_.values;
  input.b_row = 1;
  input.b_column = outputs_;
  input.c_init = dx_init.data;
  input.c_init_row = dx_init.stride;
  input.c = input_gradient_.data;
  input.c_row = input_gradient_.stride;
  input.padded = true;
  input.post_op = prev_post_op;
  multiply(input, context.stop);
  return {input_gradient_.data, x.rows, inputs_, input_gradient_.stride};
}

SIMDNN_INSTANTIATE(Dense);

}  // namespace simdnn
