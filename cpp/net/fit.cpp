#include "fit.hpp"

#include <chrono>
#include <cmath>

namespace simdnn {
namespace {

template <class T>
std::vector<T> copy_of(Buffer<T>& buffer) {
  return {buffer.data(), buffer.data() + buffer.size()};
}

}  // namespace

template <class T>
Nanoseconds NetworkFit<T>::work() const {
  const Network<T>& network = trainer_.network();
  Nanoseconds epoch = network.flops(samples_.dataset->time_steps) * kFlopOfStep * double(samples_.size());
  epoch += double(steps_of_epoch()) * (kStepOverhead + kUpdateElement * double(trainer_.optimizer().size()));
  if (validation_.dataset) {
    epoch += network.flops(validation_.dataset->time_steps) * kFlopOfForward * double(validation_.size());
  }
  return double(settings_.epochs) * epoch;
}

template <class T>
void NetworkFit<T>::run(const StopToken& stop) noexcept {
  try {
    while (Index(epochs.size()) < settings_.epochs && !stop.stopped()) {
      if (!epoch(stop)) break;
    }
  } catch (...) {
    error = std::current_exception();
  }
  const std::lock_guard<OwnedMutex> lock(trainer_.network().mutex());
  restore_best();
  trainer_.release();
  order_ = {};
  places_ = {};
}

/// The order of the next epoch: that of a dataset with the chosen rows alone. A RandomState shuffles the order of the
/// epoch before.
template <class T>
SampleOrder NetworkFit<T>::draw_order() {
  if (random) {
    if (epochs.empty()) fill_order(places_, samples_.size(), false, 0, 0);
    random->shuffle(places_);
    order_ = places_;
  } else {
    fill_order(order_, samples_.size(), settings_.shuffled, trainer_.seed(), settings_.first_epoch + epochs.size());
  }
  if (!samples_.all) {
    for (Index& at : order_) at = samples_.rows[std::size_t(at)];
  }
  return {order_.data(), Index(order_.size())};
}

/// Trains one epoch; returns false if it was the last one.
template <class T>
bool NetworkFit<T>::epoch(const StopToken& stop) {
  const std::lock_guard<OwnedMutex> lock(trainer_.network().mutex());
  if (hook) hook->before_epoch();
  const auto start = std::chrono::steady_clock::now();
  const LossSums sums = trainer_.epoch(*samples_.dataset, settings_.batch, draw_order(), stop);
  if (sums.steps < steps_of_epoch()) return false;
  EpochMeans means;
  means.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  means.loss = sums.loss / sums.weight;
  means.accuracy = double(sums.correct) / double(sums.samples);
  means.penalty = sums.penalty / sums.weight;
  steps += sums.steps;
  validate(means, stop);
  epochs.push_back(means);
  if (stop.stopped()) return false;
  stopped = observe(means);
  if (hook) hook->after_epoch(validation_.dataset ? means.val_loss : means.loss);
  return !stopped;
}

template <class T>
void NetworkFit<T>::validate(EpochMeans& means, const StopToken& stop) {
  if (validation_.dataset == nullptr) return;
  const SampleOrder rows = validation_.all ? SampleOrder{} : SampleOrder{validation_.rows.data(), validation_.size()};
  const LossSums sums = trainer_.evaluate(*validation_.dataset, stop, rows);
  means.val_loss = sums.loss / sums.weight;
  means.val_accuracy = double(sums.correct) / double(sums.samples);
}

/// Compares an epoch with the best one; returns true if the training ends.
template <class T>
bool NetworkFit<T>::observe(const EpochMeans& means) {
  if (!settings_.stopping) return false;
  Stopping& stopping = *settings_.stopping;
  const double value = stopping.observed(means);
  if (stopping.patience.observe(value)) {
    best_epoch = Index(epochs.size()) - 1;
    if (stopping.restore_best) {
      best_values_ = copy_of(trainer_.network().values());
      best_buffers_ = copy_of(trainer_.network().buffers());
    }
  }
  const bool diverged = std::isnan(value) || std::isnan(means.loss);
  return stopping.patience.over() || (diverged && !stopping.patience.like_sklearn);
}

template <class T>
void NetworkFit<T>::restore_best() {
  std::copy(best_values_.begin(), best_values_.end(), trainer_.network().values().data());
  std::copy(best_buffers_.begin(), best_buffers_.end(), trainer_.network().buffers().data());
  best_values_ = {};
  best_buffers_ = {};
}

SIMDNN_INSTANTIATE(NetworkFit);

}  // namespace simdnn
