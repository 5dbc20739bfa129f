#include "layer_norm.hpp"

#include "columns.hpp"

namespace simdnn {

void LayerNormSpec::declare_parameters(const std::string& prefix, ParameterLayout& layout) const {
  if (!affine) return;
  layout.parameters.add(prefix + "weight", {input.features});
  layout.parameters.add(prefix + "bias", {input.features});
}

template <class T>
LayerNorm<T>::LayerNorm(const LayerNormSpec& spec, ParameterBinder<T>& binder)
    : features_(spec.input.features), eps_(spec.eps) {
  if (!spec.affine) return;
  weight_ = binder.take(features_);
  bias_ = binder.take(features_);
  sums_.resize(std::size_t(2 * features_));
}

template <class T>
void LayerNorm<T>::reserve(Arena<T>& arena, Index rows, Index, Mode mode, bool) {
  y_ = arena.matrix(rows, features_);
  if (mode == Mode::train) normal_ = arena.matrix(rows, features_);
  inverse_.resize(std::size_t(rows));
  epilogue_.reserve(arena, rows, features_, mode);
}

template <class T>
Matrix<T> LayerNorm<T>::forward(const Matrix<const T>& x, const PassContext& context) {
  const PostOp<T> post_op = epilogue_.forward(context.mode);
  for_rows(x.rows, features_, context.stop, [&](Index i, Index count) {
    typed_kernels<T>().layers.norm.layer_norm({.x = x.row_range(i, count),
                                               .eps = eps_,
                                               .weight = weight_.values,
                                               .bias = bias_.values,
                                               .normal = normal_.row_range(i, count),
                                               .y = y_.row_range(i, count),
                                               .inverse = inverse_.data() + i});
    apply_to_rows(post_op, y_, i, count);
  });
  return y_.first_rows(x.rows);
}

/// Adds the gradients w.r.t. weight and bias, whose sums over the chunks of a batch are kept in double.
template <class T>
void LayerNorm<T>::add_gradients(const Matrix<T>& gradient, const PassContext& context) {
  double *const products = sums_.data(), *const sums = products + features_;
  if (!context.accumulate) std::fill(sums_.begin(), sums_.end(), 0.0);
  const auto narrow = typed_kernels<T>().layers.narrow_gradients;
  for_columns(features_, gradient.rows, context.stop, [&](Index j, Index count) {
    typed_kernels<T>().layers.norm.add_column_products(gradient.data + j, gradient.stride, normal_.data + j,
                                                       normal_.stride, gradient.rows, count, nullptr, sums + j,
                                                       products + j);
    narrow(products + j, nullptr, count, weight_.gradients + j);
    narrow(sums + j, nullptr, count, bias_.gradients + j);
  });
}

template <class T>
Matrix<T> LayerNorm<T>::backward(const Matrix<const T>&, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                                 const PostOp<T>& prev_post_op, const PassContext& context) {
  if (has_parameters()) add_gradients(gradient, context);
  for_rows(gradient.rows, features_, context.stop, [&](Index i, Index count) {
    const Matrix<T> rows = gradient.row_range(i, count);
    typed_kernels<T>().layers.norm.layer_norm_backward(
        {.weight = weight_.values, .normal = normal_.row_range(i, count), .y = rows, .inverse = inverse_.data() + i});
    if (dx_init.data) add_to(dx_init.row(i), dx_init.stride, rows);
    apply_to_rows(prev_post_op, gradient, i, count);
  });
  return gradient;
}

SIMDNN_INSTANTIATE(LayerNorm);

}  // namespace simdnn
