// A binary step with a straight-through gradient (Bengio, Leonard & Courville 2013, arXiv:1308.3432, section 3.1).
#pragma once

#include "activation.hpp"
#include "stored_derivative.hpp"

namespace simdnn {

template <class T>
class StraightThrough;

struct StraightThroughSpec final : SpecFor<StraightThroughSpec, StraightThrough> {
  static constexpr const char* kind = "straight_through";
  bool clipped = false;  ///< the gradient passes only where |x| <= 1
  ActivationSpec step;   ///< binary_step, for inference

  template <class Fields>
  void fields(Fields& f) {
    f("clipped", clipped);
  }
  void derive() { step = activation_like(*this, "binary_step", {}); }

  const ActivationSpec* activation(Mode mode) const override { return mode == Mode::infer ? &step : nullptr; }
};

template <class T>
class StraightThrough final : public StoredDerivativeLayer<T> {
 public:
  StraightThrough(const StraightThroughSpec& spec, ParameterBinder<T>&)
      : StoredDerivativeLayer<T>(spec.input.features), clipped_(spec.clipped) {}

  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override {
    typed_kernels<T>().layers.straight_through(this->random_rows(x, context, 0), clipped_);
    return this->output(x.rows);
  }

 private:
  bool clipped_;
};

}  // namespace simdnn
