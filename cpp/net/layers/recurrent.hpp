// Recurrent layers: num_layers stacked layers of cells over the time steps of sequences.
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
  void backward_step(Index t, IndexRange samples, StepRows<const T> dy, const Product<T>& input);

  const std::uint8_t* skipped_at(Index t) const { return mask_ ? skipped_.data() + t * samples_ : nullptr; }
  StepRows<const T> input(const Matrix<const T>& x, Index t, IndexRange samples);
  /// Rows of y, or of its gradient: of the only or of the given time step.
  StepRows<T> output(const Matrix<T>& y, Index t) const {
    return sequence_ ? StepRows<T>{y.data + t * y.stride, time_ * y.stride} : StepRows<T>{y.data, y.stride};
  }

  Index inputs_, units_;
  bool sequence_, trainable_state_, train_ = false;
  Index truncate_;
  std::optional<double> mask_;
  double step_flops_;  ///< of a time step of a sample, in a forward pass
  std::vector<RecurrentLayer<T>> layers_;
  States<T>* states_ = nullptr;        ///< of the network, if this layer is stateful
  std::size_t place_ = 0;              ///< in them
  bool carried_ = false;               ///< the last forward pass began where the one before ended
  Index samples_ = 0, time_ = 0;       ///< of it
  std::vector<std::uint8_t> skipped_;  ///< of it, a time step after the other
  Matrix<T> y_;
  Matrix<T> x_;               ///< a copy of the input, a time step after the other
  Matrix<T> between_;         ///< gradient w.r.t. the states of the layer below, at one time step
  Matrix<T> input_gradient_;  ///< empty in a first layer
};

}  // namespace simdnn
