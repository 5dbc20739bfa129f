#include "concatenate.hpp"

#include "../batch_norm_folder.hpp"

namespace simdnn {

void ConcatenateSpec::declare_parameters(const std::string& prefix, ParameterLayout& layout) const {
  for (std::size_t i = 0; i < branches.size(); ++i)
    branches[i]->declare_parameters(prefix + std::to_string(i) + ".", layout);
}

double ConcatenateSpec::flops(Index time_steps) const {
  double sum = 0;
  for (const auto& branch : branches) sum += branch->flops(time_steps);
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

SpecPointer ConcatenateSpec::fold(BatchNormFolder& folder) const {
  const auto made = std::make_shared<ConcatenateSpec>(*this);
  for (auto& branch : made->branches) branch = branch->fold_sequential(folder);
  return made;
}

template <class T>
Concatenate<T>::Concatenate(const ConcatenateSpec& spec, ParameterBinder<T>& binder) : outputs_(spec.output.features) {
  for (const auto& branch : spec.branches) {
    branches_.emplace_back(*branch, binder);
    widths_.push_back(branch->output.features);
  }
  gradients_.resize(branches_.size());
}

template <class T>
bool Concatenate<T>::has_parameters() const {
  for (const Sequential<T>& branch : branches_) {
    if (branch.has_parameters()) return true;
  }
  return false;
}

template <class T>
void Concatenate<T>::reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) {
  first_ = first;
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    branches_[i].reserve(arena, rows, time_steps, mode, first);
    if (mode == Mode::train) gradients_[i] = arena.matrix(rows, widths_[i]);
  }
  y_ = arena.matrix(rows, outputs_);
}

template <class T>
void Concatenate<T>::commit_running_stats() {
  for (Sequential<T>& branch : branches_) branch.commit_running_stats();
}

template <class T>
Matrix<T> Concatenate<T>::forward(const Matrix<const T>& x, const PassContext& context) {
  T* to = y_.data;
  Index rows = 0;
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    const Matrix<T> part = branches_[i].forward(x, context);
    copy_rows<T>(part, to, y_.stride);
    to += widths_[i];
    rows = part.rows;
  }
  return {y_.data, rows, outputs_, y_.stride};
}

/// Each branch begins its gradient by x from that of the branch before.
template <class T>
Matrix<T> Concatenate<T>::backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                                   const PostOp<T>& prev_post_op, const PassContext& context) {
  Matrix<const T> sum = dx_init;
  Matrix<T> dx;
  const T* from = gradient.data;
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    const Matrix<T> own{gradients_[i].data, gradient.rows, widths_[i], gradients_[i].stride};
    copy_rows<T>({from, gradient.rows, widths_[i], gradient.stride}, own.data, own.stride);
    from += widths_[i];
    apply(branches_[i].backward_post_op(), own);
    const bool last = i + 1 == branches_.size();
    dx = branches_[i].backward(x, own, sum, last ? prev_post_op : PostOp<T>{}, context);
    if (!first_) sum = dx;
  }
  return dx;
}

SIMDNN_INSTANTIATE(Concatenate);

}  // namespace simdnn
