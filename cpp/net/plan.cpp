#include "plan.hpp"

#include <algorithm>

namespace simdnn {

template <class T>
Plan<T>::Plan(std::shared_ptr<Network<T>> network, Index rows, Mode mode, bool input_gradient)
    : network_(std::move(network)), capacity_(rows), mode_(mode) {
  for (const LayerSpec& spec : network_->specs()) layers_.push_back(make_layer<T>(spec));
  inputs_.resize(layers_.size());
  for (const bool placing : {false, true}) {
    if (placing) arena_.allocate();
    for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i]->reserve(arena_, rows, mode, i == 0 && !input_gradient);
    if (mode == Mode::train) gradient_ = arena_.matrix(rows, network_->outputs());
  }
}

template <class T>
void Plan<T>::prepare() {
  for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i]->prepare(network_->views(i));
}

template <class T>
Matrix<T> Plan<T>::forward(const Matrix<const T>& x, const Context& context) {
  Matrix<const T> input = x;
  Matrix<T> y;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    inputs_[i] = input;
    y = layers_[i]->forward(input, network_->views(i), mode_, context);
    input = y;
  }
  return y;
}

template <class T>
Matrix<T> Plan<T>::backward(Matrix<T> gradient, bool accumulate, const Context& context, Matrix<const T> beside) {
  const Finish<T> top = layers_.back()->backward_finish();
  if (top.apply) top.apply(gradient.data, top.beside, gradient.stride, gradient.rows, gradient.stride, top.parameters);
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const Finish<T> below = i > 0 ? layers_[i - 1]->backward_finish() : Finish<T>{};
    gradient = layers_[i]->backward(inputs_[i], gradient, network_->views(i), accumulate, beside, below, context);
    beside = {};
  }
  return gradient;
}

template <class T>
void infer(Plan<T>& plan, const Matrix<const T>& x, T* out, const Context& context) {
  for (Index begin = 0; begin < x.rows && !context.stopped(); begin += plan.capacity()) {
    const Index rows = std::min(plan.capacity(), x.rows - begin);
    const Matrix<T> y = plan.forward({x.data + begin * x.stride, rows, x.columns, x.stride}, context);
    copy_rows<T>(y, out + begin * y.columns, y.columns);
  }
}

template class Plan<float>;
template class Plan<double>;
template void infer(Plan<float>&, const Matrix<const float>&, float*, const Context&);
template void infer(Plan<double>&, const Matrix<const double>&, double*, const Context&);

}  // namespace simdnn
