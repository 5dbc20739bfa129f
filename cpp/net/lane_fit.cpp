#include "lane_fit.hpp"

#include <algorithm>
#include <chrono>

#include "lanes.hpp"

namespace simdnn {
namespace {

/// The fits of up to kLaneGroup equal networks, each epoch at once in lanes.
template <class T>
class LaneFit {
 public:
  explicit LaneFit(std::vector<NetworkFit<T>*> fits) : fits_(std::move(fits)) {
    std::sort(fits_.begin(), fits_.end(), [](NetworkFit<T>* a, NetworkFit<T>* b) { return &mutex(*a) < &mutex(*b); });
  }

  static bool accepts(const NetworkFit<T>& fit) { return !fit.hook && LaneGroup<T>::accepts(fit.trainer()); }

  static bool alike(const NetworkFit<T>& a, const NetworkFit<T>& b) {
    return a.settings().batch == b.settings().batch && LaneGroup<T>::alike(a.trainer(), b.trainer());
  }

  /// Runs all fits; their networks' mutexes are held, in the order of their addresses.
  void run(const StopToken& stop) const noexcept {
    try {
      std::vector<std::unique_lock<OwnedMutex>> locks;
      for (NetworkFit<T>* const fit : fits_) locks.emplace_back(mutex(*fit));
      run_locked(stop);
      for (NetworkFit<T>* const fit : fits_) {
        fit->in_lanes = true;
        fit->finish();
      }
    } catch (...) {
      for (NetworkFit<T>* const fit : fits_) fit->error = fit->error ? fit->error : std::current_exception();
    }
  }

 private:
  using Passes = std::vector<LanePass<T>>;

  static OwnedMutex& mutex(const NetworkFit<T>& fit) { return fit.trainer().network().mutex(); }

  void run_locked(const StopToken& stop) const {
    std::vector<Trainer<T>*> trainers;
    Index batch = 0;
    for (NetworkFit<T>* const fit : fits_) {
      trainers.push_back(&fit->trainer());
      batch = std::max(batch, fit->batch());
    }
    LaneGroup<T> group(std::move(trainers), batch);
    while (!stop.stopped() && run_epoch(group, batch, stop)) {
    }
    group.store();
  }

  /// The samples of a fit's next epoch. The group draws their order, unless the fit does by a generator of its own.
  static LanePass<T> next_pass(NetworkFit<T>& fit) {
    const Subset<T>& samples = fit.samples();
    if (!fit.random) {
      return {samples.dataset, samples.order().at, samples.size(), fit.settings().shuffled, fit.next_epoch()};
    }
    const SampleOrder order = fit.draw_order();
    return {samples.dataset, order.at, order.left};
  }

  /// Trains and evaluates one epoch of each fit that has not ended; returns false if all have.
  bool run_epoch(LaneGroup<T>& group, Index batch, const StopToken& stop) const {
    Passes training(fits_.size()), validation(fits_.size());
    Index active = 0;
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t l = 0; l < fits_.size(); ++l) {
      if (fits_[l]->ended()) continue;
      training[l] = next_pass(*fits_[l]);
      ++active;
    }
    if (active == 0) return false;
    group.epoch(training, batch, stop);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    for (std::size_t l = 0; l < fits_.size(); ++l) {
      fits_[l]->error = fits_[l]->error ? fits_[l]->error : training[l].error;
      const bool whole = training[l].samples && fits_[l]->end_epoch(training[l].sums);
      if (!whole) training[l].samples = nullptr;
      const Subset<T>& held_out = fits_[l]->validation();
      if (whole && held_out.dataset) validation[l] = {held_out.dataset, held_out.order().at, held_out.size()};
    }
    group.evaluate(validation, stop);
    for (std::size_t l = 0; l < fits_.size(); ++l) {
      fits_[l]->error = fits_[l]->error ? fits_[l]->error : validation[l].error;
      if (training[l].samples == nullptr || fits_[l]->error) continue;
      const double seconds = taken.count() / double(active);  // its part of the time
      if (T* const best = fits_[l]->record(training[l].sums, seconds, validation[l].sums)) group.read(Index(l), best);
    }
    return true;
  }

  std::vector<NetworkFit<T>*> fits_;
};

template <class T>
using Kind = std::vector<NetworkFit<T>*>;

/// The fits of one precision that lanes accept, by kind; the longest of a kind come first.
template <class T>
std::vector<Kind<T>> kinds_of(const std::vector<Fit*>& fits) {
  std::vector<Kind<T>> kinds;
  for (Fit* const each : fits) {
    auto* const fit = dynamic_cast<NetworkFit<T>*>(each);
    if (fit == nullptr || !LaneFit<T>::accepts(*fit)) continue;
    const auto alike = [fit](const Kind<T>& kind) { return LaneFit<T>::alike(*kind.front(), *fit); };
    const auto found = std::find_if(kinds.begin(), kinds.end(), alike);
    if (found == kinds.end()) {
      kinds.push_back({fit});
    } else {
      found->push_back(fit);
    }
  }
  const auto longer = [](const Fit* a, const Fit* b) { return a->work() > b->work(); };
  for (Kind<T>& kind : kinds) std::stable_sort(kind.begin(), kind.end(), longer);
  return kinds;
}

/// Adds units of lanes, and removes their fits from the list.
template <class T>
void add_groups(std::vector<Fit*>& fits, Index fewest, std::vector<Unit>& units) {
  for (const Kind<T>& kind : kinds_of<T>(fits)) {
    const NetworkFit<T>& first = *kind.front();
    const Index paying = LaneGroup<T>::fewest(first.trainer(), first.batch());
    const auto least = std::size_t(fewest > 0 ? fewest : paying);
    for (std::size_t begin = 0; least <= std::size_t(kLaneGroup) && begin + least <= kind.size(); begin += kLaneGroup) {
      const std::size_t end = std::min(kind.size(), begin + std::size_t(kLaneGroup));
      const Kind<T> members(kind.begin() + std::ptrdiff_t(begin), kind.begin() + std::ptrdiff_t(end));
      const auto joined = [&](Fit* fit) { return std::find(members.begin(), members.end(), fit) != members.end(); };
      fits.erase(std::remove_if(fits.begin(), fits.end(), joined), fits.end());
      const Nanoseconds work = members.front()->work() * double(paying);  // a group takes as long as these alone
      units.push_back({work, [fit = LaneFit<T>(members)](const StopToken& stop) { fit.run(stop); }});
    }
  }
}

}  // namespace

std::vector<Unit> units_of(const std::vector<Fit*>& fits, Index fewest) {
  std::vector<Unit> units;
  std::vector<Fit*> single = fits;
  add_groups<float>(single, fewest, units);
  add_groups<double>(single, fewest, units);
  for (Fit* const fit : single) units.push_back({fit->work(), [fit](const StopToken& stop) { fit->run(stop); }});
  return units;
}

}  // namespace simdnn
