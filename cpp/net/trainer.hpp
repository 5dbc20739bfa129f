// Training: a step is gather, forward, loss, backward, update; an epoch is steps over a seeded order.
#pragma once

#include "loader.hpp"
#include "loss.hpp"
#include "optimizer.hpp"
#include "plan.hpp"

namespace simdnn {

/// Sums over samples; the loss is a weighted sum, to be divided by the weight, and so is the penalty of the steps,
/// where it is counted.
struct Totals {
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
  /// counted in the totals.
  bool sums_penalty = false;

  /// One update from all samples; totals.steps stays 0, and nothing is updated, if the context stopped it.
  Totals step(const Samples<T>& samples, const Context& context);

  /// One pass in mini-batches of `batch`, in the order of the epoch or, without shuffling, as they lie.
  Totals epoch(const Samples<T>& samples, Index batch, bool shuffled, std::uint64_t epoch, const Context& context);

  /// The same in an order that is given, with a place for each sample.
  Totals epoch(const Samples<T>& samples, Index batch, const Index* order, const Context& context);

  /// The gradients of the mean loss over all samples, without an update.
  Totals gradient(const Samples<T>& samples, const Context& context);

  /// The loss and the correct classes, without training.
  Totals evaluate(const Samples<T>& samples, const Context& context);

 private:
  Totals step(const Samples<T>& samples, const Order& order, Index count, const Context& context);
  Totals differentiate(const Samples<T>& samples, const Order& order, Index count, bool carry, const Context& context);
  void reserve(const Samples<T>& samples, Index batch);
  void reserve_losses(Index rows);
  Pass pass_of(const Samples<T>& samples, const Context& context) const;
  void add_losses(const LossRows<T>& rows, Totals& totals) const;
  double weight_of(const Samples<T>& samples, const Order& order, Index count) const;
  /// Where the weight that a margin sees begins: it is the last parameter.
  Index margin_weight() const { return network_->inventory().parameters.list().back().offset; }
  LossRows<T> loss_rows(const Part<T>& part, const Matrix<T>& output);

  std::shared_ptr<Network<T>> network_;
  std::shared_ptr<const Loss> loss_;
  Optimizer<T> optimizer_;
  std::uint64_t seed_;
  std::vector<const T*> gradients_;  ///< of each block of parameters
  std::unique_ptr<Plan<T>> plan_, inference_;
  std::unique_ptr<MarginHead<T>> margin_;  ///< of training alone, for a loss with a margin
  Loader<T> loader_;
  Pace pace_;
  double sample_nanoseconds_ = 0;  ///< what the products of a sample take in a step, by estimate
  std::vector<double> row_loss_;
  std::vector<std::uint8_t> row_correct_;
  std::vector<Index> order_;
};

}  // namespace simdnn
