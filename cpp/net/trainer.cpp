#include "trainer.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "random.hpp"

namespace simdnn {

template <class T>
Trainer<T>::Trainer(std::shared_ptr<Network<T>> network, std::shared_ptr<const Loss> loss,
                    std::shared_ptr<const Rule> rule)
    : network_(std::move(network)), loss_(std::move(loss)), updater_(std::move(rule)) {
  for (const ParameterBlock& block : network_->blocks()) {
    const bool matrix = block.shape.size() == 2;  // max-norm is for weights, not for biases
    const Units units = matrix ? Units{block.shape[0], block.shape[1]} : Units{};
    updater_.add(network_->values().data() + block.offset, block.size(), units);
    gradients_.push_back(network_->gradients().data() + block.offset);
  }
}

/// The parameters of the layer whose output the loss sees.
template <class T>
ParameterViews<T> last_views(Network<T>& network) {
  return network.views(network.specs().size() - 1);
}

/// Makes room for chunks of at most `rows` samples: the only allocation, at the first step of a new size.
template <class T>
void Trainer<T>::reserve(Index rows) {
  rows = std::min(rows, kChunkRows);
  reserve_losses(rows);
  if (plan_ && plan_->capacity() >= rows) return;
  plan_ = std::make_unique<Plan<T>>(network_, rows, Mode::train);
  if (loss_->margin) {
    const Index inputs = std::visit([](const auto& spec) { return spec.inputs; }, network_->specs().back());
    margin_ = std::make_unique<MarginHead<T>>(*loss_->margin, rows, inputs, network_->outputs());
  }
  x_ = Buffer<T>(rows * network_->inputs());
  values_ = Buffer<T>(loss_->about().target == Target::classes ? 0 : rows * network_->outputs());
  weight_ = Buffer<T>(rows);
  classes_.resize(std::size_t(rows));
}

template <class T>
void Trainer<T>::reserve_losses(Index rows) {
  row_loss_.resize(std::max(row_loss_.size(), std::size_t(rows)));
  row_correct_.resize(row_loss_.size());
}

/// Rows [begin, begin + rows) of the samples, gathered if there is an order, else where they lie.
template <class T>
Samples<T> Trainer<T>::chunk(const Samples<T>& samples, const Index* order, Index begin, Index rows) {
  const Index inputs = network_->inputs(), outputs = network_->outputs();
  if (order == nullptr) {
    return {{samples.x.data + begin * samples.x.stride, rows, inputs, samples.x.stride},
            samples.classes ? samples.classes + begin : nullptr,
            samples.values ? samples.values + begin * outputs : nullptr,
            samples.weight ? samples.weight + begin : nullptr};
  }
  for (Index i = 0; i < rows; ++i) {
    const Index from = order[begin + i];
    std::memcpy(x_.data() + i * inputs, samples.x.data + from * samples.x.stride, std::size_t(inputs) * sizeof(T));
    if (samples.classes) classes_[std::size_t(i)] = samples.classes[from];
    if (samples.values) {
      std::memcpy(values_.data() + i * outputs, samples.values + from * outputs, std::size_t(outputs) * sizeof(T));
    }
    if (samples.weight) weight_.data()[i] = samples.weight[from];
  }
  return {{x_.data(), rows, inputs, inputs},
          samples.classes ? classes_.data() : nullptr,
          samples.values ? values_.data() : nullptr,
          samples.weight ? weight_.data() : nullptr};
}

template <class T>
LossRows<T> Trainer<T>::loss_rows(const Samples<T>& samples, const Matrix<T>& output) {
  LossRows<T> rows;
  rows.rows = output.rows;
  rows.columns = output.columns;
  rows.output = output.data;
  rows.output_stride = output.stride;
  rows.classes = samples.classes;
  rows.values = samples.values;
  rows.values_stride = output.columns;
  rows.row_weight = samples.weight;
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
    totals.correct += rows.row_correct[i];
    totals.samples += rows.classes == nullptr || rows.classes[i] >= 0;
  }
}

