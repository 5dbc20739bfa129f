// A recurrent layer: a stack of num_layers layers of cells over the time steps of sequences.
#pragma once

#include <optional>

#include "recurrent_layer.hpp"

namespace simdnn {

template <class T>
class Recurrent;

struct RecurrentSpec final : SpecFor<RecurrentSpec, Recurrent> {
  static constexpr const char* kind = "recurrent";
  CellKind cell = kLstm;
  int num_layers = 1;
  bool bias = true;
  bool trainable_state = false;        ///< the initial states are parameters instead of zeros
  bool stateful = false;               ///< a batch begins with the states at the end of the last one
  std::optional<Index> truncate = {};  ///< no gradient crosses a multiple of this number of steps
  std::optional<double> mask = {};     ///< steps whose features all equal this number are skipped

  template <class Fields>
  void fields(Fields& f) {
    f("cell", named(cell, cell_names()));
    f("num_layers", num_layers);
    f("bias", bias);
    f("initial_state", named(trainable_state, {"zeros", "learned"}));
    f("stateful", stateful);
    f("truncate", truncate);
    f("mask_value", mask);
  }

  RecurrentShape layer(int i) const;
  void declare_parameters(const std::string& prefix, ParameterLayout& layout) const override;
  double flops(Index time_steps) const override;
  bool whole_batch() const override { return stateful; }
};

template <class T>
class Recurrent final : public Layer<T> {
 public:
  Recurrent(const RecurrentSpec& spec, ParameterBinder<T>& binder);
  bool has_parameters() const override { return true; }
  void reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) override;
  Index time_steps(Index before) const override { return sequence_ ? before : 1; }
  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override;
  bool reads_output() const override { return false; }
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext& context) override;

 private:
  template <class Body>
  void for_pieces(double passes, const PassContext& context, const Body& body) const;
  void find_skipped(const Matrix<const T>& x);
  void begin(const PassContext& context);
  void end(const PassContext& context);
  void backward_step(Index t, IndexRange samples, Matrix<T> dy, const Matrix<const T>& dx_init, const Matrix<T>& dx,
                     const PostOp<T>& prev_post_op);

  const std::uint8_t* skipped_at(Index t) const { return mask_ ? skipped_.data() + t * samples_ : nullptr; }
  Matrix<const T> input(const Matrix<const T>& x, Index t, IndexRange samples);

  /// Rows of all samples at step t of a matrix [samples * time steps, columns].
  template <class U>
  Matrix<U> at_step(const Matrix<U>& m, Index t) const {
    return {m.data ? m.row(t) : nullptr, samples_, m.columns, time_ * m.stride};
  }
  /// Rows of y or of its gradient at step t; empty if the output has no such step.
  Matrix<T> output(const Matrix<T>& y, Index t) const {
    if (sequence_) return at_step(y, t);
    return t + 1 == time_ ? y.first_rows(samples_) : Matrix<T>{};
  }

  Index inputs_, units_;
  bool sequence_, trainable_state_, train_ = false;
  Index truncate_;
  std::optional<double> mask_;
  double step_flops_;  ///< floating-point operations of one sample and time step in a forward pass
  std::vector<RecurrentLayer<T>> layers_;
  States<T>* states_ = nullptr;        ///< states of the network; nullptr: this layer is not stateful
  std::size_t place_ = 0;              ///< index of this layer among the stateful ones
  bool carried_ = false;               ///< the last forward pass began with the states at the end of the one before
  Index samples_ = 0, time_ = 0;       ///< extents of the last forward pass
  std::vector<std::uint8_t> skipped_;  ///< [time steps, samples] of the last forward pass: 1 for skipped rows
  Matrix<T> y_;
  Matrix<T> x_;               ///< copy of the input [time steps * samples, inputs]
  Matrix<T> between_;         ///< gradient w.r.t. the states of the layer below, at one time step
  Matrix<T> input_gradient_;  ///< empty in a first layer
};

}  // namespace simdnn
