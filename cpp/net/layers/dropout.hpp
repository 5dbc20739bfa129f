// Inverted dropout (Srivastava et al. 2014, JMLR 15; scaled in training, the identity in inference).
#pragma once

#include "probability.hpp"
#include "stored_derivative.hpp"

namespace simdnn {

template <class T>
class Dropout;

struct DropoutSpec final : SpecFor<DropoutSpec, Dropout> {
  static constexpr const char* kind = "dropout";
  Probability probability;  ///< probability of a zero

  template <class Fields>
  void fields(Fields& f) {
    f("p", probability);
  }

  bool is_noop(Mode mode) const override { return mode == Mode::infer || probability.always_zero(); }
};

template <class T>
class Dropout final : public StoredDerivativeLayer<T> {
 public:
  Dropout(const DropoutSpec& spec, ParameterBinder<T>& binder)
      : StoredDerivativeLayer<T>(spec.input.features), stream_(binder.streams++), probability_(spec.probability) {}

  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override {
    typed_kernels<T>().layers.dropout(this->random_rows(x, context, stream_), probability_.at(context.pass_index));
    return this->output(x.rows);
  }

 private:
  std::uint32_t stream_;
  Probability probability_;
};

}  // namespace simdnn
