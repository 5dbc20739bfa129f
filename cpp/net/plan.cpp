#include "plan.hpp"

#include <algorithm>

namespace simdnn {

template <class T>
Plan<T>::Plan(std::shared_ptr<Network<T>> network, Index samples, Index time_steps, Mode mode, bool input_gradient)
    : network_(std::move(network)),
      binder_(network_->binder(mode)),
      root_(*network_->spec(), binder_),
      samples_(samples),
      time_steps_(time_steps) {
  for (const bool placing : {false, true}) {
    if (placing) arena_.allocate();
    root_.reserve(arena_, samples * time_steps, time_steps, mode, !input_gradient);
    if (mode == Mode::train)
      gradient_ = arena_.matrix(samples * network_->output_time_steps(time_steps), network_->outputs());
  }
}

template <class T>
void infer(Plan<T>& plan, const Matrix<const T>& x, Index time_steps, T* out, const StopToken& stop) {
  PassContext context;
  context.time_steps = time_steps;
  context.stop = stop;
  context.keep_state = true;
  plan.states().open(x.rows);
  plan.round_weights();
  for (Index begin = 0; begin < x.rows && !stop.stopped(); begin += plan.capacity()) {
    const Index count = std::min(plan.capacity(), x.rows - begin);
    context.batch_offset = begin;
    const Matrix<T> y = plan.forward(rows_of_samples(x, begin, count, time_steps), context);
    copy_rows<T>(y, out, y.columns);
    out += y.rows * y.columns;
  }
  if (!stop.stopped()) plan.states().close();
}

SIMDNN_INSTANTIATE(Plan);
template void infer(Plan<float>&, const Matrix<const float>&, Index, float*, const StopToken&);
template void infer(Plan<double>&, const Matrix<const double>&, Index, double*, const StopToken&);

}  // namespace simdnn
