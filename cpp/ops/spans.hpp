// The arguments of kernels: plain views of memory that somebody else owns.
#pragma once

#include <cstddef>
#include <cstdint>

#include "description.hpp"

namespace simdnn {

using Index = std::ptrdiff_t;

/// Matrices inside an arena have rows padded to this many elements; owned buffers end in as much slack.
constexpr Index kPad = 16;
constexpr Index padded(Index n) { return (n + kPad - 1) / kPad * kPad; }

/// What is done to a tile of a product while it is in the first-level cache.
/// Forward: c = f(c), and beside[] receives f'(c) where the backward pass wants it.
/// Backward: c = c * f', from beside[] (the stored derivative, or the output that it follows from).
template <class T>
struct Finish {
  using Function = void (*)(T* c, T* beside, Index stride, Index rows, Index columns, const T* parameters);
  Function apply = nullptr;
  T* beside = nullptr;  ///< laid out as c
  const T* parameters = nullptr;
};

/// c[m, n] = start[m, n] + sum_k a[m, k] b[k, n]: each element one chain of FMAs in the order of k.
template <class T>
struct Product {
  Index rows = 0, columns = 0, depth = 0;
  const T* a = nullptr;
  Index a_row = 0, a_column = 0;
  const T* b = nullptr;  ///< readable up to kPad elements beyond the last column of a row
  Index b_row = 0;
  Index b_column = 1;        ///< 1, or else b_row is 1: a matrix read by its columns
  const T* start = nullptr;  ///< nullptr: zeros; a stride of 0 repeats a bias; may be c itself
  Index start_row = 0;
  T* c = nullptr;
  Index c_row = 0;
  bool padded = false;    ///< rows of c are padded to kPad, and what lies there may be written
  Finish<T> finish = {};  ///< of a padded c alone
};

/// Numbers as they lie in memory, before they are cast to a network's precision.
enum class Element { single, real, byte };

constexpr Index size_of(Element element) {
  return element == Element::single ? Index(sizeof(float)) : element == Element::real ? Index(sizeof(double)) : 1;
}

/// Where random numbers come from: each place of a batch has its own, in each pass and each layer.
struct RandomPlace {
  std::uint64_t seed = 0, number = 0;
  std::uint32_t stream = 0;
  Index first_row = 0;  ///< the place of the first row in its batch
};

/// Rows that a random layer turns into y and the slope dy/dx; y may be x.
template <class T>
struct RandomRows {
  Index rows = 0, columns = 0;
  const T* x = nullptr;
  Index x_stride = 0;
  T* y = nullptr;
  T* slope = nullptr;
  Index stride = 0;  ///< of y and slope
  RandomPlace random = {};
};

enum CellKind : int { kRnn, kLstm, kGru, kCellKinds };

/// A time step of samples in a recurrent layer, a row each: its gates side by side, and what its cell keeps.
template <class T>
struct CellRows {
  Index rows = 0, units = 0;
  T* gates = nullptr;  ///< forward: what gates act on becomes gates; backward: gates become its gradients
  Index gates_stride = 0;
  const T* h = nullptr;                       ///< before the step
  T* next_h = nullptr;                        ///< after it; may be h
  const T* c = nullptr;                       ///< of an LSTM, its memory, likewise
  T *next_c = nullptr, *tanh_of_c = nullptr;  ///< the latter of next_c
  T *dh = nullptr, *dc = nullptr;             ///< backward: by what follows, then what goes straight to the step before
  Index stride = 0;                           ///< of all these
  T* y = nullptr;                             ///< where h goes as well, or nullptr
  const T* dy = nullptr;                      ///< another gradient by next_h, or nullptr
  Index y_stride = 0;                         ///< of both
  const std::uint8_t* skipped = nullptr;      ///< nullptr, or 1 for rows whose state passes as it is
};

/// Columns that are normalised by a mean and a variance; what follows from them, a number for each column.
template <class T>
struct NormColumns {
  const double *mean = nullptr, *variance = nullptr;
  double eps = 0;
  const T *weight = nullptr, *bias = nullptr;  ///< nullptr: ones, zeros
  double* inverse = nullptr;
  T *center = nullptr, *scale = nullptr, *offset = nullptr;  ///< y = (x - center) scale + offset
  const double *sums = nullptr, *products = nullptr;         ///< of the gradient by y; that times (x - mean)
  T *tilt = nullptr, *back = nullptr;                        ///< dx = dy scale + (x - center) tilt + back
};

/// Rows that are normalised by their own mean and variance.
template <class T>
struct NormRows {
  Index rows = 0, columns = 0;
  const T* x = nullptr;
  Index x_stride = 0;
  double eps = 0;
  const T *weight = nullptr, *bias = nullptr;  ///< both or neither
  T* normal = nullptr;                         ///< normalised rows before weight and bias; nullptr: not kept
  T* y = nullptr;                              ///< the output, or its gradient, which becomes that of the input
  Index stride = 0;                            ///< of normal and y
  double* inverse = nullptr;                   ///< 1 / sqrt(variance + eps) of each row
};

/// How a randomized leaky relu draws its slopes: uniform in [lower, upper), or normal with that mean and variance.
struct SlopeLaw {
  double lower = 0, upper = 0;
  bool normal = false;
};

/// A block of samples for a loss: row_loss[i] = row_weight[i] * loss_i, gradient = scale * its derivative by output.
template <class T>
struct LossRows {
  Index rows = 0, columns = 0;
  const T* output = nullptr;
  Index output_stride = 0;
  const std::int64_t* classes = nullptr;  ///< a negative class is ignored: zero loss and gradient
  const T* values = nullptr;              ///< a row of numbers a sample; beside classes or instead of them
  Index values_stride = 0;
  const T* row_weight = nullptr;        ///< nullptr: ones
  const double* parameters = nullptr;   ///< in the order of the description
  const double* class_scale = nullptr;  ///< a factor for each column; nullptr: ones
  double scale = 1;
  double share = 1;       ///< a factor of every loss and gradient: of a mean over outputs, of a focal alpha
  T* gradient = nullptr;  ///< nullptr: only the loss; may be the output itself
  Index gradient_stride = 0;
  double* row_loss = nullptr;
  T* each = nullptr;                    ///< nullptr, or a loss for every output, contiguous; pointwise losses only
  std::uint8_t* row_correct = nullptr;  ///< nullptr, or 1 where the first largest output is the class
};

/// How the logit of the target falls with the angle between features and the target's weight.
enum class MarginLaw { angular, cosine, angle };

/// logits = r q p(cos), p = cos but for the target: r is a feature norm or the scale, q a weight norm or 1.
struct MarginShape {
  MarginLaw law = MarginLaw::angular;
  bool feature_norm = true, weight_norm = true;
  double scale = 1;
  double margin = 1, cosine = 1, sine = 0;  ///< the last two of a margin that is an angle
  double share = 1;                         ///< 1 / (1 + lambda), what the annealing leaves of the margin
};

/// Rows of z = x W whose logits get a margin; the gradient of the logits becomes that of z in the same place.
template <class T>
struct MarginRows {
  MarginShape shape;
  Index rows = 0, columns = 0;
  const T* z = nullptr;
  Index z_stride = 0;
  const std::int64_t* classes = nullptr;                         ///< a negative class has no margin
  const double *feature_norm = nullptr, *weight_norm = nullptr;  ///< of a row of x, a column of W
  T* out = nullptr;
  Index out_stride = 0;
  double* feature_pull = nullptr;  ///< written: the gradient by a row of x along x / |x|, beside dz W^T
  double* weight_pull = nullptr;   ///< added to: the same by a column of W
};

/// Rows for softmax and its kin; a backward pass also reads dy.
template <class T>
struct SoftmaxRows {
  Index rows = 0, columns = 0;
  const T* x = nullptr;
  Index x_stride = 0;
  const T* dy = nullptr;
  Index dy_stride = 0;
  T* out = nullptr;  ///< may be x
  Index out_stride = 0;
  double temperature = 1;
};

/// Parameters that lie together, with their gradient and their state.
template <class T>
struct UpdateSpan {
  T* p = nullptr;
  const T* g = nullptr;
  T* slots[kMaxSlots] = {};
  Index size = 0;
  bool penalized = true;  ///< whether l1 and l2 reach it
};

/// What is done to a gradient before its rule sees it: clip(scale g, limit) + l1 sign(p) + l2 p.
struct Adjustment {
  double scale = 1, limit = __builtin_inf(), l1 = 0, l2 = 0;
  bool none() const { return scale == 1 && limit == __builtin_inf() && l1 == 0 && l2 == 0; }
  Adjustment without_penalties() const { return {scale, limit, 0, 0}; }
};

/// Arguments of one step: hypers and scalar_state in the order of the rule's description; steps count from 1.
struct UpdateStep {
  const double* hypers = nullptr;
  const double* scalar_state = nullptr;  ///< already advanced to this step
  std::int64_t step = 1;
  Adjustment adjustment = {};
};

/// A piece of a schedule: it holds from step `begin` on, until the next piece.
struct SchedulePiece {
  int kind = 0;
  double begin = 0;
  double values[kMaxScheduleValues] = {};
};

}  // namespace simdnn
