// Layers one after the other: a network, or a branch inside one.
#pragma once

#include "../layer.hpp"

namespace simdnn {

template <class T>
class Sequential;

struct SequentialSpec final : SpecFor<SequentialSpec, Sequential> {
  std::vector<SpecPointer> layers;

  void declare_parameters(const std::string& prefix, ParameterLayout& layout) const override;
  double flops(Index time_steps) const override;
  bool whole_batch() const override;
  void check(const InputReader& x, Index rows) const override {
    if (!layers.empty()) layers.front()->check(x, rows);
  }
  SpecPointer fold(BatchNormFolder& folder) const override { return fold_sequential(folder); }
  std::shared_ptr<const SequentialSpec> fold_sequential(BatchNormFolder& folder) const;
};

template <class T>
class Sequential final : public Layer<T> {
 public:
  Sequential(const SequentialSpec& spec, ParameterBinder<T>& binder);
  bool has_parameters() const override { return lowest_trainable() < layers_.size(); }
  bool fuse(const Activation& activation) override { return !layers_.empty() && layers_.back()->fuse(activation); }
  void reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) override;
  Index time_steps(Index before) const override;
  void commit_running_stats() override;
  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override;
  PostOp<T> backward_post_op() const override;
  bool reads_output() const override { return layers_.empty() || layers_.back()->reads_output(); }
  Matrix<T> backward(const Matrix<const T>&, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext& context) override {
    return backward(gradient, dx_init, prev_post_op, context, {});
  }

  /// Overload with `extra_gradient`, which is added to the gradient w.r.t. last_input().
  Matrix<T> backward(Matrix<T> gradient, const Matrix<const T>& dx_init, const PostOp<T>& prev_post_op,
                     const PassContext& context, const Matrix<const T>& extra_gradient);

  /// What the last layer read in the last forward pass.
  const Matrix<const T>& last_input() const { return inputs_.back(); }

  /// Elements of the arena that each of its description's layers has taken.
  std::vector<Index> arena(std::size_t layers) const {
    std::vector<Index> taken(layers, 0);
    for (std::size_t i = 0; i < layers_.size(); ++i) taken[places_[i]] = taken_[i];
    return taken;
  }

 private:
  std::size_t lowest_trainable() const;

  std::vector<std::unique_ptr<Layer<T>>> layers_;
  std::vector<std::size_t> places_;      ///< of each in the description, where some are fused or left out
  std::vector<Index> taken_;             ///< of the arena, by each
  std::vector<Matrix<const T>> inputs_;  ///< of each layer, in the last forward pass
  std::vector<Index> time_steps_;        ///< and its rows of a sample
  std::size_t lowest_ = 0;               ///< the backward pass ends with this layer
  Index columns_;
  Matrix<T> copy_;  ///< output of an empty Sequential
};

}  // namespace simdnn
