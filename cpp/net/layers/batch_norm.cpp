#include "batch_norm.hpp"

#include <algorithm>
#include <cmath>

#include "../batch_norm_folder.hpp"
#include "columns.hpp"

namespace simdnn {

namespace {
enum Number : Index { kMean, kVariance, kInverse, kSums, kProducts, kNumbers };
enum Factor : Index { kCenter, kScale, kOffset, kXScale, kDxOffset, kFactors };
}  // namespace

void BatchNormSpec::declare_parameters(const std::string& prefix, ParameterLayout& layout) const {
  if (affine) {
    layout.parameters.add(prefix + "weight", {input.features});
    layout.parameters.add(prefix + "bias", {input.features});
  }
  layout.buffers.add(prefix + "running_mean", {input.features});
  layout.buffers.add(prefix + "running_var", {input.features});
  layout.buffers.add(prefix + "num_batches_tracked", {});
}

AffineScale BatchNormSpec::affine_scale(const BatchNormFolder& next) const {
  const Index features = input.features;
  const double *const mean = next.next_buffers(), *const variance = mean + features;
  const double *const weight = next.next_parameters(), *const bias = weight + features;
  AffineScale found;
  for (Index j = 0; j < features; ++j) {
    const double scale = (affine ? weight[j] : 1.0) / std::sqrt(variance[j] + eps);
    found.scale.push_back(scale);
    found.offset.push_back((affine ? bias[j] : 0.0) - mean[j] * scale);
  }
  return found;
}

template <class T>
BatchNorm<T>::BatchNorm(const BatchNormSpec& spec, ParameterBinder<T>& binder)
    : features_(spec.input.features),
      eps_(spec.eps),
      momentum_(spec.momentum.value_or(-1)),
      numbers_(std::size_t(kNumbers * features_)) {
  if (spec.affine) {
    weight_ = binder.take(features_);
    bias_ = binder.take(features_);
  }
  running_mean_ = binder.buffer(features_);
  running_variance_ = binder.buffer(features_);
  batches_ = binder.buffer(1);
}

template <class T>
void BatchNorm<T>::reserve(Arena<T>& arena, Index rows, Index, Mode mode, bool) {
  y_ = arena.matrix(rows, features_);
  factors_ = arena.matrix(kFactors, features_);
  epilogue_.reserve(arena, rows, features_, mode);
}

template <class T>
NormColumns<T> BatchNorm<T>::columns() {
  const auto number = [this](Index k) { return numbers_.data() + k * features_; };
  const auto factor = [this](Index k) { return factors_.data + k * factors_.stride; };
  return {.mean = number(kMean),
          .variance = number(kVariance),
          .eps = eps_,
          .weight = weight_.values,
          .bias = bias_.values,
          .inverse = number(kInverse),
          .center = factor(kCenter),
          .scale = factor(kScale),
          .offset = factor(kOffset),
          .sums = number(kSums),
          .products = number(kProducts),
          .x_scale = factor(kXScale),
          .dx_offset = factor(kDxOffset)};
}

/// A batch of one row has no variance, so the running statistics normalize it, as constants.
template <class T>
Matrix<T> BatchNorm<T>::forward(const Matrix<const T>& x, const PassContext& context) {
  const NormKernels<T>& kernels = typed_kernels<T>().layers.norm;
  const NormColumns<T> n = columns();
  const PostOp<T> post_op = epilogue_.forward(context.mode);
  double* const mean = numbers_.data() + kMean * features_;
  double* const variance = numbers_.data() + kVariance * features_;
  const Matrix<T> y = y_.first_rows(x.rows);
  batch_ = context.mode == Mode::train && x.rows > 1 ? x.rows : 0;
  fresh_ = batch_ > 0;
  if (batch_ == 0) {
    std::copy_n(running_mean_, features_, mean);
    std::copy_n(running_variance_, features_, variance);
  }
  for_columns(features_, x.rows, context.stop, [&](Index j, Index count) {
    if (batch_ > 0) kernels.column_moments(x.data + j, x.stride, x.rows, count, mean + j, variance + j);
    kernels.norm_factors(n, j, j + count);
    kernels.scale_columns_to(x.data + j, x.stride, x.rows, count, n.center + j, n.scale + j, n.offset + j, y.data + j,
                             y.stride);
    apply_to_columns(post_op, y, j, count);
  });
  return y;
}

template <class T>
Matrix<T> BatchNorm<T>::backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                                 const PostOp<T>& prev_post_op, const PassContext& context) {
  const NormKernels<T>& kernels = typed_kernels<T>().layers.norm;
  const NormColumns<T> n = columns();
  double* const sums = numbers_.data() + kSums * features_;
  double* const products = numbers_.data() + kProducts * features_;
  const auto narrow = typed_kernels<T>().layers.narrow_gradients;
  for_columns(features_, x.rows, context.stop, [&](Index j, Index count) {
    T* const g = gradient.data + j;
    std::fill_n(sums + j, count, 0.0);
    std::fill_n(products + j, count, 0.0);
    kernels.add_column_products(g, gradient.stride, x.data + j, x.stride, x.rows, count, n.mean + j, sums + j,
                                products + j);
    if (weight_.values) {
      narrow(products + j, n.inverse + j, count, weight_.gradients + j);
      narrow(sums + j, nullptr, count, bias_.gradients + j);
    }
    if (batch_ == 0) std::fill_n(sums + j, count, 0.0);
    if (batch_ == 0) std::fill_n(products + j, count, 0.0);
    kernels.batch_norm_backward_coefficients(n, j, j + count, double(std::max<Index>(batch_, 1)));
    kernels.batch_norm_backward(g, gradient.stride, x.data + j, x.stride, x.rows, count, n.scale + j, n.center + j,
                                n.x_scale + j, n.dx_offset + j);
    if (dx_init.data) add_to(dx_init.data + j, dx_init.stride, gradient.column_range(j, count));
    apply_to_columns(prev_post_op, gradient, j, count);
  });
  return gradient;
}

/// Updates the running statistics as PyTorch does, with the unbiased variance.
template <class T>
void BatchNorm<T>::commit_running_stats() {
  if (!fresh_) return;
  const double *const mean = numbers_.data() + kMean * features_, *const variance = mean + features_;
  batches_[0] += 1;
  const double momentum = momentum_ < 0 ? 1 / double(batches_[0]) : momentum_;
  const double unbiased = double(batch_) / double(batch_ - 1);
  for (Index j = 0; j < features_; ++j) {
    running_mean_[j] = T((1 - momentum) * double(running_mean_[j]) + momentum * mean[j]);
    running_variance_[j] = T((1 - momentum) * double(running_variance_[j]) + momentum * (unbiased * variance[j]));
  }
  fresh_ = false;
}

SIMDNN_INSTANTIATE(BatchNorm);

}  // namespace simdnn
