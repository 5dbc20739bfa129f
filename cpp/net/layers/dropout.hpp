// Inverted dropout (Srivastava et al. 2014, JMLR 15; scaled while training, nothing in evaluation).
#pragma once

#include "stored_derivative.hpp"

namespace simdnn {

template <class T>
class Dropout;

struct DropoutSpec final : Described<DropoutSpec, Dropout> {
  double probability = 0.5;  ///< of a zero, in [0, 1)

  bool absent(Mode mode) const override { return mode == Mode::infer || probability == 0; }
};

template <class T>
class Dropout final : public Sloped<T> {
 public:
  Dropout(const DropoutSpec& spec, Cursor<T>& cursor)
      : Sloped<T>(spec.input.features), stream_(cursor.streams++), probability_(spec.probability) {}

  Matrix<T> forward(const Matrix<const T>& x, const Pass& pass) override {
    typed_kernels<T>().layers.dropout(this->random_rows(x, pass, stream_), probability_);
    return this->output(x.rows);
  }

 private:
  std::uint32_t stream_;
  double probability_;
};

}  // namespace simdnn
