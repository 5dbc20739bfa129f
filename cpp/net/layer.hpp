// A layer of a network: its description, and the layer of a plan that is instantiated from it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../dispatch.hpp"
#include "buffer.hpp"
#include "states.hpp"
#include "stop_token.hpp"

namespace simdnn {

/// What flows between layers: rows of so many numbers; a sequence has several rows a sample, one a time step.
struct Shape {
  Index features = 0;
  bool sequence = false;
};

/// A named block of the flat buffer of parameters, or of the flat buffer of what is kept beside them.
struct ParameterBlock {
  std::string name;
  Index offset;
  std::vector<Index> shape;

  Index size() const {
    Index count = 1;
    for (const Index n : shape) count *= n;
    return count;
  }
};

/// Named blocks of one flat buffer, in their order.
class ParameterList {
 public:
  void add(std::string name, std::vector<Index> shape) {
    blocks_.push_back({std::move(name), size_, std::move(shape)});
    size_ += blocks_.back().size();
  }
  const std::vector<ParameterBlock>& blocks() const { return blocks_; }
  Index size() const { return size_; }

 private:
  std::vector<ParameterBlock> blocks_;
  Index size_ = 0;
};

/// Names and shapes of a network's parameters, and of its buffers: state that is not trained.
struct ParameterLayout {
  ParameterList parameters, buffers;
  std::vector<Index> states;  ///< numbers a sample that each stateful layer carries on to the next batch
};

enum class Mode { infer, train };

/// A parameter [rows, columns] of a layer, and its gradient; a vector is one row.
template <class T>
struct ParameterView {
  T* values = nullptr;
  T* gradients = nullptr;
  Index rows = 0, columns = 0;

  Matrix<const T> matrix() const { return {values, rows, columns, columns}; }
  Matrix<T> gradient() const { return {gradients, rows, columns, columns}; }
};

/// Assigns each layer its slice of the flat parameter, gradient and buffer arrays, in the order of the layout.
template <class T>
struct ParameterBinder {
  T* values;
  T* gradients;
  T* buffers;
  Mode mode;
  States<T>* states;
  std::uint32_t streams = 0;  ///< of random numbers, taken so far
  std::size_t stateful = 0;   ///< layers so far

  /// The next vector of n parameters.
  ParameterView<T> take(Index n) { return take(1, n); }

  /// The next matrix of parameters.
  ParameterView<T> take(Index rows, Index columns) {
    const ParameterView<T> slice{values, gradients, rows, columns};
    values += rows * columns;
    gradients += rows * columns;
    return slice;
  }
  T* buffer(Index n) {
    T* const begin = buffers;
    buffers += n;
    return begin;
  }
};

/// Time per top-level layer, summed over passes.
class LayerClock {
 public:
  explicit LayerClock(std::size_t layers) : nanoseconds(layers, 0.0) {}
  void start() { last_ = std::chrono::steady_clock::now(); }
  void lap(std::size_t layer) {
    const auto now = std::chrono::steady_clock::now();
    nanoseconds[layer] += std::chrono::duration<double, std::nano>(now - last_).count();
    last_ = now;
  }
  std::vector<double> nanoseconds;

 private:
  std::chrono::steady_clock::time_point last_;
};

/// Settings of one forward or backward pass.
struct PassContext {
  Mode mode = Mode::infer;
  Index time_steps = 1;              ///< rows of a sample, where a layer reads
  Index batch_offset = 0;            ///< index of the first sample in its batch
  bool keep_state = false;           ///< stateful layers continue from the network's last pass, whose states are open
  bool skip_input_gradient = false;  ///< backward: the gradient w.r.t. the network's input is not needed
  bool accumulate = false;           ///< parameter gradients are added to those of earlier chunks of the batch
  std::uint64_t seed = 0, pass_index = 0;  ///< choose the random streams of this pass
  StopToken stop = {};
  LayerClock* clock = nullptr;  ///< nullptr: layers are not timed
};

/// The number at a row and a column of a network's input.
using InputReader = std::function<double(Index, Index)>;

template <class T>
class Layer;
struct Activation;
struct ActivationSpec;
class LayerSpec;
class BatchNormFolder;
struct AffineScale;

using SpecPointer = std::shared_ptr<const LayerSpec>;

/// The description of a layer: what it is, before there is memory.
class LayerSpec {
 public:
  virtual ~LayerSpec() = default;
  Shape input, output;

