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
class ActivationLayer final : public Layer<T> {
 public:
  ActivationLayer(const ActivationSpec& spec, Cursor<T>&) : columns_(spec.input.features), epilogue_(spec.function) {}

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
  Finish<T> backward_finish() const override { return epilogue_.backward(y_); }
  bool reads_output() const override { return epilogue_.reads_output(); }

  Matrix<T> backward(const Matrix<const T>&, const Matrix<T>& gradient, const Matrix<const T>& start,
                     const Finish<T>& below, const Pass&) override {
    return passed_on(gradient, start, below);
  }

 private:
  Index columns_;
  Epilogue<T> epilogue_;
  Matrix<T> y_;
};

}  // namespace simdnn
