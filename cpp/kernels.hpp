// The table of kernels of one instruction-set level.
//
// It consists of function pointers and plain data, so that code compiled for a wide instruction set is reachable only
// through the one table that dispatch.cpp chooses at import.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/descriptions.hpp"
#include "base/views.hpp"

namespace simdnn {

/// A NumPy inner loop.
using Loop = void (*)(char* const* args, const Index* dims, const Index* steps);
/// The floating-point type of arrays, which selects one of the loops of an operation.
enum Storage : int { kF16, kF32, kF64, kStorages };

/// Inner loops of the ufuncs of one activation.
struct ActivationLoops {
  const Description* info;
  Loop value[kStorages];               ///< (x, parameters...) -> f(x)
  Loop derivative[kStorages];          ///< (x, parameters...) -> f'(x)
  Loop backward[kStorages];            ///< (dy, x, parameters...) -> dy f'(x)
  Loop parameter_backward[kStorages];  ///< (dy, x, parameters...) -> dy df / d parameter, or nullptr
};

/// Inner loop of the ufunc of one elementary function.
struct ElementaryLoops {
  const Description* info;
  Loop value[kStorages];
};

/// Inner loops of maxout's gufuncs, over groups of k elements.
struct MaxoutLoops {
  Loop value[kStorages];       ///< (k) -> ()
  Loop derivative[kStorages];  ///< (k) -> (k)
  Loop backward[kStorages];    ///< (), (k) -> (k)
};

/// The three post-ops of one activation.
template <class T>
struct ActivationTiles {
  typename PostOp<T>::Function infer, train, backward;
};

/// One step of an update rule, in place, for elements [begin, end) of the concatenated spans.
template <class T>
using Update = void (*)(const UpdateSpan<T>* spans, Index count, Index begin, Index end, const UpdateStep& step);

/// Advances the scalar state of a rule to this step, before its update; nullptr if the rule has none.
using Advance = void (*)(const double* hypers, std::int64_t step, double* scalar_state);

/// An activation with a trainable parameter p [columns]; nullptr if the activation has none.
template <class T>
struct TrainableTiles {
  void (*value)(const T* x, Index x_stride, Index rows, Index columns, const T* p, T* y, Index y_stride) = nullptr;
  /// Overwrites g, the gradient w.r.t. y, by that w.r.t. x; sums += the gradient w.r.t. p.
  void (*backward)(const T* x, Index x_stride, Index rows, Index columns, const T* p, T* g, Index g_stride,
                   double* sums) = nullptr;
};

template <class T>
using LossFunction = void (*)(const LossRows<T>&);

template <class T>
using SoftmaxFunction = void (*)(const SoftmaxRows<T>&);

/// Functions of large-margin logits, apart from matrix products.
template <class T>
struct MarginKernels {
  void (*row_norms)(const T* x, Index stride, Index rows, Index columns, double* norms);
  void (*column_norms)(const T* w, Index rows, Index columns, double* norms);
  void (*logits)(const MarginRows<T>&);
  void (*backward)(const MarginRows<T>&);
  /// out[i] = norm_gradient[i] x[i] / |x[i]|
  void (*norm_gradient_rows)(const T* x, Index stride, Index rows, Index columns, const double* norm_gradient,
                             const double* norms, T* out, Index out_stride);
  /// gradient[:, j] += norm_gradient[j] w[:, j] / |w[:, j]|
  void (*add_norm_gradient_columns)(const T* w, Index rows, Index columns, const double* norm_gradient,
                                    const double* norms, T* gradient);
};

/// Elementwise part of a recurrent cell's time step, after the products.
template <class T>
struct CellKernels {
  void (*forward)(const CellRows<T>&);
  void (*backward)(const CellRows<T>&);
};

/// Functions of batch and layer normalization; loops/batch_norm.hpp and loops/layer_norm.hpp document them.
template <class T>
struct NormKernels {
  void (*column_moments)(const T* x, Index stride, Index rows, Index columns, double* mean, double* variance);
  void (*norm_factors)(const NormColumns<T>&, Index begin, Index end);
  void (*scale_columns_to)(const T* x, Index x_stride, Index rows, Index columns, const T* center, const T* scale,
                           const T* offset, T* y, Index y_stride);
  void (*add_column_products)(const T* dy, Index dy_stride, const T* x, Index x_stride, Index rows, Index columns,
                              const double* mean, double* sums, double* products);
  void (*batch_norm_backward_coefficients)(const NormColumns<T>&, Index begin, Index end, double rows);
  void (*batch_norm_backward)(T* g, Index g_stride, const T* x, Index x_stride, Index rows, Index columns,
                              const T* scale, const T* center, const T* x_scale, const T* offset);
  void (*layer_norm)(const NormRows<T>&);
  void (*layer_norm_backward)(const NormRows<T>&);
};

/// Functions of a layer that reads positions of numbers among bins; loops/piecewise_linear.hpp documents them.
template <class T>
struct PiecewiseKernels {
  void (*forward)(const CodedRows<T>&);
  void (*weight_gradient)(const CodedRows<T>&);
  void (*position_gradient)(const CodedRows<T>&);
};

/// Functions of layers, apart from matrix products and activations.
template <class T>
struct LayerKernels {
  /// out = a + b; out may be a or b.
  void (*add)(const T* a, Index a_row, const T* b, Index b_row, T* out, Index out_row, Index rows, Index columns);
  typename PostOp<T>::Function flush;     ///< tiny elements of c = 0
  typename PostOp<T>::Function multiply;  ///< c *= aux, but 0 where aux is 0
  /// to = factor * from, for gradients that were summed in double; factor may be nullptr.
  void (*narrow_gradients)(const double* from, const double* factor, Index n, T* to);
  /// to = scale * from
  void (*cast)(const void* from, DType dtype, Index n, T scale, T* to);
  void (*dropout)(const RandomRows<T>& rows, double probability);
  void (*bernoulli)(const RandomRows<T>& rows);
  void (*difference)(const T* a, const T* b, T factor, T* out, Index n);  ///< out = (a - b) factor; out may be a or b
  void (*move_towards)(const T* from, T share, T* to, Index n);           ///< to += share (from - to)
  /// The largest of each group of `size` elements, and its index.
  void (*maxout_winners)(const T* x, Index count, Index size, T* best, std::int32_t* winner);
  CellKernels<T> cells[kCellKinds];
  void (*alpha_dropout)(const RandomRows<T>& rows, double probability);
  void (*rrelu)(const RandomRows<T>& rows, const SlopeLaw& law);
  void (*straight_through)(const RandomRows<T>& rows, bool clipped);
  void (*crelu)(const T* x, Index x_stride, Index rows, Index columns, T* y, Index y_stride);
  void (*crelu_backward)(const T* dy, Index dy_stride, const T* x, Index x_stride, Index rows, Index columns, T* dx,
                         Index dx_stride);
  NormKernels<T> norm;
  PiecewiseKernels<T> piecewise;
};

/// Kernels that train a network in each virtual lane; kernels/lane_table.hpp defines them.
template <class T>
struct LaneKernels;

/// Kernels of one precision.
template <class T>
struct TypedKernels {
  void (*product)(const Product<T>&);
  /// b[j, i] = a[i, j] for a [rows, columns].
  void (*transpose)(const T* a, Index a_row, Index rows, Index columns, T* b, Index b_row);
  SoftmaxFunction<T> softmax, log_softmax, logsumexp;
  SoftmaxFunction<T> softmax_backward, log_softmax_backward, logsumexp_backward;
  SoftmaxFunction<T> entropy, entropy_backward;
  bool (*in_domain)(const T* x, Index n, Domain domain);
  double (*row_sum)(const T* x, Index n);
  double (*abs_sum)(const T* x, Index n);
  void (*add_row)(const T* x, Index n, double* sums);  ///< sums += x
  const ActivationTiles<T>* activations;
  const TrainableTiles<T>* trainable;
  const LossFunction<T>* losses;
  MarginKernels<T> margin;
  LayerKernels<T> layers;
  const Update<T>* updates;
  double (*square_sum)(const T* x, Index n);
  bool (*all_finite)(const T* x, Index n);
  /// sums[j] += sum_i x[i, j]^2 of a contiguous matrix.
  void (*add_column_squares)(const T* x, Index rows, Index columns, double* sums);
  void (*scale_columns)(T* x, Index rows, Index columns, const T* factors);  ///< x[i, j] *= factors[j]
  const LaneKernels<T>* lanes;  ///< nullptr at a level where fma is a call, which lanes do not make faster
};

/// Kernels of bfloat16 numbers.
struct Bf16Kernels {
  /// Rounds to nearest even; subnormal numbers become zeros of their sign, NaN a quiet NaN.
  void (*round)(const float* from, Index n, Bf16* to);
  void (*widen)(const Bf16* from, Index n, float* to);
  void (*product)(const Bf16Product&);
};

/// All kernels of one instruction-set level, and the registries that describe them.
struct Kernels {
  const char* level;
  const ActivationLoops* activations;
  int activation_count;
  const ElementaryLoops* elementary;
  int elementary_count;
  MaxoutLoops maxout;
  Loop crelu[kStorages];  ///< () -> (2)
  const LossDescription* const* losses;
  int loss_count;
  const RuleDescription* const* rules;
  const Advance* advances;
  int rule_count;
  const ScheduleDescription* const* schedules;
  int schedule_count;
  double (*schedule)(const SchedulePiece* pieces, int count, double step);  ///< steps count from 0
  Loop f16_to_f32, f32_to_f16;
  bool (*all_within_float)(const double* x, Index n);  ///< true if a cast to float makes no number infinite
  TypedKernels<float> f32;
  TypedKernels<double> f64;
  Bf16Kernels bf16;

  template <class T>
  const TypedKernels<T>& typed() const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return f32;
    } else {
      return f64;
    }
  }
};

}  // namespace simdnn
