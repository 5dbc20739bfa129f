// The storage of bfloat16 numbers: the upper half of a float32.
#pragma once

#include <cstdint>

namespace simdnn {

/// A bfloat16 number as its bits: sign, eight bits of exponent, seven of mantissa.
struct Bf16 {
  std::uint16_t bits;
};

}  // namespace simdnn
