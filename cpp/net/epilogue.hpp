// An activation that ends a layer: applied where the layer writes its output, and undone where a gradient comes in.
#pragma once

#include <cstring>

#include "../base/find_by_name.hpp"
#include "../dispatch.hpp"
#include "layer.hpp"

namespace simdnn {

/// The index of an activation in the registry.
inline int activation_index(const std::string& name) {
  return find_by_name("activation", name, kernels().activation_count,
                      [](int i) { return kernels().activations[i].info->name; });
}

/// An activation of the registry, with its parameters in the order of its description.
struct Activation {
  int index = 0;
  std::vector<double> parameters = {};

  const Description& info() const { return *kernels().activations[index].info; }
  bool identity() const { return std::strcmp(info().name, "identity") == 0; }
};

/// The activation at the end of a layer, if there is one, with the memory of its derivative.
template <class T>
class Epilogue {
 public:
  explicit Epilogue(const Activation& activation) { set(activation); }

  /// Appends this activation to the layer's own function, if it has none yet.
  bool fuse(const Activation& activation) {
    if (tiles_) return false;
    set(activation);
    return true;
  }
  bool none() const { return tiles_ == nullptr; }

  void reserve(Arena<T>& arena, Index rows, Index columns, Mode mode) {
    if (mode == Mode::train && stores_derivative_) derivative_ = arena.matrix(rows, columns);
  }
  PostOp<T> forward(Mode mode) const {
    if (none()) return {};
    return {mode == Mode::train ? tiles_->train : tiles_->infer, derivative_.data, parameters_};
  }
  /// The post-op of the gradient w.r.t. y, the layer's output.
  PostOp<T> backward(const Matrix<T>& y) const {
    if (none()) return {};
    return {tiles_->backward, stores_derivative_ ? derivative_.data : y.data, parameters_};
  }
  bool reads_output() const { return tiles_ && !stores_derivative_; }

 private:
  void set(const Activation& activation) {
    if (activation.identity()) return;
    tiles_ = &typed_kernels<T>().activations[activation.index];
    stores_derivative_ = activation.info().reads == Reads::input;
    for (std::size_t i = 0; i < activation.parameters.size(); ++i) parameters_[i] = T(activation.parameters[i]);
  }

  const ActivationTiles<T>* tiles_ = nullptr;
  bool stores_derivative_ = false;
  T parameters_[kMaxParameters] = {};
  Matrix<T> derivative_;
};

/// A layer that ends in an activation: its own, or the one that follows it and was fused.
template <class T>
class LayerWithEpilogue : public Layer<T> {
 public:
  bool fuse(const Activation& activation) override { return epilogue_.fuse(activation); }
  PostOp<T> backward_post_op() const override { return epilogue_.backward(y_); }
  bool reads_output() const override { return epilogue_.reads_output(); }

 protected:
  explicit LayerWithEpilogue(const Activation& activation = {}) : epilogue_(activation) {}

  Epilogue<T> epilogue_;
  Matrix<T> y_;
};

}  // namespace simdnn
