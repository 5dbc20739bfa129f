// Softmax, losses and sums over rows.
#include "../loops/reduce.hpp"
#include "../ops/losses.hpp"
#include "../ops/softmax.hpp"
#include "part.hpp"

SIMDNN_LEVEL_BEGIN

template <class Registry>
struct LossTables;

template <class... Loss>
struct LossTables<List<Loss...>> {
  static constexpr int count = sizeof...(Loss);
  static constexpr const LossDescription* about[] = {&Loss::about...};
  template <class T>
  static constexpr LossFunction<T> rows[count] = {Loss::template rows<T>...};
};

template <class T>
void fill(TypedKernels<T>& kernels) {
  kernels.softmax = softmax<T>;
  kernels.log_softmax = log_softmax<T>;
  kernels.row_sum = row_sum<T>;
  kernels.add_row = add_row<T>;
  kernels.losses = LossTables<Losses>::template rows<T>;
}

SIMDNN_LEVEL_END

void simdnn::SIMDNN_OF_LEVEL(row_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  kernels.losses = LossTables<Losses>::about;
  kernels.loss_count = LossTables<Losses>::count;
  fill(kernels.single);
  fill(kernels.real);
}
