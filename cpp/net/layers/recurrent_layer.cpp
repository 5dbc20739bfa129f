#include "recurrent_layer.hpp"

#include <algorithm>

#include "../parallel_product.hpp"

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
      input_weight_(binder.take(shape.inputs, shape.weight_columns())),
      state_weight_(binder.take(shape.units, shape.weight_columns())) {
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
  copy_rows<T>(states_after(time_steps_ - 1), carried, stride);
  if (shape_.cell().memory) copy_rows<T>(at(c_, time_steps_, {0, samples_}), carried + shape_.units, stride);
}

template <class T>
CellRows<T> RecurrentLayer<T>::cell_rows(Index t, IndexRange samples, const std::uint8_t* skipped) const {
  const Matrix<T> gates = at(gates_, t, samples);
  return {.rows = samples.size(),
          .units = shape_.units,
          .gates = gates.data,
          .gates_stride = gates.stride,
          .h = at(h_, t, samples).data,
          .next_h = at(h_, t + 1, samples).data,
          .c = at(c_, t, samples).data,
          .next_c = at(c_, t + 1, samples).data,
          .tanh_of_c = at(tanh_of_c_, t, samples).data,
          .dh = dh_.row_range(samples.begin, samples.size()).data,
          .dc = dc_.row_range(samples.begin, samples.size()).data,
          .stride = h_.stride,
          .skipped = skipped ? skipped + samples.begin : nullptr};
}

/// Computes gates = h W_hh + b, then gates += x W_ih, then the cell's function. The candidate of a GRU keeps x W_ih + b
/// apart from h W_hh + b.
template <class T>
void RecurrentLayer<T>::forward(Index t, IndexRange samples, const Matrix<const T>& x, const Matrix<T>& y,
                                const std::uint8_t* skipped) {
  const Cell& cell = shape_.cell();
  const Matrix<T> gates = at(gates_, t, samples);
  multiply<T>({.a = at(h_, t, samples),
               .b = state_weight_.matrix(),
               .c_init = broadcast(gate_columns(bias_, cell.state_row, cell.weight_gates)),
               .c = gate_columns(gates, cell.state_row, cell.weight_gates)},
              {});
  for (const GateRange& range : cell.input) {
    const Matrix<T> sum = gate_columns(gates, range.row, range.count);
    multiply<T>({.a = x.row_range(samples.begin, samples.size()),
                 .b = gate_columns(input_weight_.matrix(), range.weight, range.count),
                 .c_init = range.added ? sum : broadcast(gate_columns(bias_, range.row, range.count)),
                 .c = sum},
                {});
  }
  CellRows<T> step = cell_rows(t, samples, skipped);
  step.y = y.row_range(samples.begin, samples.size()).data;
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
void RecurrentLayer<T>::backward(Index t, IndexRange samples, const Matrix<T>& dy, const std::uint8_t* skipped) {
  CellRows<T> step = cell_rows(t, samples, skipped);
  step.dy = dy.row_range(samples.begin, samples.size()).data;
  step.y_stride = dy.stride;
  typed_kernels<T>().layers.cells[shape_.kind].backward(step);
}

/// dh [samples, units] += dgates W_hh^T.
template <class T>
void RecurrentLayer<T>::backward_states(Index t, IndexRange samples, bool cut) {
  const Matrix<T> dh = dh_.row_range(samples.begin, samples.size());
  if (cut) {
    const Matrix<T> dc = dc_.row_range(samples.begin, samples.size());
    std::fill_n(dh.data, dh.rows * dh.stride, T(0));
    if (dc.data) std::fill_n(dc.data, dc.rows * dc.stride, T(0));
    return;
  }
  multiply<T>({.a = gate_columns(at(gates_, t, samples), shape_.cell().state_row, shape_.cell().weight_gates),
               .b = state_weight_transposed_,
               .c_init = dh,
               .c = dh,
               .padded = true},
              {});
}

template <class T>
void RecurrentLayer<T>::backward_input(Index t, IndexRange samples, const Matrix<const T>& dx_init, const Matrix<T>& dx,
                                       const PostOp<T>& post_op) const {
  const std::vector<GateRange>& ranges = shape_.cell().input;
  Matrix<const T> sum = dx_init;
  for (const GateRange& range : ranges) {
    multiply<T>({.a = gate_columns(at(gates_, t, samples), range.row, range.count),
                 .b = input_weight_transposed_.row_range(range.weight * shape_.units, range.count * shape_.units),
                 .c_init = sum,
                 .c = dx,
                 .padded = true,
                 .post_op = &range == &ranges.back() ? post_op : PostOp<T>{}},
                {});
    sum = dx;
  }
}

/// Computes c = a b, or c += a b for a later chunk of the batch. The sums go through the rows of b in pieces that stay
/// in the second-level cache.
template <class T>
void multiply_pieces(const Operand<T>& a, const Matrix<T>& b, const Matrix<T>& c, const PassContext& context) {
  constexpr Index most = 256;
  for (Index begin = 0; begin == 0 || begin < b.rows; begin += most) {
    const Index depth = std::min(most, b.rows - begin);
    multiply<T>({.a = a.column_range(begin, depth),
                 .b = b.row_range(begin, depth),
                 .c_init = begin > 0 || context.accumulate ? c : Matrix<T>{},
                 .c = c},
                context.stop);
  }
}

/// dW = a^T dgates, for the rows of all time steps.
template <class T>
void RecurrentLayer<T>::weight_gradient(const Matrix<const T>& a, const GateRange& range,
                                        const ParameterView<T>& weight, const PassContext& context) const {
  multiply_pieces(transposed(a), gate_columns(gates_.first_rows(a.rows), range.row, range.count),
                  gate_columns(weight.gradient(), range.weight, range.count), context);
}

/// db = 1^T dgates, for the rows of all time steps.
template <class T>
void RecurrentLayer<T>::bias_gradient(const GateRange& range, const ParameterView<T>& bias,
                                      const PassContext& context) const {
  if (bias.values == nullptr) return;
  const Index rows = samples_ * time_steps_;
  multiply_pieces(row_of_ones<T>(rows), gate_columns(gates_.first_rows(rows), range.row, range.count),
                  gate_columns(bias.gradient(), range.weight, range.count), context);
}

template <class T>
void RecurrentLayer<T>::state_gradient(const Matrix<T>& rows, const ParameterView<T>& to, bool any,
                                       const PassContext& context) const {
  if (to.values == nullptr) return;
  const Index count = any ? samples_ : 0;
  multiply_pieces(row_of_ones<T>(count), rows.first_rows(count), to.gradient(), context);
}

template <class T>
void RecurrentLayer<T>::parameter_gradients(const Matrix<const T>& x, bool fresh_start, const PassContext& context) {
  const Cell& cell = shape_.cell();
  const GateRange of_state{cell.state_row, 0, cell.weight_gates};
  weight_gradient(h_.first_rows(samples_ * time_steps_), of_state, state_weight_, context);
  bias_gradient(of_state, state_bias_, context);
  for (const GateRange& range : cell.input) {
    weight_gradient(x, range, input_weight_, context);
    if (cell.input.size() > 1) bias_gradient(range, input_bias_, context);
  }
  if (cell.input.size() == 1 && shape_.bias) {  // both biases reach the same gates
    std::copy_n(state_bias_.gradients, shape_.weight_columns(), input_bias_.gradients);
  }
  state_gradient(dh_, initial_h_, fresh_start, context);
  state_gradient(dc_, initial_c_, fresh_start, context);
}

SIMDNN_INSTANTIATE(RecurrentLayer);

}  // namespace simdnn
