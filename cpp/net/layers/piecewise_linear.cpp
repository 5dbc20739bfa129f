#include "piecewise_linear.hpp"

#include "../batch_norm_folder.hpp"
#include "../parallel_product.hpp"
#include "columns.hpp"

namespace simdnn {

void PiecewiseLinearSpec::declare_parameters(const std::string& prefix, ParameterLayout& layout) const {
  layout.parameters.add(prefix + "weight", {checked_sum(codes(), plain()), output.features});
  if (bias) layout.parameters.add(prefix + "bias", {output.features});
}

SpecPointer PiecewiseLinearSpec::with_affine_scale(const AffineScale& scaling, BatchNormFolder& last) const {
  return with_scaled_weights(*this, scaling, last);
}

/// Three operations of a position for each output, y += below + code w, where a plain input has two; and about as many
/// in each of the two backward passes.
double PiecewiseLinearSpec::flops(Index time_steps) const {
  return (9.0 * double(encoded) + 6.0 * double(plain())) * double(output.features) * double(time_steps);
}

template <class T>
PiecewiseLinear<T>::PiecewiseLinear(const PiecewiseLinearSpec& spec, ParameterBinder<T>& binder)
    : LayerWithEpilogue<T>(spec.activation_of_output),
      encoded_(spec.encoded),
      plain_(spec.plain()),
      bins_(spec.bins),
      outputs_(spec.output.features),
      code_weight_(binder.take(spec.codes(), outputs_)),
      weight_(binder.take(plain_, outputs_)) {
  if (spec.bias) bias_ = binder.take(outputs_);
}

template <class T>
void PiecewiseLinear<T>::reserve(Arena<T>& arena, Index rows, Index, Mode mode, bool first) {
  y_ = arena.matrix(rows, outputs_);
  epilogue_.reserve(arena, rows, outputs_, mode);
  if (mode == Mode::train && !first) input_gradient_ = arena.matrix(rows, encoded_ + plain_);
}

template <class T>
Nanoseconds PiecewiseLinear<T>::work(Index rows) const {
  return (3.0 * double(rows) + 2.0 * double(bins_)) * double(encoded_) * double(outputs_) * kFlop<T>;
}

/// y [rows, outputs] = f(b + codes W + others W).
template <class T>
Matrix<T> PiecewiseLinear<T>::forward(const Matrix<const T>& x, const PassContext& context) {
  constexpr Index grain = 32;
  const Matrix<T> y = y_.first_rows(x.rows);
  const PostOp<T> post_op = epilogue_.forward(context.mode);
  parallel_for(x.rows, grain, work(x.rows), [&](Index begin, Index end) {
    const Index count = end - begin;
    typed_kernels<T>().layers.piecewise.forward({.positions = x.row_range(begin, count).column_range(0, encoded_),
                                                 .bins = bins_,
                                                 .weight = code_weight_.matrix(),
                                                 .bias = bias_.values,
                                                 .y = y.row_range(begin, count)});
    if (plain_ == 0) apply_to_rows(post_op, y, begin, count);
  });
  context.stop.after(work(x.rows));
  if (plain_ > 0) {
    multiply<T>({.a = x.column_range(encoded_, plain_),
                 .b = weight_.matrix(),
                 .c_init = y,
                 .c = y,
                 .padded = true,
                 .post_op = post_op},
                context.stop);
  }
  return y;
}

/// dW = codes^T dz in blocks of kCodedRows rows, and of the other inputs x^T dz; db = 1^T dz.
template <class T>
void PiecewiseLinear<T>::add_gradients(const Matrix<const T>& x, const Matrix<T>& dz, const PassContext& context) {
  for (Index i = 0; (i == 0 || i < x.rows) && !context.stop.stopped(); i += kCodedRows) {
    const Index count = std::min(kCodedRows, x.rows - i);
    parallel_for(encoded_, 1, work(count), [&](Index begin, Index end) {
      typed_kernels<T>().layers.piecewise.weight_gradient(
          {.positions = x.row_range(i, count).column_range(begin, end - begin),
           .bins = bins_,
           .dy = dz.row_range(i, count),
           .weight_gradient = code_weight_.gradient().row_range(begin * bins_, (end - begin) * bins_),
           .accumulate = context.accumulate || i > 0});
    });
    context.stop.after(work(count));
  }
  const auto multiply_to_gradient = [&](const Operand<T>& a, const Matrix<T>& gradient) {
    multiply<T>({.a = a, .b = dz, .c_init = context.accumulate ? gradient : Matrix<T>{}, .c = gradient}, context.stop);
  };
  if (plain_ > 0) multiply_to_gradient(transposed(x.column_range(encoded_, plain_)), weight_.gradient());
  if (bias_.values) multiply_to_gradient(row_of_ones<T>(dz.rows), bias_.gradient());
}

/// dx = dx_init + dz W^T for the other inputs, and the slopes within the bins for positions.
template <class T>
Matrix<T> PiecewiseLinear<T>::backward(const Matrix<const T>& x, const Matrix<T>& dz, const Matrix<const T>& dx_init,
                                       const PostOp<T>& prev_post_op, const PassContext& context) {
  add_gradients(x, dz, context);
  if (input_gradient_.data == nullptr || context.skip_input_gradient) return {};
  const Matrix<T> dx = input_gradient_.first_rows(x.rows);
  for_rows(x.rows, encoded_ * outputs_ / 8, context.stop, [&](Index i, Index count) {
    typed_kernels<T>().layers.piecewise.position_gradient({.positions = x.row_range(i, count).column_range(0, encoded_),
                                                           .bins = bins_,
                                                           .weight = code_weight_.matrix(),
                                                           .dy = dz.row_range(i, count),
                                                           .position_gradient = dx.row_range(i, count)});
  });
  if (plain_ > 0) {
    multiply<T>({.a = dz, .b = transposed(weight_.matrix()), .c = dx.column_range(encoded_, plain_)}, context.stop);
  }
  return pass_through_gradient(dx, dx_init, prev_post_op);
}

SIMDNN_INSTANTIATE(PiecewiseLinear);

}  // namespace simdnn
