// Arguments of kernels: plain views of memory that the caller owns.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bf16.hpp"
#include "descriptions.hpp"
#include "matrix.hpp"

namespace simdnn {

/// A function applied to a tile of a product while it is in the first-level cache.
/// Forward: c = f(c), and aux receives f'(c) if the backward pass needs it.
/// Backward: c = c * f', where aux holds f' or the output that f' follows from.
template <class T>
struct PostOp {
  using Function = void (*)(T* c, T* aux, Index stride, Index rows, Index columns, const T* parameters);
  Function apply = nullptr;
  T* aux = nullptr;  ///< same shape and stride as c
  const T* parameters = nullptr;
};

/// Bytes of memory for packed operands of a product.
constexpr std::size_t kProductScratch = 768 << 10;

/// c [rows, columns] = post_op(c_init + a [rows, depth] b [depth, columns]): each element is one chain of FMAs in the
/// order of k.
template <class T>
struct Product {
  Operand<T> a = {};
  Operand<T> b = {};  ///< rows are readable up to kPad elements beyond the last column; or a transposed matrix
  Matrix<const T> c_init = {};  ///< empty: zeros; or one row, broadcast; may be c itself
  Matrix<T> c = {};
  bool padded = false;     ///< rows of c are padded to kPad, and the padding may be written
  PostOp<T> post_op = {};  ///< for a padded c only
  /// Returns kProductScratch bytes of the calling thread, 64-byte aligned; nullptr if there is no memory. A product
  /// with a transposed a and no post-op asks for them, if it is large.
  void* (*scratch)() = nullptr;
};

/// c [rows, columns] = post_op(c_init + a b) for bfloat16 factors, accumulated in float32 as the TDPBF16PS instruction
/// does: `depth` is cut into blocks of kBf16Block, the last one padded with zeros. In a block, products of even k and
/// of odd k are two chains of FMAs from zero; then c += even + odd. Each operation rounds to nearest even; subnormal
/// operands and results count as zeros of their sign. Every NaN of the sum is the same quiet NaN.
struct Bf16Product {
  Operand<Bf16> a = {}, b = {};     ///< nothing beyond the last row and column is read
  Matrix<const float> c_init = {};  ///< empty: zeros; or one row, broadcast; may be c itself
  Matrix<float> c = {};
  bool padded = false;         ///< rows of c are padded to kPad, and the padding may be written
  PostOp<float> post_op = {};  ///< for a padded c only
  /// Returns kProductScratch bytes of the calling thread, 64-byte aligned; nullptr if there is no memory. Products are
  /// slower without them.
  void* (*scratch)() = nullptr;
};

/// Values of k in one block of a product of bfloat16 factors.
constexpr Index kBf16Block = 32;

/// Type of an input's numbers in memory, before their cast to a network's precision.
enum class DType { f32, f64, u8 };

/// The type of a network's own numbers.
template <class T>
constexpr DType kDType = sizeof(T) == sizeof(float) ? DType::f32 : DType::f64;

constexpr Index size_of(DType dtype) {
  return dtype == DType::f32 ? Index(sizeof(float)) : dtype == DType::f64 ? Index(sizeof(double)) : 1;
}

/// Key and counter of the random generator: each element of a batch has its own random number in each pass and layer.
struct RandomCounter {
  std::uint64_t seed = 0, pass_index = 0;
  std::uint32_t stream = 0;  ///< index of the random layer
  Index first_row = 0;       ///< index of the first row in its batch
};

/// Rows that a random layer maps to y and to the derivative dy/dx, here called slope; y may be x.
template <class T>
struct RandomRows {
  Matrix<const T> x = {};
  Matrix<T> y = {}, slope = {};
  RandomCounter random = {};
};

enum CellKind : int { kRnn, kLstm, kGru, kCellKinds };

/// One time step of a recurrent layer: a row of gates for each sample, and the states of its cells.
template <class T>
struct CellRows {
  Index rows = 0, units = 0;
  T* gates = nullptr;  ///< forward: pre-activations, then the gates; backward: gates, then the gradients w.r.t. them
  Index gates_stride = 0;
  const T* h = nullptr;                       ///< hidden state before the step
  T* next_h = nullptr;                        ///< hidden state after the step; may be h
  const T* c = nullptr;                       ///< LSTM: cell state before the step
  T *next_c = nullptr, *tanh_of_c = nullptr;  ///< LSTM: cell state after the step, and its tanh
  T *dh = nullptr, *dc = nullptr;         ///< in: gradient from the next step; out: the part that bypasses the gates
  Index stride = 0;                       ///< stride of all states and their gradients
  T* y = nullptr;                         ///< optional: receives a copy of next_h
  const T* dy = nullptr;                  ///< optional: gradient w.r.t. y, added to dh
  Index y_stride = 0;                     ///< stride of y and dy
  const std::uint8_t* skipped = nullptr;  ///< optional: 1 for rows whose state passes unchanged
};

/// Batch normalization of columns: statistics, parameters, and the coefficients that follow from them, one per column.
template <class T>
struct NormColumns {
  const double *mean = nullptr, *variance = nullptr;
  double eps = 0;
  const T *weight = nullptr, *bias = nullptr;                ///< nullptr stands for ones, and for zeros
  double* inverse = nullptr;                                 ///< 1 / sqrt(variance + eps)
  T *center = nullptr, *scale = nullptr, *offset = nullptr;  ///< y = (x - center) scale + offset
  const double *sums = nullptr, *products = nullptr;         ///< sums over the rows of dy, and of dy (x - mean)
  T *x_scale = nullptr, *dx_offset = nullptr;                ///< dx = dy scale + (x - center) x_scale + dx_offset
};

/// Layer normalization of rows by their own mean and variance.
template <class T>
struct NormRows {
  Matrix<const T> x = {};
  double eps = 0;
  const T *weight = nullptr, *bias = nullptr;  ///< both or neither
  Matrix<T> normal = {};                       ///< normalized rows before weight and bias; empty if not needed
  Matrix<T> y = {};                            ///< forward: the output; backward: dy, overwritten by dx
  double* inverse = nullptr;                   ///< 1 / sqrt(variance + eps) of each row
};

/// Most rows of one block of a gradient w.r.t. the weights of bins, whose sums are then added up; and most bins.
constexpr Index kCodedRows = 256, kMaxBins = 1024;

/// Rows of a linear layer whose inputs are positions of numbers among bins. A position t stands for the codes
/// clip(t - b, 0, 1) of the bins b.
template <class T>
struct CodedRows {
  Matrix<const T> positions = {};  ///< [rows, encoded]
  Index bins = 0;
  Matrix<const T> weight = {};  ///< [encoded * bins, outputs], with slack as in a product
  const T* bias = nullptr;      ///< nullptr: zeros; readable up to kPad elements beyond the last column
  Matrix<T> y = {};             ///< [rows, outputs], padded to kPad; the padding may be written
  Matrix<const T> dy = {};      ///< [rows, outputs], rows are readable up to kPad elements beyond the last column
  Matrix<T> weight_gradient = {};
  bool accumulate = false;  ///< the gradient w.r.t. the weights is added to
  Matrix<T> position_gradient = {};
};

/// Distribution of the slopes of a randomized leaky relu: uniform in [lower, upper), or normal with its mean and
/// variance.
struct SlopeLaw {
  double lower = 0, upper = 0;
  bool normal = false;
};

/// A block of samples for a loss: row_loss[i] = row_weight[i] factor loss_i, gradient = scale d row_loss / d output.
template <class T>
struct LossRows {
  Matrix<const T> output = {};
  const std::int64_t* classes = nullptr;  ///< a negative class is ignored: zero loss and gradient
  Matrix<const T> values = {};    ///< a row of target values for each sample, together with classes or instead of them
  const T* row_weight = nullptr;  ///< nullptr: ones
  const double* parameters = nullptr;   ///< in the order of the description
  const double* class_scale = nullptr;  ///< a factor for each column; nullptr: ones
  double scale = 1;
  double factor = 1;  ///< factor of every loss and gradient: 1 / columns for a mean over outputs, times a focal alpha
  Matrix<T> gradient = {};  ///< empty: only the loss is computed; may be the output itself
  double* row_loss = nullptr;
  T* each = nullptr;  ///< optional, pointwise losses only: receives the loss of every output, contiguous
  std::uint8_t* row_correct = nullptr;  ///< optional: receives 1 where the first largest output is the class, else 0
};

/// Way in which a margin lowers the target's logit, as a function of the angle a between features and weight.
enum class MarginLaw {
  angular,  ///< cos(m a), continued monotonically: L-Softmax, SphereFace
  cosine,   ///< cos(a) - m: AM-Softmax
  angle,    ///< cos(a + m): ArcFace
};

/// logits = r q p(cos): p(cos) is cos except for the target, r is a feature norm or the scale, q a weight norm or 1.
struct MarginShape {
  MarginLaw law = MarginLaw::angular;
  bool feature_norm = true, weight_norm = true;
  double scale = 1;
  double margin = 1, cosine = 1, sine = 0;  ///< the margin; its cosine and sine if it is an angle
  double strength = 1;                      ///< 1 / (1 + lambda), the factor of the margin while lambda is annealed
};

/// Rows of z = x W whose logits get a margin; backward: `out` holds the gradient w.r.t. the logits, overwritten by dz.
template <class T>
struct MarginRows {
  MarginShape shape;
  Matrix<const T> z = {};
  const std::int64_t* classes = nullptr;                         ///< a negative class has no margin
  const double *feature_norm = nullptr, *weight_norm = nullptr;  ///< norms of the rows of x, of the columns of W
  Matrix<T> out = {};
  double* feature_norm_gradient = nullptr;  ///< out: gradient w.r.t. |x|, to be added to dz W^T along x / |x|
  double* weight_norm_gradient = nullptr;   ///< in, out: sum of the gradients w.r.t. the norm of a column of W
};

/// Rows of logits for softmax and related functions; a backward pass also reads dy.
template <class T>
struct SoftmaxRows {
  Matrix<const T> x = {}, dy = {};
  Matrix<T> out = {};  ///< may be x
  double temperature = 1;
};

/// A contiguous span of parameters p, with its gradient g and optimizer state.
template <class T>
struct UpdateSpan {
  T* p = nullptr;
  const T* g = nullptr;
  T* slots[kMaxSlots] = {};
  Index size = 0;
  bool penalized = true;  ///< l1 and l2 apply
};

/// Change of a gradient before its update rule: clip(scale g, limit) + l1 sign(p) + l2 p.
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

/// A piece of a schedule, in force from step `begin` until the next piece.
struct SchedulePiece {
  int kind = 0;  ///< index in the registry of schedules
  double begin = 0;
  double values[kMaxScheduleValues] = {};
};

}  // namespace simdnn
