// A function of the registry as a layer, where the layer before could not take it over.
#pragma once

#include "../epilogue.hpp"

namespace simdnn {

template <class T>
class ActivationLayer;

struct ActivationSpec final : Described<ActivationSpec, ActivationLayer> {
  Activation function;

  bool absent(Mode) const override { return function.identity(); }
  const ActivationSpec* activation(Mode) const override { return this; }
};

template <class T>
class ActivationLayer final : public EndedLayer<T> {
 public:
  ActivationLayer(const ActivationSpec& spec, Cursor<T>&)
      : EndedLayer<T>(spec.function), columns_(spec.input.features) {}

  void reserve(Arena<T>& arena, Index rows, Index, Mode mode, bool) override {
    y_ = arena.matrix(rows, columns_);
    epilogue_.reserve(arena, rows, columns_, mode);
  }

  Matrix<T> forward(const Matrix<const T>& x, const Pass& pass) override {
    const Matrix<T> y{y_.data, x.rows, columns_, y_.stride};
    copy_rows(x, y.data, y.stride);
    apply(epilogue_.forward(pass.mode), y);
    return y;
  }
  Matrix<T> backward(const Matrix<const T>&, const Matrix<T>& gradient, const Matrix<const T>& start,
                     const Finish<T>& below, const Pass&) override {
    return passed_on(gradient, start, below);
  }

 private:
  using EndedLayer<T>::epilogue_;
  using EndedLayer<T>::y_;

  Index columns_;
};

}  // namespace simdnn
