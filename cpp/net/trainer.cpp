#include "trainer.hpp"

#include <algorithm>
#include <numeric>

#include "multiply.hpp"
#include "random.hpp"

namespace simdnn {

template <class T>
Trainer<T>::Trainer(std::shared_ptr<Network<T>> network, std::shared_ptr<const Loss> loss,
                    std::shared_ptr<const OptimizerConfig> config, std::uint64_t seed)
    : network_(std::move(network)), loss_(std::move(loss)), optimizer_(std::move(config)), seed_(seed) {
  for (const Block& block : network_->inventory().parameters.list()) {
    const bool matrix = block.shape.size() == 2;  // max-norm is for weights, not for biases
    const Units units = matrix ? Units{block.shape[0], block.shape[1]} : Units{};
    optimizer_.add(network_->values().data() + block.offset, block.size(), units, block.shape.size() < 2);
    gradients_.push_back(network_->gradients().data() + block.offset);
  }
}

/// Makes room for batches of at most so many samples: the only allocation, at the first step of a new size.
template <class T>
void Trainer<T>::reserve(const Samples<T>& samples, Index batch) {
  const Index count = Plan<T>::chunk(*network_, Mode::train, batch);
  const Index rows = count * samples.output_steps;
  reserve_losses(rows);
  loader_.reserve(samples, count, network_->outputs());
  if (plan_ && plan_->fits(count, samples.steps)) return;
  plan_ = std::make_unique<Plan<T>>(network_, count, samples.steps, Mode::train);
  sample_nanoseconds_ = network_->flops(samples.steps) * kNanosecondsPerFlop<T>;
  if (loss_->margin) {
    const Index inputs = network_->spec()->layers.back()->input.features;
    margin_ = std::make_unique<MarginHead<T>>(*loss_->margin, rows, inputs, network_->outputs());
  }
}

template <class T>
void Trainer<T>::reserve_losses(Index rows) {
  row_loss_.resize(std::max(row_loss_.size(), std::size_t(rows)));
  row_correct_.resize(row_loss_.size());
}

/// A pass of the next step over these samples.
template <class T>
Pass Trainer<T>::pass_of(const Samples<T>& samples, const Context& context) const {
  Pass pass;
  pass.mode = Mode::train;
  pass.steps = samples.steps;
  pass.seed = seed_;
  pass.number = std::uint64_t(optimizer_.attempted_steps());
  pass.context = context;
  return pass;
}

template <class T>
LossRows<T> Trainer<T>::loss_rows(const Part<T>& part, const Matrix<T>& output) {
  LossRows<T> rows;
  rows.rows = output.rows;
  rows.columns = output.columns;
  rows.output = output.data;
  rows.output_stride = output.stride;
  rows.classes = part.classes;
  rows.values = part.values;
  rows.values_stride = output.columns;
  rows.row_weight = part.weight;
  rows.row_loss = row_loss_.data();
  rows.row_correct = row_correct_.data();
  loss_->describe(rows);
  if (loss_->about().outputs == Outputs::averaged) rows.share /= double(rows.columns);
  return rows;
}

/// Adds up a chunk in the order of its rows.
template <class T>
void Trainer<T>::add_losses(const LossRows<T>& rows, Totals& totals) const {
  for (Index i = 0; i < rows.rows; ++i) {
    totals.loss += rows.row_loss[i];
    totals.correct += row_correct_[std::size_t(i)];
    totals.samples += rows.classes == nullptr || rows.classes[i] >= 0;
  }
}

/// What the mean loss divides by: the sample weights, times the weights of their classes.
template <class T>
double Trainer<T>::weight_of(const Samples<T>& samples, const Order& order, Index count) const {
  const Index rows = samples.output_steps;
  const bool by_class = samples.classes && samples.values == nullptr;
  if (samples.weight == nullptr && !by_class) return double(count * rows);
  double sum = 0;
  for (Index i = 0; i < count; ++i) {
    const Index first = (order.at ? order.at[i] : i) * rows;
    for (Index from = first; from < first + rows; ++from) {
      const double own = by_class ? loss_->weight_of(samples.classes[from]) : 1.0;
      sum += samples.weight ? double(samples.weight[from]) * own : own;
    }
  }
  return sum;
}

/// The gradients of the mean loss; totals.steps is 1 unless the context stopped it.
template <class T>
Totals Trainer<T>::differentiate(const Samples<T>& samples, const Order& order, Index count, bool carry,
                                 const Context& context) {
  Totals totals;
  totals.weight = weight_of(samples, order, count);
  Pass pass = pass_of(samples, context);
  pass.carry = carry;
  if (margin_) margin_->begin(network_->values().data() + margin_weight(), optimizer_.attempted_steps());
  for (Index begin = 0; begin < count; begin += plan_->capacity()) {
    const Index some = std::min(plan_->capacity(), count - begin);
    const Part<T> part = loader_.take(samples, order.from(begin), begin, some);
    pass.first = begin;
    pass.accumulate = begin > 0;
    const Matrix<T> output = plan_->forward(part.x, pass);
    const Matrix<T> gradient = margin_ ? plan_->output_gradient(output.rows) : plan_->gradient_over(output);
    if (margin_) {
      typed_kernels<T>().losses[loss_->index](loss_rows(part, output));  // which are correct without the margin
      margin_->logits(plan_->last_input(), output, part.classes, gradient);
    }
    LossRows<T> rows = loss_rows(part, margin_ ? gradient : output);
    if (margin_) rows.row_correct = nullptr;
    rows.scale = totals.weight == 0 ? 0 : 1 / totals.weight;  // all ignored: no gradient
    rows.gradient = gradient.data;
    rows.gradient_stride = gradient.stride;
    typed_kernels<T>().losses[loss_->index](rows);
    add_losses(rows, totals);
    Matrix<const T> beside;
    if (margin_) beside = margin_->backward(plan_->last_input(), output, part.classes, gradient);
    plan_->backward(gradient, pass, beside);
    if (context.stopped()) return totals;
  }
  if (margin_) {
    margin_->finish(network_->values().data() + margin_weight(), network_->gradients().data() + margin_weight());
  }
  totals.steps = 1;
  return totals;
}

template <class T>
Totals Trainer<T>::step(const Samples<T>& samples, const Order& order, Index count, const Context& context) {
  const Pace::Turn turn = pace_.turn(count, sample_nanoseconds_ * double(count));
  network_->states().open(count);
  Totals totals = differentiate(samples, order, count, true, context);
  if (totals.steps == 0) return totals;
  double share = 1;
  if (sums_penalty) {
    share = totals.weight == 0 ? 0 : 1 / totals.weight;
    totals.penalty = totals.weight == 0 ? 0 : optimizer_.penalty();
  }
  if (optimizer_.step(gradients_, share)) plan_->keep();
  network_->states().close();
  constexpr double overhead = 1000;  // nanoseconds of a step beyond its products, for the interrupt's account
  context.after(overhead);
  return totals;
}

template <class T>
Totals Trainer<T>::step(const Samples<T>& samples, const Context& context) {
  reserve(samples, samples.x.rows);
  return step(samples, {}, samples.x.rows, context);
}

template <class T>
Totals Trainer<T>::epoch(const Samples<T>& samples, Index batch, bool shuffled, std::uint64_t epoch,
                         const Context& context) {
  order_.resize(std::size_t(samples.x.rows));
  std::iota(order_.begin(), order_.end(), Index(0));
  if (shuffled) shuffle(order_.data(), samples.x.rows, Random(seed_, epoch));
  return this->epoch(samples, batch, order_.data(), context);
}

template <class T>
Totals Trainer<T>::epoch(const Samples<T>& samples, Index batch, const Index* order, const Context& context) {
  reserve(samples, batch);
  const Index n = samples.x.rows;
  Totals totals;
  for (Index begin = 0; begin < n && !context.stopped(); begin += batch) {
    const Totals one = step(samples, {order + begin, n - begin}, std::min(batch, n - begin), context);
    totals.steps += one.steps;
    if (one.steps == 0) break;
    totals.loss += one.loss;
    totals.penalty += one.penalty;
    totals.weight += one.weight;
    totals.correct += one.correct;
    totals.samples += one.samples;
  }
  return totals;
}

template <class T>
Totals Trainer<T>::gradient(const Samples<T>& samples, const Context& context) {
  reserve(samples, samples.x.rows);
  return differentiate(samples, {}, samples.x.rows, false, context);
}

template <class T>
Totals Trainer<T>::evaluate(const Samples<T>& samples, const Context& context) {
  const Index n = samples.x.rows, most = Plan<T>::chunk(*network_, Mode::infer, kChunk);
  reserve_losses(most * samples.output_steps);
  loader_.reserve(samples, most, network_->outputs());
  if (!inference_ || !inference_->fits(most, samples.steps)) {
    inference_ = std::make_unique<Plan<T>>(network_, most, samples.steps, Mode::infer);
  }
  Totals totals;
  totals.weight = weight_of(samples, {}, n);
  Pass pass;
  pass.steps = samples.steps;
  pass.context = context;
  for (Index begin = 0; begin < n && !context.stopped(); begin += most) {
    const Part<T> part = loader_.take(samples, {}, begin, std::min(most, n - begin));
    const Matrix<T> output = inference_->forward(part.x, pass);
    const LossRows<T> rows = loss_rows(part, output);
    typed_kernels<T>().losses[loss_->index](rows);
    add_losses(rows, totals);
  }
  return totals;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace simdnn
