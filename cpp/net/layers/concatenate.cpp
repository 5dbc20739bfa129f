#include "concatenate.hpp"

#include "../folding.hpp"

namespace simdnn {

void ConcatenateSpec::list(const std::string& prefix, Inventory& inventory) const {
  for (std::size_t i = 0; i < branches.size(); ++i) branches[i]->list(prefix + std::to_string(i) + ".", inventory);
}

double ConcatenateSpec::flops(Index steps) const {
  double sum = 0;
  for (const auto& branch : branches) sum += branch->flops(steps);
  return sum;
}

bool ConcatenateSpec::whole_batch() const {
  for (const auto& branch : branches) {
    if (branch->whole_batch()) return true;
  }
  return false;
}

void ConcatenateSpec::check(const InputReader& x, Index rows) const {
  for (const auto& branch : branches) branch->check(x, rows);
}

SpecPointer ConcatenateSpec::folded(Folding& folding) const {
  const auto made = std::make_shared<ConcatenateSpec>(*this);
  for (auto& branch : made->branches) branch = branch->folded_chain(folding);
  return made;
}

template <class T>
Concatenate<T>::Concatenate(const ConcatenateSpec& spec, Cursor<T>& cursor) : outputs_(spec.output.features) {
  for (const auto& branch : spec.branches) {
    branches_.emplace_back(*branch, cursor);
    widths_.push_back(branch->output.features);
  }
  gradients_.resize(branches_.size());
}

template <class T>
bool Concatenate<T>::learns() const {
  for (const Chain<T>& branch : branches_) {
    if (branch.learns()) return true;
  }
  return false;
}

template <class T>
void Concatenate<T>::reserve(Arena<T>& arena, Index rows, Index steps, Mode mode, bool first) {
  first_ = first;
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    branches_[i].reserve(arena, rows, steps, mode, first);
    if (mode == Mode::train) gradients_[i] = arena.matrix(rows, widths_[i]);
  }
  y_ = arena.matrix(rows, outputs_);
}

template <class T>
void Concatenate<T>::keep() {
  for (Chain<T>& branch : branches_) branch.keep();
}

template <class T>
Matrix<T> Concatenate<T>::forward(const Matrix<const T>& x, const Pass& pass) {
  T* to = y_.data;
  Index rows = 0;
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    const Matrix<T> part = branches_[i].forward(x, pass);
    copy_rows<T>(part, to, y_.stride);
    to += widths_[i];
    rows = part.rows;
  }
  return {y_.data, rows, outputs_, y_.stride};
}

/// Each branch begins its gradient by x from that of the branch before.
template <class T>
Matrix<T> Concatenate<T>::backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& start,
                                   const Finish<T>& below, const Pass& pass) {
  Matrix<const T> sum = start;
  Matrix<T> dx;
  const T* from = gradient.data;
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    const Matrix<T> own{gradients_[i].data, gradient.rows, widths_[i], gradients_[i].stride};
    copy_rows<T>({from, gradient.rows, widths_[i], gradient.stride}, own.data, own.stride);
    from += widths_[i];
    apply(branches_[i].backward_finish(), own);
    const bool last = i + 1 == branches_.size();
    dx = branches_[i].backward(x, own, sum, last ? below : Finish<T>{}, pass);
    if (!first_) sum = dx;
  }
  return dx;
}

template class Concatenate<float>;
template class Concatenate<double>;

}  // namespace simdnn
