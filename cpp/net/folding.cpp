#include "folding.hpp"

#include "network.hpp"

namespace simdnn {

SpecPointer LayerSpec::folded(Folding& folding) const {
  folding.copy(*this);
  return nullptr;
}

Scaling LayerSpec::scaling(const Folding&) const { return {}; }

SpecPointer LayerSpec::scaled(const Scaling&, Folding&) const { return nullptr; }

template <class T>
std::shared_ptr<Network<T>> folded(Network<T>& from) {
  const auto numbers = [](Buffer<T>& buffer) {
    return std::vector<double>(buffer.data(), buffer.data() + buffer.size());
  };
  const std::vector<double> parameters = numbers(from.values()), buffers = numbers(from.buffers());
  Folding folding(parameters.data(), buffers.data());
  auto network = std::make_shared<Network<T>>(from.spec()->folded_chain(folding));
  std::copy(folding.parameters.begin(), folding.parameters.end(), network->values().data());
  std::copy(folding.buffers.begin(), folding.buffers.end(), network->buffers().data());
  return network;
}

template std::shared_ptr<Network<float>> folded(Network<float>&);
template std::shared_ptr<Network<double>> folded(Network<double>&);

}  // namespace simdnn
