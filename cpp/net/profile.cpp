#include "profile.hpp"

#include <algorithm>

#include "plan.hpp"

namespace simdnn {
namespace {

using Clock = std::chrono::steady_clock;

double nanoseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

/// FLOPs per nanosecond of a product whose matrices stay in the first-level cache.
template <class T>
double product_speed() {
  constexpr Index rows = 48, columns = 64, depth = 32;
  Buffer<T> a(rows * depth), b(depth * columns), c(rows * columns);
  const Product<T> p{.a = Matrix<T>{a.data(), rows, depth, depth},
                     .b = Matrix<T>{b.data(), depth, columns, columns},
                     .c = {c.data(), rows, columns, columns}};
  constexpr int attempts = 20, calls = 50;
  double least = __builtin_inf();
  for (int i = 0; i < attempts; ++i) {
    const Clock::time_point start = Clock::now();
    for (int k = 0; k < calls; ++k) typed_kernels<T>().product(p);
    least = std::min(least, nanoseconds_since(start) / calls);
  }
  return 2.0 * rows * columns * depth / least;
}

/// Parameters, FLOPs and bytes from shapes alone, and the predicted time.
template <class T>
LayerCost counted(const LayerSpec& layer, Index samples, Index time_steps, bool lowest, double speed) {
  ParameterLayout layout;
  layer.declare_parameters("", layout);
  const double in = double(samples * layer.input.features * (layer.input.sequence ? time_steps : 1));
  const double out = double(samples * layer.output.features * (layer.output.sequence ? time_steps : 1));
  constexpr double walks = 3;  // over each matrix of the three products y = x W, dW = x^T dy, dx = dy W^T
  LayerCost cost;
  cost.parameters = layout.parameters.size();
  cost.flops = layer.flops(layer.input.sequence ? time_steps : 1) * double(samples) * (lowest ? 2.0 / 3 : 1);
  cost.bytes = walks * sizeof(T) * (double(cost.parameters) + in + out);
  cost.predicted = cost.flops / speed + layer.activation_cost() * double(sizeof(T) / sizeof(float)) * out;
  return cost;
}

/// The least time of each layer over several passes of zeros through a plan, the first of which are warm-up.
template <class T>
std::vector<double> timed(Plan<T>& plan, std::size_t layers, Index samples, Index time_steps, Shape input,
                          const StopToken& stop) {
  constexpr int least = 3, most = 100;
  constexpr double enough = 50e6;  // nanoseconds
  Buffer<T> x(samples * time_steps * input.features);
  std::vector<double> found(layers, __builtin_inf());
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < most && (i < least || nanoseconds_since(start) < enough) && !stop.stopped(); ++i) {
    LayerClock clock(layers);
    PassContext context;
    context.mode = Mode::train;
    context.time_steps = time_steps;
    context.stop = stop;
    context.clock = &clock;
    const Matrix<T> y = plan.forward({x.data(), samples * time_steps, input.features, input.features}, context);
    const Matrix<T> gradient = plan.gradient_over(y);
    for (Index row = 0; row < y.rows; ++row) std::fill_n(gradient.data + row * gradient.stride, y.columns, T(1));
    plan.backward(gradient, context);
    for (std::size_t k = 0; k < layers; ++k) found[k] = std::min(found[k], clock.nanoseconds[k]);
  }
  return found;
}

}  // namespace

template <class T>
std::vector<LayerCost> profile(Network<T>& network, Index samples, Index time_steps, const StopToken& stop) {
  const auto copy =
      std::make_shared<Network<T>>(network.spec(), network.precision());  // the passes change its gradients and buffers
  std::copy_n(network.values().data(), network.values().size(), copy->values().data());
  std::copy_n(network.buffers().data(), network.buffers().size(), copy->buffers().data());
  const std::vector<SpecPointer>& layers = network.spec()->layers;
  const Index chunk = Plan<T>::chunk(network, Mode::train, samples);
  Plan<T> plan(copy, chunk, time_steps, Mode::train);
  plan.round_weights();
  const std::vector<double> measured = timed(plan, layers.size(), chunk, time_steps, network.input(), stop);
  const std::vector<Index> arena = plan.arena(layers.size());
  const double speed = product_speed<T>(), chunks = double(samples) / double(chunk);
  std::vector<LayerCost> costs;
  bool trainable_before = false;  // an earlier layer has parameters
  for (std::size_t i = 0; i < layers.size(); ++i) {
    costs.push_back(counted<T>(*layers[i], samples, time_steps, !trainable_before, speed));
    costs[i].arena = double(arena[i]) * sizeof(T);
    costs[i].measured = chunks * measured[i];
    trainable_before = trainable_before || costs[i].parameters > 0;
  }
  return costs;
}

template std::vector<LayerCost> profile(Network<float>&, Index, Index, const StopToken&);
template std::vector<LayerCost> profile(Network<double>&, Index, Index, const StopToken&);

}  // namespace simdnn
