#include "network.hpp"

#include "../threads/parallel.hpp"

namespace simdnn {

/// Writes the bf16 form of each weight that has one.
template <class T>
void Network<T>::round_masters() {
  if constexpr (std::is_same_v<T, float>) {
    constexpr Index grain = 4096;
    for (std::size_t i = 0; i < layout_.masters.size(); ++i) {
      const ParameterBlock& block = layout_.rounded.blocks()[i];
      const float* const from = values_.data() + layout_.masters[i];
      Bf16* const to = rounded_.data() + block.offset;
      parallel_for(block.size(), grain, kRoundElement * double(block.size()),
                   [&](Index begin, Index end) { kernels().bf16.round(from + begin, end - begin, to + begin); });
    }
  }
}

SIMDNN_INSTANTIATE(Network);

}  // namespace simdnn
