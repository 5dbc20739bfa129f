// Concatenation of the outputs of branches that read the same input: y = [f_0(x), f_1(x), ...].
#pragma once

#include "sequential.hpp"

namespace simdnn {

template <class T>
class Concatenate;

struct ConcatenateSpec final : SpecFor<ConcatenateSpec, Concatenate> {
  static constexpr const char* kind = "concatenate";
  std::vector<std::shared_ptr<const SequentialSpec>> branches;

  template <class Fields>
  void fields(Fields& f) {
    f("branches", branches);
  }

  void declare_parameters(const std::string& prefix, ParameterLayout& layout) const override;
  double flops(Index time_steps) const override;
  bool whole_batch() const override;
  void check(const InputReader& x, Index rows) const override;
  SpecPointer fold(BatchNormFolder& folder) const override;
};

template <class T>
class Concatenate final : public Layer<T> {
 public:
  Concatenate(const ConcatenateSpec& spec, ParameterBinder<T>& binder);
  bool has_parameters() const override;
  void reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) override;
  Index time_steps(Index before) const override { return branches_.front().time_steps(before); }
  void commit_running_stats() override;
  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override;
  bool reads_output() const override { return false; }
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext& context) override;

 private:
  Index outputs_;
  bool first_ = false;
  std::vector<Sequential<T>> branches_;
  std::vector<Index> widths_;         ///< features of each branch's output
  std::vector<Matrix<T>> gradients_;  ///< gradients w.r.t. each branch's output
  Matrix<T> y_;
};

}  // namespace simdnn
