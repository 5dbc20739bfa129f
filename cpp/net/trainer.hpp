// Training: a step is gather, forward, loss, backward, update; an epoch is steps over a seeded order.
#pragma once

#include <functional>

#include "../threads/tuner.hpp"
#include "loader.hpp"
#include "loss_head.hpp"
#include "optimizer.hpp"

namespace simdnn {

/// Sums over samples. The loss and the counted penalty are weighted sums, to be divided by the weight.
struct LossSums {
  double loss = 0, penalty = 0, weight = 0;
  std::int64_t correct = 0, samples = 0, steps = 0;

  /// Adds a step of `count` samples. `by_count`: its means count by their number, not by their weight, unless the
  /// weight is 0.
  void add_step(const LossSums& one, Index count, bool by_count) {
    const bool weighted = by_count && one.weight != double(count);
    if (weighted && one.weight != 0) {
      loss += double(count) * (one.loss / one.weight);
      penalty += double(count) * (one.penalty / one.weight);
    } else if (!weighted) {
      loss += one.loss;
      penalty += one.penalty;
    }
    weight += !weighted ? one.weight : one.weight != 0 ? double(count) : 0;
    correct += one.correct;
    samples += one.samples;
    steps += one.steps;
  }
};

template <class T>
class Trainer {
 public:
  /// `seed` determines the order of the samples and the random layers.
  Trainer(std::shared_ptr<Network<T>> network, std::shared_ptr<const Loss> loss,
          std::shared_ptr<const OptimizerConfig> config, std::uint64_t seed);

  const Loss& loss() const { return *loss_; }
  Network<T>& network() { return *network_; }
  Optimizer<T>& optimizer() { return optimizer_; }
  std::uint64_t seed() const { return seed_; }

  /// l1 and l2 penalize the sum of a batch's losses, as scikit-learn's alpha does: they are divided by the batch's
  /// weight and counted in the sums. In the sums of an epoch each batch then counts by its number of samples, not by
  /// their weight.
  bool sums_penalty = false;

  /// Called in each step when the gradient of its batch is complete: the optimizer uses what it writes to the network's
  /// gradients and to batch(). If it throws, nothing is updated.
  std::function<void()> gradient_hook;

  /// Sums of the last step or gradient, which a hook may replace by those of a batch over several processes.
  LossSums& batch() { return batch_; }

  Index random_offset = 0;  ///< samples of the batch in other processes that come before those of this one

  /// The batch is a part of a larger one: if all of its weights are 0, its gradient is that of the sum of its losses,
  /// as the smoothed part of a cross-entropy may have a loss in spite of them.
  bool part_of_batch = false;

  /// One update from all samples; sums.steps stays 0, and nothing is updated, if the stop token fired.
  LossSums step(const DatasetView<T>& samples, const StopToken& stop);

  /// One pass in mini-batches of `batch`, in the shuffled order of the epoch or in memory order.
  LossSums epoch(const DatasetView<T>& samples, Index batch, bool shuffled, std::uint64_t epoch, const StopToken& stop);

  /// One pass over the samples of `order`, from its first to its last.
  LossSums epoch(const DatasetView<T>& samples, Index batch, const SampleOrder& order, const StopToken& stop);

  /// A part of an epoch, which adds to the sums of the parts before it.
  void epoch(const DatasetView<T>& samples, Index batch, const SampleOrder& order, LossSums& sums,
             const StopToken& stop);

  /// The gradients of the mean loss over all samples, without an update.
  LossSums gradient(const DatasetView<T>& samples, const StopToken& stop);

  /// The losses and correct classes in inference: of all samples, or of those of `order`.
  LossSums evaluate(const DatasetView<T>& samples, const StopToken& stop, const SampleOrder& order = {});

  /// A part of an evaluation, which adds to the sums of the parts before it.
  void evaluate(const DatasetView<T>& samples, const SampleOrder& order, LossSums& sums, const StopToken& stop);

  /// Frees all memory that a next call would allocate again: plans and buffers.
  void release();

 private:
  LossSums step(const DatasetView<T>& samples, const SampleOrder& order, Index count, const StopToken& stop);
  LossSums differentiate(const DatasetView<T>& samples, const SampleOrder& order, Index count, bool keep_state,
                         const StopToken& stop);
  void reserve(const DatasetView<T>& samples, Index batch);
  void reserve_losses(Index rows);
  PassContext context_of(const DatasetView<T>& samples, const StopToken& stop) const;
  void add_losses(const LossRows<T>& rows, LossSums& sums) const;
  void begin_batch(const DatasetView<T>& samples, const SampleOrder& order, Index begin, Index count, double& divisor);
  LossRows<T> loss_rows(const MiniBatch<T>& mini_batch, const Matrix<const T>& output);

  std::shared_ptr<Network<T>> network_;
  std::shared_ptr<const Loss> loss_;
  Optimizer<T> optimizer_;
  std::uint64_t seed_;
  std::vector<const T*> gradients_;  ///< gradient of each block of parameters
  std::unique_ptr<Plan<T>> plan_, inference_;
  std::unique_ptr<LossHead<T>> loss_head_;
  Loader<T> loader_;
  ThreadTuner tuner_;
  Nanoseconds sample_work_ = 0;  ///< estimated time of one sample's products in a step
  std::vector<double> row_loss_;
  std::vector<std::uint8_t> row_correct_;
  std::vector<Index> order_;
  LossSums batch_;
  bool weights_rounded_ = false;  ///< the last step has written the bf16 form of all weights
};

}  // namespace simdnn
