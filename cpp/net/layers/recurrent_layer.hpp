// One level of a recurrent layer: its parameters, what it keeps of each time step, and what a step does.
#pragma once

#include "../layer.hpp"
#include "cell.hpp"

namespace simdnn {

struct LevelShape {
  CellKind kind = kLstm;
  int number = 0;
  Index inputs = 0, units = 0;
  bool bias = true, learned = false;

  const Cell& cell() const { return kCells[kind]; }
  Index row_columns() const { return cell().row_gates * units; }
  Index weight_columns() const { return cell().weight_gates * units; }
  Index state_columns() const { return cell().memory ? 2 * units : units; }
  void list(const std::string& prefix, Inventory& inventory) const;
};

struct Range {
  Index begin, end;
};

/// Rows of a time step, from sample 0 on; without data: none.
template <class T>
struct StepRows {
  T* data = nullptr;
  Index stride = 0;
};

/// While training, time steps lie one after the other, `samples` rows each; else all share one place.
template <class T>
class RecurrentLevel {
 public:
  RecurrentLevel(const LevelShape& shape, Cursor<T>& cursor);
  const LevelShape& shape() const { return shape_; }
  /// `below`: backward_input() will be called.
  void reserve(Arena<T>& arena, Index samples, Index steps, Mode mode, bool below);

  /// Before a forward pass; carried: of each sample, the states to begin with, `stride` apart, or nullptr.
  void begin(Index samples, Index steps, const T* carried, Index stride);
  void store_states(T* carried, Index stride) const;

  void forward(Index t, Range samples, StepRows<const T> x, StepRows<T> y, const std::uint8_t* skipped);
  StepRows<const T> states_after(Index t) const { return {block(h_, t + 1), h_.stride}; }

  /// Before a backward pass.
  void begin_backward();
  void backward(Index t, Range samples, StepRows<const T> dy, const std::uint8_t* skipped);
  /// What backward() left is now by the states before step t; `cut`: nothing is.
  void backward_states(Index t, Range samples, bool cut);
  /// The gradient by its input at step t: `input` says where it goes, and what it begins and ends with.
  void backward_input(Index t, Range samples, Product<T> input) const;

  /// After it; x has the rows of all time steps. `begun_anew`: states were not carried from another batch.
  void parameter_gradients(const Matrix<const T>& x, bool begun_anew, const Pass& pass);
  Matrix<const T> all_states_after() const { return {block(h_, 1), samples_ * steps_, shape_.units, h_.stride}; }

 private:
  using Slice = typename Cursor<T>::Slice;
  T* block(const Matrix<T>& m, Index t) const {
    return m.data ? m.data + (train_ ? t * samples_ * m.stride : 0) : nullptr;
  }
  CellRows<T> rows_of(Index t, Range samples, const std::uint8_t* skipped) const;
  void sum_rows(const T* from, Index stride, Index rows, Index columns, T* to, const Pass& pass) const;
  void weight_gradient(const Matrix<const T>& a, const GateRange& range, const Slice& weight, const Pass& pass) const;
  void bias_gradient(const GateRange& range, const Slice& bias, const Pass& pass) const;
  void state_gradient(const Matrix<T>& rows, const Slice& to, bool any, const Pass& pass) const;

  LevelShape shape_;
  Slice input_weight_, state_weight_, input_bias_, state_bias_, initial_h_, initial_c_;
  bool train_ = false;
  Index samples_ = 0, steps_ = 0;
  Matrix<T> bias_;                         ///< of a row of gates
  Matrix<T> gates_;                        ///< after a backward step: their gradients
  Matrix<T> h_, c_, tanh_of_c_;            ///< the first two with a block before the first step
  Matrix<T> dh_, dc_;                      ///< at one time step
  Matrix<T> input_turned_, state_turned_;  ///< the weights' transposes, which every step of a backward pass reads
};

}  // namespace simdnn
