#include "recurrent_layer.hpp"

#include <algorithm>

#include "../multiply.hpp"

namespace simdnn {

void RecurrentShape::declare_parameters(const std::string& prefix, ParameterLayout& layout) const {
  const std::string end = "_l" + std::to_string(index);
  layout.parameters.add(prefix + "weight_ih" + end, {inputs, weight_columns()});
  layout.parameters.add(prefix + "weight_hh" + end, {units, weight_columns()});
  if (bias) layout.parameters.add(prefix + "bias_ih" + end, {weight_columns()});
  if (bias) layout.parameters.add(prefix + "bias_hh" + end, {weight_columns()});
  if (trainable_state) layout.parameters.add(prefix + "h0" + end, {units});
  if (trainable_state && cell().memory) layout.parameters.add(prefix + "c0" + end, {units});
}

template <class T>
RecurrentLayer<T>::RecurrentLayer(const RecurrentShape& shape, ParameterBinder<T>& binder)
    : shape_(shape),
      input_weight_(binder.take(shape.inputs * shape.weight_columns())),
      state_weight_(binder.take(shape.units * shape.weight_columns())) {
  if (shape.bias) input_bias_ = binder.take(shape.weight_columns());
  if (shape.bias) state_bias_ = binder.take(shape.weight_columns());
  if (shape.trainable_state) initial_h_ = binder.take(shape.units);
  if (shape.trainable_state && shape.cell().memory) initial_c_ = binder.take(shape.units);
}

template <class T>
void RecurrentLayer<T>::reserve(Arena<T>& arena, Index samples, Index time_steps, Mode mode,
                                bool needs_input_gradient) {
  train_ = mode == Mode::train;
  const Index rows = train_ ? samples * time_steps : samples, states = train_ ? rows + samples : samples;
  const bool memory = shape_.cell().memory;
  if (shape_.bias) bias_ = arena.matrix(1, shape_.row_columns());
  gates_ = arena.matrix(rows, shape_.row_columns());
  h_ = arena.matrix(states, shape_.units);
  if (memory) c_ = arena.matrix(states, shape_.units);
  if (memory) tanh_of_c_ = arena.matrix(rows, shape_.units);
  if (!train_) return;
  dh_ = arena.matrix(samples, shape_.units);
  if (memory) dc_ = arena.matrix(samples, shape_.units);
  state_weight_transposed_ = arena.matrix(shape_.weight_columns(), shape_.units);
  if (needs_input_gradient) input_weight_transposed_ = arena.matrix(shape_.weight_columns(), shape_.inputs);
}

template <class T>
void RecurrentLayer<T>::begin(Index samples, Index time_steps, const T* carried, Index stride) {
  samples_ = samples;
  time_steps_ = time_steps;
  const Index units = shape_.units;
  if (shape_.bias) {
    std::fill_n(bias_.data, shape_.row_columns(), T(0));
    std::copy_n(state_bias_.values, shape_.weight_columns(), bias_.data + shape_.cell().state_row * units);
    for (const GateRange& range : shape_.cell().input) {
      T* const to = bias_.data + range.row * units;
      const T* const from = input_bias_.values + range.weight * units;
      for (Index j = 0; j < range.count * units; ++j) to[j] += from[j];
    }
  }
  const auto fill = [&](const Matrix<T>& states, const T* from, const ParameterView<T>& initial) {
    for (Index i = 0; i < samples; ++i) {
      T* const to = states.data + i * states.stride;
      if (carried) {
        std::copy_n(from + i * stride, units, to);
      } else if (initial.values) {
        std::copy_n(initial.values, units, to);
      } else {
        std::fill_n(to, units, T(0));
      }
    }
  };
  fill(h_, carried, initial_h_);
  if (shape_.cell().memory) fill(c_, carried ? carried + units : nullptr, initial_c_);
}

template <class T>
void RecurrentLayer<T>::store_states(T* carried, Index stride) const {
  const auto store = [&](const Matrix<T>& states, T* to) {
    const T* const last = block(states, time_steps_);
    for (Index i = 0; i < samples_; ++i) std::copy_n(last + i * states.stride, shape_.units, to + i * stride);
  };
  store(h_, carried);
  if (shape_.cell().memory) store(c_, carried + shape_.units);
}

template <class T>
CellRows<T> RecurrentLayer<T>::cell_rows(Index t, IndexRange samples, const std::uint8_t* skipped) const {
  const auto rows = [&](T* data, Index stride) { return data ? data + samples.begin * stride : nullptr; };
  CellRows<T> step;
  step.rows = samples.end - samples.begin;
  step.units = shape_.units;
  step.gates = rows(block(gates_, t), gates_.stride);
  step.gates_stride = gates_.stride;
  step.stride = h_.stride;
  step.h = rows(block(h_, t), h_.stride);
  step.next_h = rows(block(h_, t + 1), h_.stride);
  step.c = rows(block(c_, t), h_.stride);
  step.next_c = rows(block(c_, t + 1), h_.stride);
  step.tanh_of_c = rows(block(tanh_of_c_, t), h_.stride);
  step.dh = rows(dh_.data, h_.stride);
  step.dc = rows(dc_.data, h_.stride);
  step.skipped = skipped ? skipped + samples.begin : nullptr;
  return step;
}

/// The products of a step, of the state then of x, then the cell's own act.
template <class T>
void RecurrentLayer<T>::forward(Index t, IndexRange samples, StepRows<const T> x, StepRows<T> y,
                                const std::uint8_t* skipped) {
  const Cell& cell = shape_.cell();
  const Index units = shape_.units;
  CellRows<T> step = cell_rows(t, samples, skipped);
  Product<T> p;
  p.rows = step.rows;
  p.a_column = 1;
  p.b_row = shape_.weight_columns();
  p.c_row = gates_.stride;

  Product<T> of_state = p;
  of_state.columns = shape_.weight_columns();
  of_state.depth = units;
  of_state.a = step.h;
  of_state.a_row = step.stride;
  of_state.b = state_weight_.values;
  of_state.c = step.gates + cell.state_row * units;
  if (shape_.bias) of_state.c_init = bias_.data + cell.state_row * units;
  multiply(of_state, {});

  for (const GateRange& range : cell.input) {
    Product<T> of_input = p;
    of_input.columns = range.count * units;
    of_input.depth = shape_.inputs;
    of_input.a = x.data + samples.begin * x.stride;
    of_input.a_row = x.stride;
    of_input.b = input_weight_.values + range.weight * units;
    of_input.c = step.gates + range.row * units;
    if (range.added) {
      of_input.c_init = of_input.c;
      of_input.c_init_row = of_input.c_row;
    } else if (shape_.bias) {
      of_input.c_init = bias_.data + range.row * units;
    }
    multiply(of_input, {});
  }

  if (y.data) step.y = y.data + samples.begin * y.stride;
  step.y_stride = y.stride;
  typed_kernels<T>().layers.cells[shape_.kind].forward(step);
}

template <class T>
void RecurrentLayer<T>::begin_backward() {
  std::fill_n(dh_.data, samples_ * dh_.stride, T(0));
  if (dc_.data) std::fill_n(dc_.data, samples_ * dc_.stride, T(0));
  const auto transpose = [&](const ParameterView<T>& weight, const Matrix<T>& to) {
    if (to.data == nullptr) return;
    typed_kernels<T>().transpose(weight.values, to.rows, to.columns, to.rows, to.data, to.stride);
  };
  transpose(state_weight_, state_weight_transposed_);
  transpose(input_weight_, input_weight_transposed_);
}

template <class T>
void RecurrentLayer<T>::backward(Index t, IndexRange samples, StepRows<const T> dy, const std::uint8_t* skipped) {
  CellRows<T> step = cell_rows(t, samples, skipped);
  if (dy.data) step.dy = dy.data + samples.begin * dy.stride;
  step.y_stride = dy.stride;
  typed_kernels<T>().layers.cells[shape_.kind].backward(step);
}

template <class T>
void RecurrentLayer<T>::backward_states(Index t, IndexRange samples, bool cut) {
  const Index rows = samples.end - samples.begin;
  T* const dh = dh_.data + samples.begin * dh_.stride;
  if (cut) {
    std::fill_n(dh, rows * dh_.stride, T(0));
    if (dc_.data) std::fill_n(dc_.data + samples.begin * dc_.stride, rows * dc_.stride, T(0));
    return;
  }
  Product<T> state;  // dh += dgates W_hh^T
  state.rows = rows;
  state.columns = shape_.units;
  state.depth = shape_.weight_columns();
  state.a = block(gates_, t) + samples.begin * gates_.stride + shape_.cell().state_row * shape_.units;
  state.a_row = gates_.stride;
  state.a_column = 1;
  state.b = state_weight_transposed_.data;
  state.b_row = state_weight_transposed_.stride;
  state.c = dh;
  state.c_row = dh_.stride;
  state.padded = true;
  state.c_init = dh;
  state.c_init_row = dh_.stride;
  multiply(state, {});
}

template <class T>
void RecurrentLayer<T>::backward_input(Index t, IndexRange samples, Product<T> input) const {
  const PostOp<T> post_op = input.post_op;
  const std::vector<GateRange>& ranges = shape_.cell().input;
  input.rows = samples.end - samples.begin;
  input.columns = shape_.inputs;
  input.a_row = gates_.stride;
  input.a_column = 1;
  input.b_row = input_weight_transposed_.stride;
  input.padded = true;
  for (const GateRange& range : ranges) {  // dx += dgates W_ih^T
    input.depth = range.count * shape_.units;
    input.a = block(gates_, t) + samples.begin * gates_.stride + range.row * shape_.units;
    input.b = input_weight_transposed_.data + range.weight * shape_.units * input_weight_transposed_.stride;
    input.post_op = &range == &ranges.back() ? post_op : PostOp<T>{};
    multiply(input, {});
    input.c_init = input.c;
    input.c_init_row = input.c_row;
  }
}

/// C = A^T B with rows of A that are `depth` long, or sums of rows of B if there are none: a chain over `rows` rows for
/// each element, in pieces that stay in the second-level cache.
template <class T>
void multiply_rows(Product<T> p, Index rows, const PassContext& context) {
  constexpr Index most = 256;
  for (Index begin = 0; begin == 0 || begin < rows; begin += most) {
    p.c_init = begin > 0 || context.accumulate ? p.c : nullptr;
    p.c_init_row = p.c_row;
    p.depth = std::min(most, rows - begin);
    multiply(p, context.stop);
    p.a += most * p.a_column;
    p.b += most * p.b_row;
  }
}

template <class T>
void RecurrentLayer<T>::sum_rows(const T* from, Index stride, Index rows, Index columns, T* to,
                                 const PassContext& context) const {
  static constexpr T one = 1;
  Product<T> sum;
  sum.rows = 1;
  sum.columns = columns;
  sum.a = &one;
  sum.b = from;
  sum.b_row = stride;
  sum.c = to;
  multiply_rows(sum, rows, context);
}

template <class T>
void RecurrentLayer<T>::weight_gradient(const Matrix<const T>& a, const GateRange& range,
                                        const ParameterView<T>& weight, const PassContext& context) const {
  Product<T> p;  // dW = A^T dgates
  p.rows = a.columns;
  p.columns = range.count * shape_.units;
  p.a = a.data;
  p.a_row = 1;
  p.a_column = a.stride;
  p.b = gates_.data + range.row * shape_.units;
  p.b_row = gates_.stride;
  p.c = weight.gradients + range.weight * shape_.units;
  p.c_row = shape_.weight_columns();
  multiply_rows(p, samples_ * time_steps_, context);
}

template <class T>
void RecurrentLayer<T>::bias_gradient(const GateRange& range, const ParameterView<T>& bias,
                                      const PassContext& context) const {
  if (bias.values == nullptr) return;
  sum_rows(gates_.data + range.row * shape_.units, gates_.stride, samples_ * time_steps_, range.count * shape_.units,
           bias.gradients + range.weight * shape_.units, context);
}

template <class T>
void RecurrentLayer<T>::state_gradient(const Matrix<T>& rows, const ParameterView<T>& to, bool any,
                                       const PassContext& context) const {
  if (to.values) sum_rows(rows.data, rows.stride, any ? samples_ : 0, shape_.units, to.gradients, context);
}

template <class T>
void RecurrentLayer<T>::parameter_gradients(const Matrix<const T>& x, bool fresh_start, const PassContext& context) {
  const Cell& cell = shape_.cell();
  const GateRange of_state{cell.state_row, 0, cell.weight_gates};
  const Matrix<const T> h{h_.data, samples_ * time_steps_, shape_.units, h_.stride};
  weight_gradient(h, of_state, state_weight_, context);
  bias_gradient(of_state, state_bias_, context);
  for (const GateRange& range : cell.input) {
    weight_gradient(x, range, input_weight_, context);
    if (cell.input.size() > 1) bias_gradient(range, input_bias_, context);
  }
  if (cell.input.size() == 1 && shape_.bias) {  // the same gates, so the same sum
    std::copy_n(state_bias_.gradients, shape_.weight_columns(), input_bias_.gradients);
  }
  state_gradient(dh_, initial_h_, fresh_start, context);
  state_gradient(dc_, initial_c_, fresh_start, context);
}

SIMDNN_INSTANTIATE(RecurrentLayer);

}  // namespace simdnn
