#include "batch_norm_folder.hpp"

#include "network.hpp"

namespace simdnn {

SpecPointer LayerSpec::fold(BatchNormFolder& folder) const {
  folder.copy(*this);
  return nullptr;
}

AffineScale LayerSpec::affine_scale(const BatchNormFolder&) const { return {}; }

SpecPointer LayerSpec::with_affine_scale(const AffineScale&, BatchNormFolder&) const { return nullptr; }

namespace {

/// Copies the parameters of a trainable network of these layers to one that may keep some of them as bf16 alone.
template <class T>
void set_parameters(Network<T>& network, const std::vector<double>& parameters) {
  ParameterLayout all;
  network.spec()->declare_parameters("", all);
  const std::vector<T> values(parameters.begin(), parameters.end());
  const auto& kept = network.layout().parameters.blocks();
  const auto& rounded = network.layout().rounded.blocks();
  std::size_t next_kept = 0, next_rounded = 0;
  for (const ParameterBlock& block : all.parameters.blocks()) {
    const T* const from = values.data() + block.offset;
    if (next_kept < kept.size() && kept[next_kept].name == block.name) {
      std::copy_n(from, block.size(), network.values().data() + kept[next_kept++].offset);
    } else if constexpr (std::is_same_v<T, float>) {
      kernels().bf16.round(from, block.size(), network.rounded().data() + rounded.at(next_rounded++).offset);
    }
  }
}

}  // namespace

template <class T>
std::shared_ptr<Network<T>> fold_for_inference(Network<T>& from, Precision precision) {
  const auto numbers = [](Buffer<T>& buffer) {
    return std::vector<double>(buffer.data(), buffer.data() + buffer.size());
  };
  const std::vector<double> parameters = numbers(from.values()), buffers = numbers(from.buffers());
  BatchNormFolder folder(parameters.data(), buffers.data());
  auto network = std::make_shared<Network<T>>(from.spec()->fold_sequential(folder), precision, false);
  set_parameters(*network, folder.parameters);
  std::copy(folder.buffers.begin(), folder.buffers.end(), network->buffers().data());
  return network;
}

template std::shared_ptr<Network<float>> fold_for_inference(Network<float>&, Precision);
template std::shared_ptr<Network<double>> fold_for_inference(Network<double>&, Precision);

}  // namespace simdnn