/// What the mean loss divides by: the sample weights, times the weights of their classes.
template <class T>
double Trainer<T>::weight_of(const Samples<T>& samples, const Index* order, Index count) const {
  const bool by_class = samples.classes && samples.values == nullptr;
  if (samples.weight == nullptr && !by_class) return double(count);
  double sum = 0;
  for (Index i = 0; i < count; ++i) {
    const Index from = order ? order[i] : i;
    const double own = by_class ? loss_->weight_of(samples.classes[from]) : 1.0;
    sum += samples.weight ? double(samples.weight[from]) * own : own;
  }
  return sum;
}

template <class T>
Totals Trainer<T>::step(const Samples<T>& samples, const Index* order, Index count, const Context& context) {
  Totals totals;
  totals.weight = weight_of(samples, order, count);
  plan_->prepare();
  if (margin_) margin_->begin(last_views(*network_).values, steps_);
  for (Index begin = 0; begin < count; begin += plan_->capacity()) {
    const Samples<T> part = chunk(samples, order, begin, std::min(plan_->capacity(), count - begin));
    const Matrix<T> output = plan_->forward(part.x, context);
    const Matrix<T> gradient = margin_ ? plan_->output_gradient(output.rows) : plan_->gradient_over(output);
    if (margin_) margin_->logits(plan_->last_input(), output, part.classes, gradient);
    LossRows<T> rows = loss_rows(part, margin_ ? gradient : output);
    rows.scale = totals.weight == 0 ? 0 : 1 / totals.weight;  // all ignored: no gradient
    rows.gradient = gradient.data;
    rows.gradient_stride = gradient.stride;
    typed_kernels<T>().losses[loss_->index](rows);
    add_losses(rows, totals);
    Matrix<const T> beside;
    if (margin_) beside = margin_->backward(plan_->last_input(), output, part.classes, gradient);
    plan_->backward(gradient, begin > 0, context, beside);
    if (context.stopped()) return totals;
  }
  if (margin_) margin_->finish(last_views(*network_).values, last_views(*network_).gradients);
  ++steps_;
  updater_.step(gradients_);
  totals.steps = 1;
  constexpr double overhead = 1000;  // nanoseconds of a step beyond its products, for the interrupt's account
  context.after(overhead);
  return totals;
}

template <class T>
Totals Trainer<T>::step(const Samples<T>& samples, const Context& context) {
  reserve(samples.x.rows);
  return step(samples, nullptr, samples.x.rows, context);
}

template <class T>
Totals Trainer<T>::epoch(const Samples<T>& samples, Index batch, bool shuffled, std::uint64_t seed, std::uint64_t epoch,
                         const Context& context) {
  reserve(batch);
  const Index n = samples.x.rows;
  order_.resize(std::size_t(n));
  std::iota(order_.begin(), order_.end(), Index(0));
  if (shuffled) shuffle(order_.data(), n, Random(seed, epoch));
  Totals totals;
  for (Index begin = 0; begin < n && !context.stopped(); begin += batch) {
    const Totals one = step(samples, order_.data() + begin, std::min(batch, n - begin), context);
    totals.steps += one.steps;
    if (one.steps == 0) break;
    totals.loss += one.loss;
    totals.weight += one.weight;
    totals.correct += one.correct;
    totals.samples += one.samples;
  }
  return totals;
}

template <class T>
Totals Trainer<T>::evaluate(const Samples<T>& samples, const Context& context) {
  reserve_losses(kChunkRows);
  if (!inference_) inference_ = std::make_unique<Plan<T>>(network_, kChunkRows, Mode::infer);
  Totals totals;
  totals.weight = weight_of(samples, nullptr, samples.x.rows);
  for (Index begin = 0; begin < samples.x.rows && !context.stopped(); begin += kChunkRows) {
    const Samples<T> part = chunk(samples, nullptr, begin, std::min(kChunkRows, samples.x.rows - begin));
    const LossRows<T> rows = loss_rows(part, inference_->forward(part.x, context));
    typed_kernels<T>().losses[loss_->index](rows);
    add_losses(rows, totals);
  }
  return totals;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace simdnn
