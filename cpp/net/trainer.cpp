#include "trainer.hpp"

#include <algorithm>

#include "parallel_product.hpp"

namespace simdnn {

template <class T>
Trainer<T>::Trainer(std::shared_ptr<Network<T>> network, std::shared_ptr<const Loss> loss,
                    std::shared_ptr<const OptimizerConfig> config, std::uint64_t seed)
    : network_(std::move(network)), loss_(std::move(loss)), optimizer_(std::move(config)), seed_(seed) {
  for (const ParameterBlock& block : network_->layout().parameters.blocks()) {
    const bool matrix = block.shape.size() == 2;  // max-norm is for weights, not for biases
    const Units units = matrix ? Units{block.shape[0], block.shape[1]} : Units{};
    optimizer_.add(network_->values().data() + block.offset, block.size(), units, block.shape.size() < 2,
                   network_->rounded_form(block));
    gradients_.push_back(network_->gradients().data() + block.offset);
  }
}

/// Allocates buffers for batches of up to `batch` samples; allocates again only when a larger batch comes.
template <class T>
void Trainer<T>::reserve(const DatasetView<T>& samples, Index batch) {
  const Index count = Plan<T>::chunk(*network_, Mode::train, batch);
  const Index rows = count * samples.output_time_steps;
  reserve_losses(rows);
  loader_.reserve(samples, count, network_->outputs());
  if (plan_ && plan_->fits(count, samples.time_steps)) return;
  auto plan = std::make_unique<Plan<T>>(network_, count, samples.time_steps, Mode::train);
  loss_head_ = make_loss_head(*loss_, *network_, *plan, rows);  // memory may run out up to here
  plan_ = std::move(plan);
  sample_work_ = network_->flops(samples.time_steps) * kFlop<T>;
}

template <class T>
void Trainer<T>::reserve_losses(Index rows) {
  row_loss_.resize(std::max(row_loss_.size(), std::size_t(rows)));
  row_correct_.resize(row_loss_.size());
}

/// The settings of a forward and backward pass of the next step.
template <class T>
PassContext Trainer<T>::context_of(const DatasetView<T>& samples, const StopToken& stop) const {
  PassContext context;
  context.mode = Mode::train;
  context.time_steps = samples.time_steps;
  context.seed = seed_;
  context.pass_index = std::uint64_t(optimizer_.attempted_steps());
  context.random_offset = random_offset;
  context.stop = stop;
  return context;
}

template <class T>
LossRows<T> Trainer<T>::loss_rows(const MiniBatch<T>& mini_batch, const Matrix<const T>& output) {
  const Index columns = output.columns;
  LossRows<T> rows =
      loss_->rows<T>(output, mini_batch.classes, {mini_batch.values, output.rows, columns, columns}, mini_batch.weight);
  rows.row_loss = row_loss_.data();
  rows.row_correct = row_correct_.data();
  if (loss_->info().outputs == Outputs::averaged) rows.factor /= double(columns);
  return rows;
}

/// Adds the losses and counts of a chunk to the sums, in the order of its rows.
template <class T>
void Trainer<T>::add_losses(const LossRows<T>& rows, LossSums& sums) const {
  for (Index i = 0; i < rows.output.rows; ++i) {
    sums.loss += rows.row_loss[i];
    sums.correct += row_correct_[std::size_t(i)];
    sums.samples += rows.classes == nullptr || rows.classes[i] >= 0;
  }
}

/// Loads the labels of a batch, and adds their weights to the divisor of its mean loss.
template <class T>
void Trainer<T>::begin_batch(const DatasetView<T>& samples, const SampleOrder& order, Index begin, Index count,
                             double& divisor) {
  const ClassRange range{network_->outputs(), loss_->ignore_index};
  const Labels<T> labels = loader_.begin_batch(samples, order, begin, count, range);
  const bool has_values = samples.values != nullptr;
  loss_->add_to_divisor(labels.classes, has_values, labels.weight, count * samples.output_time_steps, divisor);
}

/// Computes the gradients of the mean loss; sums.steps is 1 unless the stop token fired.
template <class T>
LossSums Trainer<T>::differentiate(const DatasetView<T>& samples, const SampleOrder& order, Index count,
                                   bool keep_state, const StopToken& stop) {
  LossSums sums;
  begin_batch(samples, order, 0, count, sums.weight);
  const double unweighted = part_of_batch ? 1 : 0;  // the gradient of a whole batch is 0 if all samples are ignored
  PassContext context = context_of(samples, stop);
  context.keep_state = keep_state;
  loss_head_->begin_batch(optimizer_.attempted_steps());
  if (!weights_rounded_) network_->round_weights();
  for (Index begin = 0; begin < count; begin += plan_->capacity()) {
    const Index chunk = std::min(plan_->capacity(), count - begin);
    const MiniBatch<T> mini_batch = loader_.take(samples, order.from(begin), begin, chunk, begin);
    context.batch_offset = begin;
    context.samples = order.from(begin).at;
    context.accumulate = begin > 0;
    const Matrix<T> output = plan_->forward(mini_batch.x, context);
    LossRows<T> rows = loss_rows(mini_batch, output);
    rows.scale = sums.weight == 0 ? unweighted : 1 / sums.weight;
    const LossGradients<T> gradients = loss_head_->evaluate(rows, output);
    add_losses(rows, sums);
    plan_->backward(gradients.output, context, gradients.extra);
    if (stop.stopped()) return sums;
  }
  loss_head_->finish();
  sums.steps = 1;
  return sums;
}

template <class T>
LossSums Trainer<T>::step(const DatasetView<T>& samples, const SampleOrder& order, Index count, const StopToken& stop) {
  ThreadTuner::ScopedMeasurement measurement = tuner_.measure(count, sample_work_ * double(count));
  network_->states().open(count);
  LossSums& sums = batch_;
  sums = differentiate(samples, order, count, true, stop);
  if (sums.steps == 0) return sums;
  if (gradient_hook) measurement.leave_out(gradient_hook);
  double penalty_scale = 1;
  if (sums_penalty) {
    penalty_scale = sums.weight == 0 ? 0 : 1 / sums.weight;
    sums.penalty = sums.weight == 0 ? 0 : optimizer_.penalty();
  }
  if (optimizer_.step(gradients_, penalty_scale)) plan_->commit_running_stats();
  weights_rounded_ = optimizer_.rounds() && !gradient_hook;  // a hook may write to frozen weights as well
  network_->states().close();
  stop.after(kStepOverhead);
  return sums;
}

template <class T>
LossSums Trainer<T>::step(const DatasetView<T>& samples, const StopToken& stop) {
  reserve(samples, samples.x.rows);
  weights_rounded_ = false;
  return step(samples, {}, samples.x.rows, stop);
}

template <class T>
LossSums Trainer<T>::epoch(const DatasetView<T>& samples, Index batch, bool shuffled, std::uint64_t epoch,
                           const StopToken& stop) {
  fill_order(order_, samples.x.rows, shuffled, seed_, epoch);
  return this->epoch(samples, batch, {order_.data(), samples.x.rows}, stop);
}

template <class T>
LossSums Trainer<T>::epoch(const DatasetView<T>& samples, Index batch, const SampleOrder& order,
                           const StopToken& stop) {
  LossSums sums;
  epoch(samples, batch, order, sums, stop);
  return sums;
}

template <class T>
void Trainer<T>::epoch(const DatasetView<T>& samples, Index batch, const SampleOrder& order, LossSums& sums,
                       const StopToken& stop) {
  reserve(samples, batch);
  weights_rounded_ = false;
  const Index n = order.left;
  for (Index begin = 0; begin < n && !stop.stopped(); begin += batch) {
    const Index count = std::min(batch, n - begin);
    const LossSums one = step(samples, order.from(begin), count, stop);
    if (one.steps == 0) break;
    sums.add_step(one, count, sums_penalty);
  }
}

template <class T>
LossSums Trainer<T>::gradient(const DatasetView<T>& samples, const StopToken& stop) {
  reserve(samples, samples.x.rows);
  weights_rounded_ = false;
  batch_ = differentiate(samples, {}, samples.x.rows, false, stop);
  return batch_;
}

template <class T>
LossSums Trainer<T>::evaluate(const DatasetView<T>& samples, const StopToken& stop, const SampleOrder& order) {
  LossSums sums;
  evaluate(samples, order, sums, stop);
  return sums;
}

template <class T>
void Trainer<T>::evaluate(const DatasetView<T>& samples, const SampleOrder& order, LossSums& sums,
                          const StopToken& stop) {
  const Index n = order.at ? order.left : samples.x.rows, chunk = Plan<T>::chunk(*network_, Mode::infer, kChunk);
  reserve_losses(chunk * samples.output_time_steps);
  loader_.reserve(samples, chunk, network_->outputs());
  if (!inference_ || !inference_->fits(chunk, samples.time_steps)) {
    inference_ = std::make_unique<Plan<T>>(network_, chunk, samples.time_steps, Mode::infer);
  }
  network_->round_weights();
  PassContext context;
  context.time_steps = samples.time_steps;
  context.stop = stop;
  for (Index begin = 0; begin < n && !stop.stopped(); begin += chunk) {
    const Index count = std::min(chunk, n - begin);
    const SampleOrder rest = order.from(begin);
    begin_batch(samples, rest, begin, count, sums.weight);
    const MiniBatch<T> mini_batch = loader_.take(samples, rest, begin, count, 0);
    context.batch_offset = begin;
    const Matrix<T> output = inference_->forward(mini_batch.x, context);
    const LossRows<T> rows = loss_rows(mini_batch, output);
    typed_kernels<T>().losses[loss_->index](rows);
    add_losses(rows, sums);
  }
}

template <class T>
void Trainer<T>::release() {
  plan_.reset();
  inference_.reset();
  loss_head_.reset();
  loader_ = Loader<T>();
  std::vector<double>().swap(row_loss_);
  std::vector<std::uint8_t>().swap(row_correct_);
  std::vector<Index>().swap(order_);
}

SIMDNN_INSTANTIATE(Trainer);

}  // namespace simdnn
