// Layers one after the other: a network, or a branch inside one.
#pragma once

#include "../layer.hpp"

namespace simdnn {

template <class T>
class Chain;

struct ChainSpec final : Described<ChainSpec, Chain> {
  std::vector<SpecPointer> layers;

  void list(const std::string& prefix, Inventory& inventory) const override;
  double flops(Index steps) const override;
  bool whole_batch() const override;
  void check(const InputReader& x, Index rows) const override {
    if (!layers.empty()) layers.front()->check(x, rows);
  }
  SpecPointer folded(Folding& folding) const override { return folded_chain(folding); }
  std::shared_ptr<const ChainSpec> folded_chain(Folding& folding) const;
};

template <class T>
class Chain final : public Layer<T> {
 public:
  Chain(const ChainSpec& spec, Cursor<T>& cursor);
  bool learns() const override { return lowest_learner() < layers_.size(); }
  bool fuse(const Activation& activation) override { return !layers_.empty() && layers_.back()->fuse(activation); }
  void reserve(Arena<T>& arena, Index rows, Index steps, Mode mode, bool first) override;
  Index steps(Index before) const override;
  void keep() override;
  Matrix<T> forward(const Matrix<const T>& x, const Pass& pass) override;
  Finish<T> backward_finish() const override;
  bool reads_output() const override { return layers_.empty() || layers_.back()->reads_output(); }
  Matrix<T> backward(const Matrix<const T>&, const Matrix<T>& gradient, const Matrix<const T>& start,
                     const Finish<T>& below, const Pass& pass) override {
    return backward(gradient, start, below, pass, {});
  }

  /// The same; `beside` is what is added to the gradient by last_input().
  Matrix<T> backward(Matrix<T> gradient, const Matrix<const T>& start, const Finish<T>& below, const Pass& pass,
                     const Matrix<const T>& beside);

  /// What the last layer read in the last forward pass.
  const Matrix<const T>& last_input() const { return inputs_.back(); }

  /// Elements of the arena that each of its description's layers has taken.
  std::vector<Index> arena(std::size_t layers) const {
    std::vector<Index> taken(layers, 0);
    for (std::size_t i = 0; i < layers_.size(); ++i) taken[places_[i]] = taken_[i];
    return taken;
  }

 private:
  std::size_t lowest_learner() const;

  std::vector<std::unique_ptr<Layer<T>>> layers_;
  std::vector<std::size_t> places_;      ///< of each in the description, where some are fused or absent
  std::vector<Index> taken_;             ///< of the arena, by each
  std::vector<Matrix<const T>> inputs_;  ///< of each layer, in the last forward pass
  std::vector<Index> steps_;             ///< and its rows of a sample
  std::size_t lowest_ = 0;               ///< the backward pass ends with this layer
  Index columns_;
  Matrix<T> copy_;  ///< the output of a chain without layers
};

}  // namespace simdnn