  /// Adds its parameters and buffers, named behind the prefix.
  virtual void declare_parameters(const std::string& /*prefix*/, ParameterLayout&) const {}

  /// The layer over the memory that declare_parameters() described.
  virtual std::unique_ptr<Layer<float>> instantiate(ParameterBinder<float>& binder) const = 0;
  virtual std::unique_ptr<Layer<double>> instantiate(ParameterBinder<double>& binder) const = 0;

  /// Floating-point operations of a sample in a training step, `time_steps` of its rows coming in.
  virtual double flops(Index /*time_steps*/) const { return 0; }

  /// Whether the layer does nothing in that mode, so that plans leave it out.
  virtual bool is_noop(Mode) const { return false; }

  /// Whether the rows of a batch must pass together.
  virtual bool whole_batch() const { return false; }

  /// Throws std::out_of_range or std::invalid_argument, naming row and column, unless it can take these numbers.
  virtual void check(const InputReader& /*x*/, Index /*rows*/) const {}

  /// The layer to use for inference, with folded parameters; nullptr if unchanged.
  virtual SpecPointer fold(BatchNormFolder& folder) const;

  /// Whether the layer is y = x scale + offset, feature by feature, in inference; affine_scale() is that scale.
  virtual bool is_affine_scale() const { return false; }
  virtual AffineScale affine_scale(const BatchNormFolder& next) const;

  /// This layer, the last one rewritten, followed by an affine scale; nullptr if it cannot absorb one.
  virtual SpecPointer with_affine_scale(const AffineScale& scaling, BatchNormFolder& last) const;

  /// An activation that it is in that mode and that the layer before may take over, or nullptr.
  virtual const ActivationSpec* activation(Mode) const { return nullptr; }
};

/// A description whose layer is L.
template <class Spec, template <class> class L>
class SpecFor : public LayerSpec {
 public:
  std::unique_ptr<Layer<float>> instantiate(ParameterBinder<float>& binder) const override {
    return std::make_unique<L<float>>(static_cast<const Spec&>(*this), binder);
  }
  std::unique_ptr<Layer<double>> instantiate(ParameterBinder<double>& binder) const override {
    return std::make_unique<L<double>>(static_cast<const Spec&>(*this), binder);
  }
};

/// A layer of a plan: its memory in the arena, and its part of a pass.
template <class T>
class Layer {
 public:
  virtual ~Layer() = default;

  /// Whether it has parameters to learn.
  virtual bool has_parameters() const { return false; }

  /// Fuses the following activation into this layer's output; returns false if unsupported.
  virtual bool fuse(const Activation&) { return false; }

  /// Takes its matrices for up to `rows` rows of input, `time_steps` a sample; called twice, see Arena. `first`:
  /// nothing flows further back.
  virtual void reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) = 0;

  /// Rows of a sample behind it.
  virtual Index time_steps(Index before) const { return before; }

  /// Commits running statistics after a training step, or a forward pass for training without one.
  virtual void commit_running_stats() {}

  /// y for x, in its own memory.
  virtual Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) = 0;

  /// Post-op that the next layer applies to the gradient w.r.t. this layer's output before backward() takes it.
  virtual PostOp<T> backward_post_op() const { return {}; }

  /// Whether the backward pass, its post-op aside, reads the output again, so that no gradient may overwrite it.
  virtual bool reads_output() const { return true; }

  /// Computes the parameters' gradients and dx = dx_init + f(gradient), then applies `prev_post_op`, the backward
  /// post-op of the layer before, to dx. An empty `dx_init` is zeros; `gradient`, to which backward_post_op() has been
  /// applied, may be overwritten. The first layer returns an empty matrix.
  virtual Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                             const PostOp<T>& prev_post_op, const PassContext& context) = 0;
};

/// Applies a post-op to a whole matrix.
template <class T>
void apply(const PostOp<T>& post_op, const Matrix<T>& m) {
  if (post_op.apply) post_op.apply(m.data, post_op.aux, m.stride, m.rows, m.stride, post_op.parameters);
}

/// The gradient w.r.t. the input of a layer whose whole derivative is its backward post-op.
template <class T>
Matrix<T> pass_through_gradient(const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                                const PostOp<T>& prev_post_op) {
  if (dx_init.data) {
    typed_kernels<T>().layers.add(gradient.data, gradient.stride, dx_init.data, dx_init.stride, gradient.data,
                                  gradient.stride, gradient.rows, gradient.columns);
  }
  apply(prev_post_op, gradient);
  return gradient;
}

}  // namespace simdnn
