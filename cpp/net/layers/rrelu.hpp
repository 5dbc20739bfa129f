// Randomized leaky relu (Xu et al. 2015, arXiv:1505.00853, section 2.4): random slopes in training, else their mean.
#pragma once

#include "activation.hpp"
#include "stored_derivative.hpp"

namespace simdnn {

template <class T>
class RandomLeak;

struct RandomLeakSpec final : Described<RandomLeakSpec, RandomLeak> {
  SlopeLaw law;
  ActivationSpec mean;  ///< leaky_relu with the mean slope

  const ActivationSpec* activation(Mode mode) const override { return mode == Mode::infer ? &mean : nullptr; }
};

template <class T>
class RandomLeak final : public Sloped<T> {
 public:
  RandomLeak(const RandomLeakSpec& spec, Cursor<T>& cursor)
      : Sloped<T>(spec.input.features), stream_(cursor.streams++), law_(spec.law) {}

  Matrix<T> forward(const Matrix<const T>& x, const Pass& pass) override {
    typed_kernels<T>().layers.random_leak(this->random_rows(x, pass, stream_), law_);
    return this->output(x.rows);
  }

 private:
  std::uint32_t stream_;
  SlopeLaw law_;
};

}  // namespace simdnn
