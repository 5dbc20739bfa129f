// Seeded random numbers and shuffling, equal on every machine.
#pragma once

#include <cstdint>
#include <utility>

#include "../base/views.hpp"

namespace simdnn {

/// SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators").
class Random {
 public:
  /// An independent stream for each pair of seed and stream number.
  Random(std::uint64_t seed, std::uint64_t stream) : state_(seed) {
    state_ = next() ^ (stream * 0xd1342543de82ef95u);
    next();
  }
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// A uniform number in [0, n) without bias: numbers below 2^64 mod n are rejected.
  std::uint64_t below(std::uint64_t n) {
    std::uint64_t x = next();
    while (x < n && x < -n % n) x = next();  // only numbers below n may need the second division
    return x % n;
  }

 private:
  std::uint64_t state_;
};

/// The algorithm of Fisher and Yates up to the last `count` places, which have a random choice in random order then.
inline void shuffle_last(Index* order, Index n, Index count, Random random) {
  for (Index i = n; i > 1 && i > n - count; --i) {
    std::swap(order[i - 1], order[Index(random.below(std::uint64_t(i)))]);
  }
}

/// Shuffles `order`.
inline void shuffle(Index* order, Index n, Random random) { shuffle_last(order, n, n, random); }

}  // namespace simdnn
