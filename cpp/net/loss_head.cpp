#include "loss_head.hpp"

namespace simdnn {
namespace {

/// A loss of the output alone.
template <class T>
class PlainLossHead final : public LossHead<T> {
 public:
  PlainLossHead(const Loss& loss, const Plan<T>& plan)
      : function_(typed_kernels<T>().losses[loss.index]), plan_(plan) {}

  void begin_batch(std::int64_t) override {}
  LossGradients<T> evaluate(LossRows<T> rows, const Matrix<T>& output) override {
    rows.gradient = plan_.gradient_over(output);
    function_(rows);
    return {rows.gradient, {}};
  }
  void finish() override {}

 private:
  LossFunction<T> function_;
  const Plan<T>& plan_;
};

/// A loss of the last layer's logits with a margin, which depends on the layer's input and weight. The weight is the
/// network's last parameter.
template <class T>
class MarginLossHead final : public LossHead<T> {
 public:
  MarginLossHead(const Loss& loss, Network<T>& network, const Plan<T>& plan, Index rows)
      : function_(typed_kernels<T>().losses[loss.index]),
        plan_(plan),
        logits_(*loss.margin, rows, network.spec()->layers.back()->input.features, network.outputs()) {
    const Index offset = network.layout().parameters.blocks().back().offset;
    weight_ = network.values().data() + offset;
    weight_gradient_ = network.gradients().data() + offset;
  }

  void begin_batch(std::int64_t step) override { logits_.begin(weight_, step); }

  /// Classes are counted as correct without the margin.
  LossGradients<T> evaluate(LossRows<T> rows, const Matrix<T>& output) override {
    const Matrix<T> gradient = plan_.output_gradient(output.rows);
    function_(rows);
    logits_.logits(plan_.last_input(), output, rows.classes, gradient);
    rows.output = gradient;
    rows.gradient = gradient;
    rows.row_correct = nullptr;
    function_(rows);
    return {gradient, logits_.backward(plan_.last_input(), output, rows.classes, gradient)};
  }
  void finish() override { logits_.finish(weight_, weight_gradient_); }

 private:
  LossFunction<T> function_;
  const Plan<T>& plan_;
  MarginLogits<T> logits_;
  const T* weight_;
  T* weight_gradient_;
};

}  // namespace

template <class T>
std::unique_ptr<LossHead<T>> make_loss_head(const Loss& loss, Network<T>& network, const Plan<T>& plan, Index rows) {
  if (loss.margin) return std::make_unique<MarginLossHead<T>>(loss, network, plan, rows);
  return std::make_unique<PlainLossHead<T>>(loss, plan);
}

template std::unique_ptr<LossHead<float>> make_loss_head(const Loss&, Network<float>&, const Plan<float>&, Index);
template std::unique_ptr<LossHead<double>> make_loss_head(const Loss&, Network<double>&, const Plan<double>&, Index);

}  // namespace simdnn
