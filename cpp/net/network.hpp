// A network: layer descriptions, and their parameters and gradients in one flat buffer each.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>

#include "dense.hpp"

namespace simdnn {

using LayerSpec = std::variant<DenseSpec>;

template <class T>
std::unique_ptr<Layer<T>> make_layer(const LayerSpec& spec) {
  return std::visit([](const auto& s) -> std::unique_ptr<Layer<T>> { return std::make_unique<Dense<T>>(s); }, spec);
}

/// A mutex that knows its holder: a signal handler that runs inside a native call must not wait for that call.
class OwnedMutex {
 public:
  bool is_mine() const { return owner_ == std::this_thread::get_id(); }
  bool try_lock() {
    const bool locked = mutex_.try_lock();
    if (locked) owner_ = std::this_thread::get_id();
    return locked;
  }
  void lock() {
    mutex_.lock();
    owner_ = std::this_thread::get_id();
  }
  void unlock() {
    owner_ = std::thread::id();
    mutex_.unlock();
  }

 private:
  std::mutex mutex_;
  std::atomic<std::thread::id> owner_{};
};

template <class T>
class Network {
 public:
  /// Consecutive layers must fit: outputs of one are the inputs of the next (checked by the caller).
  explicit Network(std::vector<LayerSpec> specs) : specs_(std::move(specs)) {
    Index offset = 0;
    for (std::size_t i = 0; i < specs_.size(); ++i) {
      const auto layer = make_layer<T>(specs_[i]);
      offsets_.push_back(offset);
      Index size = 0;
      for (ParameterBlock block : layer->parameters()) {
        size += block.size();
        block.name = std::to_string(i) + "." + block.name;
        block.offset += offset;
        blocks_.push_back(std::move(block));
      }
      offset += size;
      flops_ += layer->flops();
      if (i == 0) inputs_ = layer->inputs();
      outputs_ = layer->outputs();
    }
    values_ = Buffer<T>(offset);
    gradients_ = Buffer<T>(offset);
  }

  const std::vector<LayerSpec>& specs() const { return specs_; }
  const std::vector<ParameterBlock>& blocks() const { return blocks_; }
  Index inputs() const { return inputs_; }
  Index outputs() const { return outputs_; }
  double flops() const { return flops_; }
  Buffer<T>& values() { return values_; }
  Buffer<T>& gradients() { return gradients_; }
  ParameterViews<T> views(std::size_t layer) {
    return {values_.data() + offsets_[layer], gradients_.data() + offsets_[layer]};
  }

  /// Held by whoever computes with this network: one step or pass at a time.
  OwnedMutex& mutex() { return mutex_; }

 private:
  std::vector<LayerSpec> specs_;
  std::vector<Index> offsets_;
  std::vector<ParameterBlock> blocks_;
  Index inputs_ = 0, outputs_ = 0;
  double flops_ = 0;
  Buffer<T> values_, gradients_;
  OwnedMutex mutex_;
};

}  // namespace simdnn
