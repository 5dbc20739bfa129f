// The training of a network for a number of epochs, with validation and early stopping.
#pragma once

#include <atomic>
#include <exception>
#include <optional>

#include "patience.hpp"
#include "random_state.hpp"
#include "trainer.hpp"

namespace simdnn {

/// The means of an epoch. Those of the validation data are 0 without validation data.
struct EpochMeans {
  double loss = 0, accuracy = 0, penalty = 0;
  double val_loss = 0, val_accuracy = 0;
  double seconds = 0;  ///< training time, without validation
};

/// A metric of an epoch that may decide when to stop.
enum class Metric { loss, val_loss, val_accuracy };

/// Early stopping: the metric that is observed, the rule, and what remains of the best epoch.
struct Stopping {
  Metric metric = Metric::val_loss;
  double divisor = 1, constant = 0;  ///< a loss is observed as loss / divisor + constant
  bool adds_penalty = false;         ///< the mean penalty is added to the observed training loss
  Patience patience = {};
  bool restore_best = false;  ///< the network ends with the parameters and buffers of the best epoch

  double observed(const EpochMeans& means) const {
    if (metric == Metric::val_accuracy) return means.val_accuracy;
    if (metric == Metric::val_loss) return means.val_loss / divisor + constant;
    return means.loss / divisor + constant + (adds_penalty ? means.penalty : 0);
  }
};

/// Work of the caller between epochs, such as learning rates that only Python can compute.
class EpochHook {
 public:
  virtual ~EpochHook() = default;
  virtual void before_epoch() = 0;

  /// Hears the validation loss of an epoch, or its training loss if there are no validation data.
  virtual void after_epoch(double loss) = 0;

  std::atomic<bool> ends_program{false};  ///< the hook has thrown an exception that ends all fits
};

/// Some rows of a dataset that outlives them: those of `order`, or all.
template <class T>
struct Subset {
  const DatasetView<T>* dataset = nullptr;  ///< nullptr: no data
  std::vector<Index> rows = {};
  bool all = true;

  Index size() const { return all ? dataset->x.rows : Index(rows.size()); }
  SampleOrder order() const { return all ? SampleOrder{} : SampleOrder{rows.data(), size()}; }
};

/// Settings of a fit that do not depend on the type of numbers.
struct FitSettings {
  Index epochs = 1;
  Index batch = 1;  ///< samples of a step; a batch may be larger than the data
  bool shuffled = true;
  std::uint64_t first_epoch = 0;     ///< number of epochs that earlier fits have trained
  std::optional<Stopping> stopping;  ///< none: all epochs are trained
};

/// A fit, of a network of either precision, and its results.
class Fit {
 public:
  explicit Fit(FitSettings settings) : settings_(std::move(settings)) {}
  virtual ~Fit() = default;

  /// Trains until the last epoch, an early stop, an error or a request to stop; never throws. The network ends at a
  /// whole step, and its mutex is held during each epoch.
  virtual void run(const StopToken& stop) noexcept = 0;

  /// The estimated time of all epochs.
  virtual Nanoseconds work() const = 0;

  /// The mutex of the network.
  virtual OwnedMutex& mutex() const = 0;

  const FitSettings& settings() const { return settings_; }

  /// True after the last epoch, an early stop or an error.
  bool ended() const { return stopped || error || Index(epochs.size()) >= settings_.epochs; }

  std::vector<EpochMeans> epochs;      ///< means of the complete epochs
  std::int64_t trained = 0;            ///< epochs that were trained, be they evaluated or not
  std::int64_t steps = 0;              ///< steps of these epochs
  bool in_lanes = false;               ///< the network was trained in a lane
  bool stopped = false;                ///< early stopping has ended the training
  std::exception_ptr error = nullptr;  ///< the error that has ended the training
  std::unique_ptr<EpochHook> hook = nullptr;
  std::optional<RandomState> random;  ///< shuffles the order of the epoch before, in place of the trainer's seed

 protected:
  FitSettings settings_;
};

/// The fit of one network by its trainer. Others may train its epochs, and record them here.
template <class T>
class NetworkFit final : public Fit {
 public:
  /// The trainer and the datasets must outlive the fit.
  NetworkFit(Trainer<T>& trainer, Subset<T> samples, Subset<T> validation, FitSettings settings)
      : Fit(std::move(settings)), trainer_(trainer), samples_(std::move(samples)), validation_(std::move(validation)) {}

  void run(const StopToken& stop) noexcept override;
  Nanoseconds work() const override;
  OwnedMutex& mutex() const override { return trainer_.network().mutex(); }

  Trainer<T>& trainer() const { return trainer_; }
  const Subset<T>& samples() const { return samples_; }
  const Subset<T>& validation() const { return validation_; }

  /// The number of samples in a step.
  Index batch() const { return std::min(settings_.batch, samples_.size()); }

  /// The number of the next epoch, which with the trainer's seed determines its order.
  std::uint64_t next_epoch() const { return settings_.first_epoch + std::uint64_t(trained); }

  /// The order of the next epoch: that of a dataset with the chosen rows alone.
  SampleOrder draw_order();

  /// Counts an epoch that was trained; returns false, and counts nothing, if its sums are not those of all steps.
  bool end_epoch(const LossSums& sums);

  /// Adds an epoch that was trained for some seconds, and evaluated; returns the buffer for its parameters if they are
  /// to be kept as the best ones, otherwise nullptr.
  T* record(const LossSums& training, double seconds, const LossSums& validation);

  /// Restores the best parameters, and frees all memory that the fit alone needed. The network's mutex is held.
  void finish();

 private:
  void run_epoch(const StopToken& stop);

  Trainer<T>& trainer_;
  Subset<T> samples_, validation_;
  std::vector<Index> order_, places_;
  std::vector<T> best_values_, best_buffers_;
};

}  // namespace simdnn
