#include "dense.hpp"

#include "../batch_norm_folder.hpp"
#include "../parallel_product.hpp"
#include "dense_bf16.hpp"

namespace simdnn {

void DenseSpec::declare_parameters(const std::string& prefix, ParameterLayout& layout) const {
  layout.add_weight(prefix + "weight", {input.features, output.features});
  if (bias) layout.parameters.add(prefix + "bias", {output.features});
}

std::unique_ptr<Layer<float>> DenseSpec::instantiate(ParameterBinder<float>& binder) const {
  if (binder.precision == Precision::bf16) return std::make_unique<DenseBf16>(*this, binder);
  return SpecFor::instantiate(binder);
}

SpecPointer DenseSpec::with_affine_scale(const AffineScale& scaling, BatchNormFolder& last) const {
  return with_scaled_weights(*this, scaling, last);
}

template <class T>
Dense<T>::Dense(const DenseSpec& spec, ParameterBinder<T>& binder)
    : LayerWithEpilogue<T>(spec.activation_of_output),
      inputs_(spec.input.features),
      outputs_(spec.output.features),
      weight_(binder.take(inputs_, outputs_)) {
  if (spec.bias) bias_ = binder.take(outputs_);
}

template <class T>
void Dense<T>::reserve(Arena<T>& arena, Index rows, Index, Mode mode, bool first) {
  y_ = arena.matrix(rows, outputs_);
  epilogue_.reserve(arena, rows, outputs_, mode);
  if (mode == Mode::infer || first) return;
  input_gradient_ = arena.matrix(rows, inputs_);
}

/// y [rows, outputs] = f(x W + b).
template <class T>
Matrix<T> Dense<T>::forward(const Matrix<const T>& x, const PassContext& context) {
  const Matrix<T> y = y_.first_rows(x.rows);
  multiply<T>({.a = x,
               .b = weight_.matrix(),
               .c_init = broadcast(bias_.matrix()),
               .c = y,
               .padded = true,
               .post_op = epilogue_.forward(context.mode)},
              context.stop);
  return y;
}

/// dW = x^T dz, db = 1^T dz, dx = dx_init + dz W^T, where dz is the gradient w.r.t. x W + b.
template <class T>
Matrix<T> Dense<T>::backward(const Matrix<const T>& x, const Matrix<T>& dz, const Matrix<const T>& dx_init,
                             const PostOp<T>& prev_post_op, const PassContext& context) {
  const auto multiply_to_gradient = [&](const Operand<T>& a, const Matrix<T>& gradient) {
    multiply<T>({.a = a, .b = dz, .c_init = context.accumulate ? gradient : Matrix<T>{}, .c = gradient}, context.stop);
  };
  multiply_to_gradient(transposed(x), weight_.gradient());
  if (bias_.values) multiply_to_gradient(row_of_ones<T>(dz.rows), bias_.gradient());

  if (input_gradient_.data == nullptr || context.skip_input_gradient) return {};
  const Matrix<T> dx = input_gradient_.first_rows(x.rows);
  multiply<T>(
      {.a = dz, .b = transposed(weight_.matrix()), .c_init = dx_init, .c = dx, .padded = true, .post_op = prev_post_op},
      context.stop);
  return dx;
}

SIMDNN_INSTANTIATE(Dense);

}  // namespace simdnn
