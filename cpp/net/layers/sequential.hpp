// A sequence of layers: a network, or a branch inside one.
#pragma once

#include "../layer.hpp"

namespace simdnn {

template <class T>
class Sequential;

struct SequentialSpec final : SpecFor<SequentialSpec, Sequential> {
  static constexpr const char* kind = "sequential";
  std::vector<SpecPointer> layers;

  template <class Fields>
  void fields(Fields& f) {
    f("layers", layers);
  }

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

  /// The input of the last layer in the last forward pass.
  const Matrix<const T>& last_input() const { return inputs_.back(); }

  /// Number of arena elements that each of the `layers` layers of the description has taken.
  std::vector<Index> arena(std::size_t layers) const {
    std::vector<Index> taken(layers, 0);
    for (std::size_t i = 0; i < layers_.size(); ++i) taken[places_[i]] = taken_[i];
    return taken;
  }

 private:
  std::size_t lowest_trainable() const;

  std::vector<std::unique_ptr<Layer<T>>> layers_;
  std::vector<std::size_t> places_;      ///< index of each layer in the description, of which some are fused or no-ops
  std::vector<Index> taken_;             ///< elements of the arena that each layer has taken
  std::vector<Matrix<const T>> inputs_;  ///< input of each layer in the last forward pass
  std::vector<Index> time_steps_;        ///< rows per sample of that input
  std::size_t lowest_ = 0;               ///< index of the layer that ends the backward pass
  Index columns_;
  Matrix<T> copy_;  ///< the output of an empty Sequential
};

}  // namespace simdnn
