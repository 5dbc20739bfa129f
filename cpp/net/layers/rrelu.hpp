// Randomized leaky relu (Xu et al. 2015, arXiv:1505.00853, section 2.4): random slopes in training, else their mean.
#pragma once

#include "activation.hpp"
#include "stored_derivative.hpp"

namespace simdnn {

template <class T>
class RReLU;

struct RReLUSpec final : SpecFor<RReLUSpec, RReLU> {
  static constexpr const char* kind = "rrelu";
  SlopeLaw law;
  ActivationSpec mean;  ///< leaky_relu with the mean slope, for inference

  template <class Fields>
  void fields(Fields& f) {
    f("lower", law.lower);
    f("upper", law.upper);
    f("distribution", named(law.normal, {"uniform", "normal"}));
  }
  void derive() { mean = activation_like(*this, "leaky_relu", {(law.lower + law.upper) / 2}); }

  const ActivationSpec* activation(Mode mode) const override { return mode == Mode::infer ? &mean : nullptr; }
};

template <class T>
class RReLU final : public StoredDerivativeLayer<T> {
 public:
  RReLU(const RReLUSpec& spec, ParameterBinder<T>& binder)
      : StoredDerivativeLayer<T>(spec.input.features), stream_(binder.streams++), law_(spec.law) {}

  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override {
    typed_kernels<T>().layers.rrelu(this->random_rows(x, context, stream_), law_);
    return this->output(x.rows);
  }

 private:
  std::uint32_t stream_;
  SlopeLaw law_;
};

}  // namespace simdnn
