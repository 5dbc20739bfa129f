// Alpha dropout (Klambauer et al. 2017, arXiv:1706.02515, section "New dropout technique"): for networks of selu.
#pragma once

#include "stored_derivative.hpp"

namespace simdnn {

template <class T>
class AlphaDropout;

struct AlphaDropoutSpec final : Described<AlphaDropoutSpec, AlphaDropout> {
  double probability = 0.5;  ///< of a number that is dropped, in [0, 1)

  bool absent(Mode mode) const override { return mode == Mode::infer || probability == 0; }
};

template <class T>
class AlphaDropout final : public Sloped<T> {
 public:
  AlphaDropout(const AlphaDropoutSpec& spec, Cursor<T>& cursor)
      : Sloped<T>(spec.input.features), stream_(cursor.streams++), probability_(spec.probability) {}

  Matrix<T> forward(const Matrix<const T>& x, const Pass& pass) override {
    typed_kernels<T>().layers.alpha_dropout(this->random_rows(x, pass, stream_), probability_);
    return this->output(x.rows);
  }

 private:
  std::uint32_t stream_;
  double probability_;
};

}  // namespace simdnn
