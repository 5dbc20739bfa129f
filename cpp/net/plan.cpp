#include "plan.hpp"

#include <algorithm>

namespace simdnn {

template <class T>
Plan<T>::Plan(std::shared_ptr<Network<T>> network, Index samples, Index steps, Mode mode, bool input_gradient)
    : network_(std::move(network)),
      cursor_(network_->cursor(mode)),
      root_(*network_->spec(), cursor_),
      samples_(samples),
      steps_(steps) {
  for (const bool placing : {false, true}) {
    if (placing) arena_.allocate();
    root_.reserve(arena_, samples * steps, steps, mode, !input_gradient);
    if (mode == Mode::train) gradient_ = arena_.matrix(samples * network_->output_steps(steps), network_->outputs());
  }
}

template <class T>
void infer(Plan<T>& plan, const Matrix<const T>& x, Index steps, T* out, const Context& context) {
  Pass pass;
  pass.steps = steps;
  pass.context = context;
  pass.carry = true;
  plan.states().open(x.rows);
  for (Index begin = 0; begin < x.rows && !context.stopped(); begin += plan.capacity()) {
    const Index count = std::min(plan.capacity(), x.rows - begin);
    pass.first = begin;
    const Matrix<T> y = plan.forward(rows_of_samples(x, begin, count, steps), pass);
    copy_rows<T>(y, out, y.columns);
    out += y.rows * y.columns;
  }
  if (!context.stopped()) plan.states().close();
}

template class Plan<float>;
template class Plan<double>;
template void infer(Plan<float>&, const Matrix<const float>&, Index, float*, const Context&);
template void infer(Plan<double>&, const Matrix<const double>&, Index, double*, const Context&);

}  // namespace simdnn
