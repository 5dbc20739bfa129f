// Training: a step is gather, forward, loss, backward, update; an epoch is steps over a seeded order.
#pragma once

#include "../threads/tuner.hpp"
#include "loader.hpp"
#include "loss.hpp"
#include "optimizer.hpp"
#include "plan.hpp"

namespace simdnn {

/// Sums over samples; the loss is a weighted sum, to be divided by the weight, and so is the penalty of the steps,
/// where it is counted.
struct LossSums {
  double loss = 0, penalty = 0, weight = 0;
  std::int64_t correct = 0, samples = 0, steps = 0;
};

template <class T>
class Trainer {
 public:
  /// `seed` is that of the order of the samples and of random layers.
  Trainer(std::shared_ptr<Network<T>> network, std::shared_ptr<const Loss> loss,
          std::shared_ptr<const OptimizerConfig> config, std::uint64_t seed);

  const Loss& loss() const { return *loss_; }
  Network<T>& network() { return *network_; }
  Optimizer<T>& optimizer() { return optimizer_; }

  /// Whether l1 and l2 are of the sum of a batch's losses, as scikit-learn's alpha is: divided by its weight, and
  /// counted in the sums.
  bool sums_penalty = false;

  /// One update from all samples; sums.steps stays 0, and nothing is updated, if the stop token fired.
  LossSums step(const DatasetView<T>& samples, const StopToken& stop);

  /// One pass in mini-batches of `batch`, in the order of the epoch or, without shuffling, as they lie.
  LossSums epoch(const DatasetView<T>& samples, Index batch, bool shuffled, std::uint64_t epoch, const StopToken& stop);

  /// The same in an order that is given, with a place for each sample.
  LossSums epoch(const DatasetView<T>& samples, Index batch, const Index* order, const StopToken& stop);

  /// The gradients of the mean loss over all samples, without an update.
  LossSums gradient(const DatasetView<T>& samples, const StopToken& stop);

  /// The loss and the correct classes, without training.
  LossSums evaluate(const DatasetView<T>& samples, const StopToken& stop);

 private:
  LossSums step(const DatasetView<T>& samples, const SampleOrder& order, Index count, const StopToken& stop);
  LossSums differentiate(const DatasetView<T>& samples, const SampleOrder& order, Index count, bool keep_state,
                         const StopToken& stop);
  void reserve(const DatasetView<T>& samples, Index batch);
  void reserve_losses(Index rows);
  PassContext context_of(const DatasetView<T>& samples, const StopToken& stop) const;
  void add_losses(const LossRows<T>& rows, LossSums& sums) const;
  double weight_of(const DatasetView<T>& samples, const SampleOrder& order, Index count) const;
  /// Where the weight that a margin sees begins: it is the last parameter.
  Index margin_weight() const { return network_->layout().parameters.blocks().back().offset; }
  LossRows<T> loss_rows(const MiniBatch<T>& mini_batch, const Matrix<T>& output);

  std::shared_ptr<Network<T>> network_;
  std::shared_ptr<const Loss> loss_;
  Optimizer<T> optimizer_;
  std::uint64_t seed_;
  std::vector<const T*> gradients_;  ///< of each block of parameters
  std::unique_ptr<Plan<T>> plan_, inference_;
  std::unique_ptr<MarginHead<T>> margin_;  ///< of training alone, for a loss with a margin
  Loader<T> loader_;
  ThreadTuner tuner_;
  Nanoseconds sample_work_ = 0;  ///< of the products of a sample in a step
  std::vector<double> row_loss_;
  std::vector<std::uint8_t> row_correct_;
  std::vector<Index> order_;
};

}  // namespace simdnn
