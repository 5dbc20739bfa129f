// The generator of numpy.random.RandomState, whose shuffles are those of scikit-learn.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "../base/matrix.hpp"

namespace simdnn {

/// A Mersenne Twister with the state and the shuffles of numpy.random.RandomState.
/// Source: Matsumoto and Nishimura 1998, "Mersenne Twister: a 623-dimensionally equidistributed uniform pseudo-random
/// number generator"; the constants are those of MT19937.
struct RandomState {
  static constexpr std::size_t kWords = 624;

  std::array<std::uint32_t, kWords> key = {};
  std::size_t position = kWords;  ///< place of the next word in `key`; at kWords a new block is computed first

  std::uint32_t next() {
    if (position == kWords) refill();
    std::uint32_t word = key[position++];
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c5680u;
    word ^= (word << 15) & 0xefc60000u;
    return word ^ (word >> 18);
  }

  /// A number from 0 to `most`, which is less than 2^32.
  std::uint32_t at_most(std::uint32_t most) {
    std::uint32_t mask = most;
    for (int shift = 1; shift < 32; shift *= 2) mask |= mask >> shift;
    for (;;) {
      if (const std::uint32_t word = next() & mask; word <= most) return word;
    }
  }

  /// Exchanges the last number with one at a random place, then the one before, and so on. There are at most 2^32.
  void shuffle(std::vector<Index>& numbers) {
    for (std::size_t i = numbers.size(); i-- > 1;) std::swap(numbers[i], numbers[at_most(std::uint32_t(i))]);
  }

 private:
  void refill() {
    constexpr std::size_t ahead = 397;
    for (std::size_t i = 0; i < kWords; ++i) {
      const std::uint32_t y = (key[i] & 0x80000000u) | (key[(i + 1) % kWords] & 0x7fffffffu);
      key[i] = key[(i + ahead) % kWords] ^ (y >> 1) ^ (y & 1u ? 0x9908b0dfu : 0u);
    }
    position = 0;
  }
};

}  // namespace simdnn
