// An activation function as a layer, for places where the layer before could not fuse it.
#pragma once

#include "../epilogue.hpp"

namespace simdnn {

template <class T>
class ActivationLayer;

struct ActivationSpec final : SpecFor<ActivationSpec, ActivationLayer> {
  static constexpr const char* kind = "activation";
  Activation function;

  template <class Fields>
  void fields(Fields& f) {
    f("activation", function);
  }

  bool is_noop(Mode) const override { return function.identity(); }
  const ActivationSpec* activation(Mode) const override { return this; }
};

/// The activation of that name, with the shapes of another layer.
inline ActivationSpec activation_like(const LayerSpec& layer, const char* name, std::vector<double> parameters) {
  ActivationSpec made;
  made.input = layer.input;
  made.output = layer.output;
  made.function = {activation_index(name), std::move(parameters)};
  return made;
}

template <class T>
class ActivationLayer final : public LayerWithEpilogue<T> {
 public:
  ActivationLayer(const ActivationSpec& spec, ParameterBinder<T>&)
      : LayerWithEpilogue<T>(spec.function), columns_(spec.input.features) {}

  void reserve(Arena<T>& arena, Index rows, Index, Mode mode, bool) override {
    y_ = arena.matrix(rows, columns_);
    epilogue_.reserve(arena, rows, columns_, mode);
  }

  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override {
    const Matrix<T> y{y_.data, x.rows, columns_, y_.stride};
    copy_rows(x, y.data, y.stride);
    apply(epilogue_.forward(context.mode), y);
    return y;
  }
  Matrix<T> backward(const Matrix<const T>&, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext&) override {
    return pass_through_gradient(gradient, dx_init, prev_post_op);
  }

 private:
  using LayerWithEpilogue<T>::epilogue_;
  using LayerWithEpilogue<T>::y_;

  Index columns_;
};

}  // namespace simdnn
