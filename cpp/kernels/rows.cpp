// Fills the table's softmax functions, losses and sums over rows.
#include "../loops/domain.hpp"
#include "../loops/losses.hpp"
#include "../loops/margin.hpp"
#include "../loops/pointwise_loss_rows.hpp"
#include "../loops/reduce.hpp"
#include "../loops/softmax.hpp"
#include "part.hpp"

SIMDNN_LEVEL_BEGIN

/// The function of a loss: its own loop over rows, or the common loop over outputs for a pointwise loss.
template <class Loss, class T>
constexpr LossFunction<T> loss_function() {
  if constexpr (requires { Loss::template rows<T>; }) {
    return Loss::template rows<T>;
  } else {
    return pointwise_rows<Loss, T>;
  }
}

constexpr auto kLossTable =
    table_of<const LossDescription*>(Losses{}, []<class Loss>(List<Loss>) { return &Loss::info; });
template <class T>
constexpr auto kLossFunctions =
    table_of<LossFunction<T>>(Losses{}, []<class Loss>(List<Loss>) { return loss_function<Loss, T>(); });

template <class T>
void fill(TypedKernels<T>& kernels) {
  kernels.softmax = softmax<T>;
  kernels.log_softmax = log_softmax<T>;
  kernels.logsumexp = logsumexp<T>;
  kernels.softmax_backward = softmax_backward<T>;
  kernels.log_softmax_backward = log_softmax_backward<T>;
  kernels.logsumexp_backward = logsumexp_backward<T>;
  kernels.entropy = entropy<T>;
  kernels.entropy_backward = entropy_backward<T>;
  kernels.in_domain = in_domain<T>;
  kernels.row_sum = row_sum<T>;
  kernels.abs_sum = abs_sum<T>;
  kernels.square_sum = square_sum<T>;
  kernels.add_row = add_row<T>;
  kernels.losses = kLossFunctions<T>.entries;
  kernels.margin = {row_norms<T>,       column_norms<T>,       margin_logits<T>,
                    margin_backward<T>, norm_gradient_rows<T>, add_norm_gradient_columns<T>};
}

SIMDNN_LEVEL_END

void simdnn::SIMDNN_OF_LEVEL(row_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  kernels.losses = kLossTable.entries;
  kernels.loss_count = kLossTable.count;
  fill(kernels.f32);
  fill(kernels.f64);
}
