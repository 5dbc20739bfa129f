#include "residual.hpp"

#include "../batch_norm_folder.hpp"

namespace simdnn {

/// out = a + b.
template <class T>
void add(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& out) {
  typed_kernels<T>().layers.add(a.data, a.stride, b.data, b.stride, out.data, out.stride, a.rows, a.columns);
}

void ResidualSpec::declare_parameters(const std::string& prefix, ParameterLayout& layout) const {
  branch->declare_parameters(prefix, layout);
  if (shortcut) shortcut->declare_parameters(prefix + "shortcut.", layout);
}

double ResidualSpec::flops(Index time_steps) const {
  return branch->flops(time_steps) + (shortcut ? shortcut->flops(time_steps) : 0);
}

void ResidualSpec::check(const InputReader& x, Index rows) const {
  branch->check(x, rows);
  if (shortcut) shortcut->check(x, rows);
}

SpecPointer ResidualSpec::fold(BatchNormFolder& folder) const {
  const auto made = std::make_shared<ResidualSpec>(*this);
  made->branch = branch->fold_sequential(folder);
  if (shortcut) made->shortcut = folder.fold(shortcut);
  return made;
}

template <class T>
Residual<T>::Residual(const ResidualSpec& spec, ParameterBinder<T>& binder)
    : outputs_(spec.output.features),
      branch_(*spec.branch, binder),
      shortcut_(spec.shortcut ? spec.shortcut->instantiate(binder) : nullptr) {}

template <class T>
void Residual<T>::reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) {
  first_ = first;
  branch_.reserve(arena, rows, time_steps, mode, first);
  if (shortcut_) shortcut_->reserve(arena, rows, time_steps, mode, first);
  y_ = arena.matrix(rows, outputs_);
  epilogue_.reserve(arena, rows, outputs_, mode);
  if (mode == Mode::infer) return;
  gradient_ = arena.matrix(rows, outputs_);
  if (!first && !shortcut_) sum_ = arena.matrix(rows, outputs_);
}

template <class T>
void Residual<T>::commit_running_stats() {
  branch_.commit_running_stats();
  if (shortcut_) shortcut_->commit_running_stats();
}

template <class T>
Matrix<T> Residual<T>::forward(const Matrix<const T>& x, const PassContext& context) {
  const Matrix<const T> inner = branch_.forward(x, context);
  const Matrix<const T> straight = shortcut_ ? Matrix<const T>(shortcut_->forward(x, context)) : x;
  const Matrix<T> y = y_.first_rows(inner.rows);
  add(inner, straight, y);
  apply(epilogue_.forward(context.mode), y);
  return y;
}

template <class T>
Matrix<T> Residual<T>::copy_of(const Matrix<T>& gradient) {
  const Matrix<T> copy = gradient_.first_rows(gradient.rows);
  copy_rows<T>(gradient, copy.data, copy.stride);
  return copy;
}

/// dx_init of the branch: the layer's own dx_init plus the gradient that comes through the shortcut.
template <class T>
Matrix<const T> Residual<T>::through_shortcut(const Matrix<const T>& x, const Matrix<T>& gradient,
                                              const Matrix<const T>& dx_init, const PassContext& context) {
  if (shortcut_) {
    const Matrix<T> copy = copy_of(gradient);
    apply(shortcut_->backward_post_op(), copy);
    return shortcut_->backward(x, copy, dx_init, {}, context);
  }
  if (first_) return {};
  if (!dx_init.data) return copy_of(gradient);
  const Matrix<T> sum = sum_.first_rows(gradient.rows);
  add<T>(gradient, dx_init, sum);
  return sum;
}

template <class T>
Matrix<T> Residual<T>::backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                                const PostOp<T>& prev_post_op, const PassContext& context) {
  const Matrix<const T> straight = through_shortcut(x, gradient, dx_init, context);
  apply(branch_.backward_post_op(), gradient);
  return branch_.backward(x, gradient, straight, prev_post_op, context);
}

SIMDNN_INSTANTIATE(Residual);

}  // namespace simdnn
