#include "residual.hpp"

#include "../folding.hpp"

namespace simdnn {

template <class T>
void add(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& out) {
  typed_kernels<T>().layers.add(a.data, a.stride, b.data, b.stride, out.data, out.stride, a.rows, a.columns);
}

void ResidualSpec::list(const std::string& prefix, Inventory& inventory) const {
  branch->list(prefix, inventory);
  if (shortcut) shortcut->list(prefix + "shortcut.", inventory);
}

double ResidualSpec::flops(Index steps) const { return branch->flops(steps) + (shortcut ? shortcut->flops(steps) : 0); }

void ResidualSpec::check(const InputReader& x, Index rows) const {
  branch->check(x, rows);
  if (shortcut) shortcut->check(x, rows);
}

SpecPointer ResidualSpec::folded(Folding& folding) const {
  const auto made = std::make_shared<ResidualSpec>(*this);
  made->branch = branch->folded_chain(folding);
  if (shortcut) made->shortcut = folding.fold(shortcut);
  return made;
}

template <class T>
Residual<T>::Residual(const ResidualSpec& spec, Cursor<T>& cursor)
    : outputs_(spec.output.features),
      branch_(*spec.branch, cursor),
      shortcut_(spec.shortcut ? spec.shortcut->make(cursor) : nullptr) {}

template <class T>
void Residual<T>::reserve(Arena<T>& arena, Index rows, Index steps, Mode mode, bool first) {
  first_ = first;
  branch_.reserve(arena, rows, steps, mode, first);
  if (shortcut_) shortcut_->reserve(arena, rows, steps, mode, first);
  y_ = arena.matrix(rows, outputs_);
  epilogue_.reserve(arena, rows, outputs_, mode);
  if (mode == Mode::infer) return;
  gradient_ = arena.matrix(rows, outputs_);
  if (!first && !shortcut_) sum_ = arena.matrix(rows, outputs_);
}

template <class T>
void Residual<T>::keep() {
  branch_.keep();
  if (shortcut_) shortcut_->keep();
}

template <class T>
Matrix<T> Residual<T>::forward(const Matrix<const T>& x, const Pass& pass) {
  const Matrix<const T> inner = branch_.forward(x, pass);
  const Matrix<const T> straight = shortcut_ ? Matrix<const T>(shortcut_->forward(x, pass)) : x;
  const Matrix<T> y{y_.data, inner.rows, outputs_, y_.stride};
  add(inner, straight, y);
  apply(epilogue_.forward(pass.mode), y);
  return y;
}

template <class T>
Matrix<T> Residual<T>::copy_of(const Matrix<T>& gradient) {
  const Matrix<T> copy{gradient_.data, gradient.rows, outputs_, gradient_.stride};
  copy_rows<T>(gradient, copy.data, copy.stride);
  return copy;
}

/// What the branch's gradient by x begins from: start and what comes through the shortcut.
template <class T>
Matrix<const T> Residual<T>::through_shortcut(const Matrix<const T>& x, const Matrix<T>& gradient,
                                              const Matrix<const T>& start, const Pass& pass) {
  if (shortcut_) {
    const Matrix<T> copy = copy_of(gradient);
    apply(shortcut_->backward_finish(), copy);
    return shortcut_->backward(x, copy, start, {}, pass);
  }
  if (first_) return {};
  if (!start.data) return copy_of(gradient);
  const Matrix<T> sum{sum_.data, gradient.rows, outputs_, sum_.stride};
  add<T>(gradient, start, sum);
  return sum;
}

template <class T>
Matrix<T> Residual<T>::backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& start,
                                const Finish<T>& below, const Pass& pass) {
  const Matrix<const T> straight = through_shortcut(x, gradient, start, pass);
  apply(branch_.backward_finish(), gradient);
  return branch_.backward(x, gradient, straight, below, pass);
}

template class Residual<float>;
template class Residual<double>;

}  // namespace simdnn
