#include "dense_bf16.hpp"

#include "../parallel_product.hpp"

namespace simdnn {
namespace {

/// A matrix of bf16 in memory of the arena.
Matrix<Bf16> bf16_matrix(Arena<float>& arena, Index rows, Index columns) {
  constexpr Index each = sizeof(float) / sizeof(Bf16);
  const Matrix<float> memory = arena.matrix(rows, (columns + each - 1) / each);
  return {reinterpret_cast<Bf16*>(memory.data), rows, columns, each * memory.stride};
}

/// The rows of m, rounded to the first rows of `to`.
Matrix<Bf16> rounded(const Matrix<const float>& m, const Matrix<Bf16>& to) {
  const Nanoseconds work = kRoundElement * double(m.rows * m.columns);
  parallel_for(m.rows, 1, work, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) kernels().bf16.round(m.row(i), m.columns, to.row(i));
  });
  return to.first_rows(m.rows);
}

}  // namespace

DenseBf16::DenseBf16(const DenseSpec& spec, ParameterBinder<float>& binder)
    : LayerWithEpilogue<float>(spec.activation_of_output),
      inputs_(spec.input.features),
      outputs_(spec.output.features),
      weight_(binder.take_rounded(inputs_, outputs_)) {
  if (binder.gradients) master_ = binder.take(inputs_, outputs_);
  if (spec.bias) bias_ = binder.take(outputs_);
}

void DenseBf16::reserve(Arena<float>& arena, Index rows, Index, Mode mode, bool first) {
  y_ = arena.matrix(rows, outputs_);
  epilogue_.reserve(arena, rows, outputs_, mode);
  x_ = bf16_matrix(arena, rows, inputs_);
  if (mode == Mode::infer) return;
  gradient_ = bf16_matrix(arena, rows, outputs_);
  if (!first) input_gradient_ = arena.matrix(rows, inputs_);
}

/// y [rows, outputs] = f(x W + b).
Matrix<float> DenseBf16::forward(const Matrix<const float>& x, const PassContext& context) {
  const Matrix<float> y = y_.first_rows(x.rows);
  multiply({.a = rounded(x, x_),
            .b = weight_,
            .c_init = broadcast(bias_.matrix()),
            .c = y,
            .padded = true,
            .post_op = epilogue_.forward(context.mode),
            .scratch = product_scratch},
           context.stop);
  return y;
}

/// dW = x^T dz, db = 1^T dz, dx = dx_init + dz W^T, where dz is the gradient w.r.t. x W + b; db sums dz in float.
Matrix<float> DenseBf16::backward(const Matrix<const float>& x, const Matrix<float>& gradient,
                                  const Matrix<const float>& dx_init, const PostOp<float>& prev_post_op,
                                  const PassContext& context) {
  const auto sum_before = [&](const Matrix<float>& sum) { return context.accumulate ? sum : Matrix<float>{}; };
  const Matrix<Bf16> dz = rounded(gradient, gradient_);
  const Matrix<float> dw = master_.gradient(), db = bias_.gradient();
  multiply(
      {.a = transposed(x_.first_rows(x.rows)), .b = dz, .c_init = sum_before(dw), .c = dw, .scratch = product_scratch},
      context.stop);
  if (bias_.values) {
    multiply<float>({.a = row_of_ones<float>(x.rows), .b = gradient, .c_init = sum_before(db), .c = db}, context.stop);
  }

  if (input_gradient_.data == nullptr || context.skip_input_gradient) return {};
  const Matrix<float> dx = input_gradient_.first_rows(x.rows);
  multiply({.a = dz,
            .b = transposed(weight_),
            .c_init = dx_init,
            .c = dx,
            .padded = true,
            .post_op = prev_post_op,
            .scratch = product_scratch},
           context.stop);
  return dx;
}

}  // namespace simdnn
