// Alpha dropout (Klambauer et al. 2017, arXiv:1706.02515, section "New dropout technique"), for networks of selu.
#pragma once

#include "probability.hpp"
#include "stored_derivative.hpp"

namespace simdnn {

template <class T>
class AlphaDropout;

struct AlphaDropoutSpec final : SpecFor<AlphaDropoutSpec, AlphaDropout> {
  static constexpr const char* kind = "alpha_dropout";
  Probability probability;  ///< probability that a number is dropped

  template <class Fields>
  void fields(Fields& f) {
    f("p", probability);
  }

  bool is_noop(Mode mode) const override { return mode == Mode::infer || probability.always_zero(); }
};

template <class T>
class AlphaDropout final : public StoredDerivativeLayer<T> {
 public:
  AlphaDropout(const AlphaDropoutSpec& spec, ParameterBinder<T>& binder)
      : StoredDerivativeLayer<T>(spec.input.features), stream_(binder.streams++), probability_(spec.probability) {}

  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override {
    typed_kernels<T>().layers.alpha_dropout(this->random_rows(x, context, stream_),
                                            probability_.at(context.pass_index));
    return this->output(x.rows);
  }

 private:
  std::uint32_t stream_;
  Probability probability_;
};

}  // namespace simdnn
