#include "predictions.hpp"

#include <algorithm>
#include <exception>

#include "../threads/region.hpp"
#include "population.hpp"

namespace simdnn {
namespace {

/// Predictions, and the errors of those that have failed.
struct Results {
  std::vector<Prediction> predictions;
  std::vector<std::exception_ptr> errors;

  /// Runs predictions [begin, end) in their order.
  void run(std::size_t begin, std::size_t end, const StopToken& stop) {
    for (std::size_t i = begin; i < end && !stop.stopped(); ++i) {
      try {
        predictions[i].run(stop);
      } catch (...) {
        errors[i] = std::current_exception();
      }
    }
  }
};

}  // namespace

void run_predictions(std::vector<Prediction> predictions, int threads, const StopToken& stop) {
  Nanoseconds total = 0;
  for (const Prediction& one : predictions) total += one.work;
  if (threads < 2 || fork_count() > 0 || computes_alone() || total < kSerialBelow || !stop.interrupt) {
    const ComputingAlone alone;
    for (const Prediction& one : predictions) {
      if (!stop.stopped()) one.run(stop);
    }
    return;
  }
  std::stable_sort(predictions.begin(), predictions.end(),
                   [](const Prediction& a, const Prediction& b) { return std::less<>()(a.mutex, b.mutex); });
  const std::size_t count = predictions.size();
  Results results{std::move(predictions), std::vector<std::exception_ptr>(count)};
  std::vector<Unit> units;
  for (std::size_t begin = 0, end = 0; begin < count; begin = end) {
    Nanoseconds work = 0;
    while (end < count && results.predictions[end].mutex == results.predictions[begin].mutex) {
      work += results.predictions[end++].work;
    }
    units.push_back({work, [&results, begin, end](const StopToken& token) { results.run(begin, end, token); }});
  }
  Population(std::move(units)).run(threads, *stop.interrupt);
  for (const std::exception_ptr& error : results.errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace simdnn
