#include "batch_norm_folder.hpp"

#include "network.hpp"

namespace simdnn {

SpecPointer LayerSpec::fold(BatchNormFolder& folder) const {
  folder.copy(*this);
  return nullptr;
}

AffineScale LayerSpec::affine_scale(const BatchNormFolder&) const { return {}; }

SpecPointer LayerSpec::with_affine_scale(const AffineScale&, BatchNormFolder&) const { return nullptr; }

template <class T>
std::shared_ptr<Network<T>> fold_for_inference(Network<T>& from) {
  const auto numbers = [](Buffer<T>& buffer) {
    return std::vector<double>(buffer.data(), buffer.data() + buffer.size());
  };
  const std::vector<double> parameters = numbers(from.values()), buffers = numbers(from.buffers());
  BatchNormFolder folder(parameters.data(), buffers.data());
  auto network = std::make_shared<Network<T>>(from.spec()->fold_sequential(folder));
  std::copy(folder.parameters.begin(), folder.parameters.end(), network->values().data());
  std::copy(folder.buffers.begin(), folder.buffers.end(), network->buffers().data());
  return network;
}

template std::shared_ptr<Network<float>> fold_for_inference(Network<float>&);
template std::shared_ptr<Network<double>> fold_for_inference(Network<double>&);

}  // namespace simdnn
