#include "trainable_activation.hpp"

#include "columns.hpp"

namespace simdnn {

template <class T>
TrainableActivation<T>::TrainableActivation(const TrainableActivationSpec& spec, ParameterBinder<T>& binder)
    : features_(spec.input.features),
      shared_(spec.shared),
      tiles_(typed_kernels<T>().trainable[spec.function.index]),
      parameter_(binder.take(spec.count())),
      spread_(std::size_t(features_)),
      sums_(std::size_t(features_)) {}

template <class T>
void TrainableActivation<T>::reserve(Arena<T>& arena, Index rows, Index, Mode, bool) {
  y_ = arena.matrix(rows, features_);
}

template <class T>
Matrix<T> TrainableActivation<T>::forward(const Matrix<const T>& x, const PassContext& context) {
  for (Index j = 0; j < features_; ++j) spread_[std::size_t(j)] = parameter_.values[shared_ ? 0 : j];
  for_columns(features_, x.rows, context.stop, [&](Index j, Index count) {
    tiles_.value(x.data + j, x.stride, x.rows, count, spread_.data() + j, y_.data + j, y_.stride);
  });
  return y_.first_rows(x.rows);
}

/// The gradient w.r.t. a shared parameter is a sum over the features; all sums are in double.
template <class T>
Matrix<T> TrainableActivation<T>::backward(const Matrix<const T>& x, const Matrix<T>& gradient,
                                           const Matrix<const T>& dx_init, const PostOp<T>& prev_post_op,
                                           const PassContext& context) {
  const auto narrow = typed_kernels<T>().layers.narrow_gradients;
  if (!context.accumulate) std::fill(sums_.begin(), sums_.end(), 0.0);
  for_columns(features_, x.rows, context.stop, [&](Index j, Index count) {
    T* const g = gradient.data + j;
    tiles_.backward(x.data + j, x.stride, x.rows, count, spread_.data() + j, g, gradient.stride, sums_.data() + j);
    if (dx_init.data) add_to(dx_init.data + j, dx_init.stride, gradient.column_range(j, count));
    apply_to_columns(prev_post_op, gradient, j, count);
  });
  if (shared_) {
    const double sum = typed_kernels<double>().row_sum(sums_.data(), features_);
    narrow(&sum, nullptr, 1, parameter_.gradients);
  } else {
    narrow(sums_.data(), nullptr, features_, parameter_.gradients);
  }
  return gradient;
}

SIMDNN_INSTANTIATE(TrainableActivation);

}  // namespace simdnn
