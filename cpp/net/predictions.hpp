// Predictions of several networks at once, each network on one thread.
#pragma once

#include <functional>

#include "../threads/cost.hpp"
#include "plan.hpp"

namespace simdnn {

/// The prediction of a network for checked samples, to be run with the network's mutex locked.
struct Prediction {
  OwnedMutex* mutex = nullptr;
  Nanoseconds work = 0;  ///< estimated time
  std::function<void(const StopToken&)> run;
};

/// Runs predictions on at most `threads` threads. Those of one network run in their order on one thread.
void run_predictions(std::vector<Prediction> predictions, int threads, const StopToken& stop);

/// A network, and the plan for inference that its owner keeps.
template <class T>
struct Inference {
  std::shared_ptr<Network<T>> network;
  std::unique_ptr<Plan<T>>* plan = nullptr;
  Nanoseconds flop = 0;  ///< estimated time of a floating-point operation

  /// The network's output for samples of `time_steps` rows each, written to `out`.
  Prediction predict(const Matrix<const T>& x, Index time_steps, T* out) const {
    const auto run = [self = *this, x, time_steps, out](const StopToken& stop) {
      infer(inference_plan(*self.plan, self.network, x.rows, time_steps), x, time_steps, out, stop);
    };
    return {&network->mutex(), network->flops(time_steps) * flop * double(x.rows), run};
  }
};

}  // namespace simdnn
