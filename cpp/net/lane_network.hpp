// Sixteen equal networks of Dense layers, one in each virtual lane: their memory, forward and backward passes.
#pragma once

#include "../kernels/lane_table.hpp"
#include "layers/dense.hpp"
#include "plan.hpp"

namespace simdnn {

/// A layer of sixteen networks; every pointer is to lane 0 of a lane matrix.
template <class T>
struct LaneLayer {
  Index inputs = 0, outputs = 0;
  Index weight = 0, bias = -1;  ///< places among a network's parameters; without a bias -1
  const ActivationTiles<T>* activation = nullptr;
  bool stores_derivative = false;
  T parameters[kMaxParameters] = {};
  Matrix<T> y, aux, gradient;  ///< output, f' or an empty matrix, gradient w.r.t. the output before its activation
};

/// The views' strides count blocks of sixteen lanes.
template <class T>
class LaneNetwork {
 public:
  /// True if all layers are Dense, or activations that join one.
  static bool accepts(const SequentialSpec& spec);

  /// True if two accepted networks differ in their parameters alone.
  static bool equal(const SequentialSpec& a, const SequentialSpec& b);

  /// Networks with these parameters [count, lanes] and gradients, for up to `rows` rows of input each. The first
  /// `lanes` lanes are in use.
  LaneNetwork(const SequentialSpec& spec, Index rows, Index lanes, T* values, T* gradients);

  /// The matrix of the input, to be filled before forward().
  Matrix<T> input() const { return x_; }

  /// The output [rows, outputs], whose rows are not padded; valid until the next forward pass.
  const T* forward(Index rows, Mode mode);

  /// The matrix that takes the gradient w.r.t. the output, not padded, before backward().
  T* output_gradient() const { return layers_.back().gradient.data; }

  /// Computes the parameters' gradients, or adds them to those of earlier rows.
  void backward(Index rows, bool accumulate);

 private:
  Matrix<T> take(Index rows, Index columns, bool is_input);
  static void fill_ones(const Matrix<T>& input);
  void reserve(Index rows);
  void differentiate_parameters(const LaneLayer<T>& layer, Matrix<T> input, Index rows, bool accumulate);

  std::vector<LaneLayer<T>> layers_;
  Index lanes_;
  T *values_, *gradients_;
  Matrix<T> x_;
  Buffer<T> memory_;
  Index used_ = 0;
};

}  // namespace simdnn
