#include "fit.hpp"

#include <chrono>
#include <cmath>

namespace simdnn {
namespace {

Index steps_of(Index samples, Index batch) { return (samples + batch - 1) / batch; }

}  // namespace

template <class T>
Nanoseconds NetworkFit<T>::work() const {
  const Network<T>& network = trainer_.network();
  const Nanoseconds step = kStepOverhead + kUpdateElement * double(trainer_.optimizer().size());
  Nanoseconds epoch = network.flops(samples_.dataset->time_steps) * kFlopOfStep * double(samples_.size());
  epoch += double(steps_of(samples_.size(), settings_.batch)) * step;
  if (validation_.dataset) {
    epoch += network.flops(validation_.dataset->time_steps) * kFlopOfForward * double(validation_.size());
  }
  return double(settings_.epochs) * epoch;
}

template <class T>
void NetworkFit<T>::run(const StopToken& stop) noexcept {
  try {
    while (!ended() && !stop.stopped()) {
      const std::lock_guard<OwnedMutex> lock(mutex());
      run_epoch(stop);
    }
  } catch (...) {
    error = std::current_exception();
  }
  const std::lock_guard<OwnedMutex> lock(mutex());
  finish();
}

template <class T>
void NetworkFit<T>::run_epoch(const StopToken& stop) {
  if (hook) hook->before_epoch();
  const auto start = std::chrono::steady_clock::now();
  const LossSums training = trainer_.epoch(*samples_.dataset, batch(), draw_order(), stop);
  if (!end_epoch(training)) return;
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  LossSums validation;
  if (validation_.dataset) validation = trainer_.evaluate(*validation_.dataset, stop, validation_.order());
  if (T* const best = record(training, taken.count(), validation)) {
    std::copy_n(trainer_.network().values().data(), best_values_.size(), best);
  }
  if (hook) hook->after_epoch(validation_.dataset ? epochs.back().val_loss : epochs.back().loss);
}

template <class T>
SampleOrder NetworkFit<T>::draw_order() {
  if (random) {
    if (trained == 0) fill_order(places_, samples_.size(), false, 0, 0);
    random->shuffle(places_);
    order_ = places_;
  } else {
    fill_order(order_, samples_.size(), settings_.shuffled, trainer_.seed(), next_epoch());
  }
  if (!samples_.all) {
    for (Index& at : order_) at = samples_.rows[std::size_t(at)];
  }
  return {order_.data(), Index(order_.size())};
}

template <class T>
bool NetworkFit<T>::end_epoch(const LossSums& sums) {
  if (sums.steps < steps_of(samples_.size(), settings_.batch)) return false;
  ++trained;
  steps += sums.steps;
  return true;
}

template <class T>
T* NetworkFit<T>::record(const LossSums& training, double seconds, const LossSums& validation) {
  EpochMeans means{training.loss / training.weight, double(training.correct) / double(training.samples),
                   training.penalty / training.weight};
  means.seconds = seconds;
  if (validation_.dataset) {
    means.val_loss = validation.loss / validation.weight;
    means.val_accuracy = double(validation.correct) / double(validation.samples);
  }
  epochs.push_back(means);
  if (!settings_.stopping) return nullptr;
  Stopping& stopping = *settings_.stopping;
  const double value = stopping.observed(means);
  const bool better = stopping.patience.observe(value);
  const bool diverged = std::isnan(value) || std::isnan(means.loss);
  stopped = stopping.patience.over() || (diverged && !stopping.patience.like_sklearn);
  if (!better || !stopping.restore_best) return nullptr;
  Network<T>& network = trainer_.network();
  best_values_.resize(std::size_t(network.values().size()));
  best_buffers_.assign(network.buffers().data(), network.buffers().data() + network.buffers().size());
  return best_values_.data();
}

template <class T>
void NetworkFit<T>::finish() {
  std::copy(best_values_.begin(), best_values_.end(), trainer_.network().values().data());
  std::copy(best_buffers_.begin(), best_buffers_.end(), trainer_.network().buffers().data());
  for (std::vector<T>* const numbers : {&best_values_, &best_buffers_}) std::vector<T>().swap(*numbers);
  for (std::vector<Index>* const places : {&order_, &places_}) std::vector<Index>().swap(*places);
  trainer_.release();
}

SIMDNN_INSTANTIATE(NetworkFit);

}  // namespace simdnn
