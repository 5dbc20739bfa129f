// One layer of a recurrent stack: its parameters, the states and gates of each time step, and its passes.
#pragma once

#include "../layer.hpp"
#include "cell_layout.hpp"

namespace simdnn {

/// Sizes and settings of one layer of the stack.
struct RecurrentShape {
  CellKind kind = kLstm;
  int index = 0;
  Index inputs = 0, units = 0;
  bool bias = true, trainable_state = false;

  const Cell& cell() const { return kCells[kind]; }
  Index row_columns() const { return cell().row_gates * units; }
  Index weight_columns() const { return cell().weight_gates * units; }
  Index state_columns() const { return cell().memory ? 2 * units : units; }
  void declare_parameters(const std::string& prefix, ParameterLayout& layout) const;
};

/// The indices [begin, end).
struct IndexRange {
  Index begin, end;
  Index size() const { return end - begin; }
};

/// One layer of the stack. In training the rows of all time steps are kept, `samples` for each step; in inference all
/// steps share the same rows.
template <class T>
class RecurrentLayer {
 public:
  RecurrentLayer(const RecurrentShape& shape, ParameterBinder<T>& binder);
  const RecurrentShape& shape() const { return shape_; }

  /// Takes the matrices for up to `samples` samples; backward_input() may follow only if `needs_input_gradient`.
  void reserve(Arena<T>& arena, Index samples, Index time_steps, Mode mode, bool needs_input_gradient);

  /// Prepares a forward pass. `carried` has the states of each sample to begin with, in rows `stride` apart; nullptr
  /// stands for the initial states.
  void begin(Index samples, Index time_steps, const T* carried, Index stride);

  /// Writes the states after the last time step to `carried`.
  void store_states(T* carried, Index stride) const;

  /// Computes step t of these samples from x [samples, inputs], of all samples; y receives a copy of the states unless
  /// it is empty.
  void forward(Index t, IndexRange samples, const Matrix<const T>& x, const Matrix<T>& y, const std::uint8_t* skipped);
  Matrix<T> states_after(Index t) const { return at(h_, t + 1, {0, samples_}); }

  /// Prepares a backward pass.
  void begin_backward();

  /// Turns the gates of step t into the gradients w.r.t. them, from dy (optional) and the gradient from step t + 1.
  void backward(Index t, IndexRange samples, const Matrix<T>& dy, const std::uint8_t* skipped);

  /// Completes the gradient w.r.t. the states before step t after backward(); sets it to zero if `cut`.
  void backward_states(Index t, IndexRange samples, bool cut);

  /// Computes dx = post_op(dx_init + dgates W_ih^T), the gradient w.r.t. the layer's input at step t.
  void backward_input(Index t, IndexRange samples, const Matrix<const T>& dx_init, const Matrix<T>& dx,
                      const PostOp<T>& post_op) const;

  /// Computes the parameters' gradients after all steps, from the layer's inputs x [time steps * samples, inputs].
  /// `fresh_start` is true if the states were the initial ones.
  void parameter_gradients(const Matrix<const T>& x, bool fresh_start, const PassContext& context);
  Matrix<const T> all_states_after() const { return h_.row_range(train_ ? samples_ : 0, samples_ * time_steps_); }

 private:
  /// Rows of these samples at step t.
  Matrix<T> at(const Matrix<T>& m, Index t, IndexRange samples) const {
    return m.row_range((train_ ? t * samples_ : 0) + samples.begin, samples.size());
  }
  /// Columns of `count` gates from gate `first` on.
  template <class U>
  Matrix<U> gate_columns(const Matrix<U>& m, int first, int count) const {
    return m.column_range(first * shape_.units, count * shape_.units);
  }
  CellRows<T> cell_rows(Index t, IndexRange samples, const std::uint8_t* skipped) const;
  void weight_gradient(const Matrix<const T>& a, const GateRange& range, const ParameterView<T>& weight,
                       const PassContext& context) const;
  void bias_gradient(const GateRange& range, const ParameterView<T>& bias, const PassContext& context) const;
  void state_gradient(const Matrix<T>& rows, const ParameterView<T>& to, bool any, const PassContext& context) const;

  RecurrentShape shape_;
  ParameterView<T> input_weight_, state_weight_, input_bias_, state_bias_, initial_h_, initial_c_;
  bool train_ = false;
  Index samples_ = 0, time_steps_ = 0;
  Matrix<T> bias_;               ///< sum of both biases, in the columns of a row of gates
  Matrix<T> gates_;              ///< gates of each step; after its backward(), the gradients w.r.t. them
  Matrix<T> h_, c_, tanh_of_c_;  ///< states and tanh(c) of each step; h_ and c_ begin with the states before the first
  Matrix<T> dh_, dc_;            ///< gradients w.r.t. h and c at one time step
  /// The weights' transposes, which every step of a backward pass reads.
  Matrix<T> input_weight_transposed_, state_weight_transposed_;
};

}  // namespace simdnn
