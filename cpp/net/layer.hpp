// A layer of a network: its description, and the layer of a plan that is instantiated from it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "../dispatch.hpp"
#include "buffer.hpp"
#include "carried_states.hpp"
#include "stop_token.hpp"

namespace simdnn {

/// The shape of the data between two layers: [samples, features] or, of sequences, [samples * time steps, features].
struct Shape {
  Index features = 0;
  bool sequence = false;
  bool operator==(const Shape&) const = default;
};

/// A named block of the flat parameter array, or of the flat buffer array.
struct ParameterBlock {
  std::string name;
  Index offset;
  std::vector<Index> shape;

  Index size() const {
    Index count = 1;
    for (const Index n : shape) count = checked_product(count, n);
    return count;
  }
};

/// The named blocks of one flat array, in their order.
class ParameterList {
 public:
  void add(std::string name, std::vector<Index> shape) {
    blocks_.push_back({std::move(name), size_, std::move(shape)});
    size_ = checked_sum(size_, blocks_.back().size());
  }
  const std::vector<ParameterBlock>& blocks() const { return blocks_; }
  Index size() const { return size_; }

 private:
  std::vector<ParameterBlock> blocks_;
  Index size_ = 0;
};

/// The type of the numbers that the products of Dense layers and of Maxout read; all else has the network's own type.
enum class Precision {
  full,  ///< the network's own type
  bf16,  ///< bfloat16, of a network of float
};

/// Names and shapes of a network's parameters, and of its buffers: state that is not trained.
struct ParameterLayout {
  Precision precision = Precision::full;
  bool trainable = true;  ///< false: weights that are rounded to bf16 are kept in this form alone

  ParameterList parameters, buffers;
  ParameterList rounded;       ///< weights that products read as bf16
  std::vector<Index> masters;  ///< the place among the parameters of each of them
  std::vector<Index> states;   ///< size of the state per sample that each stateful layer carries to the next batch

  /// Adds the weight of a product whose operands have `precision`.
  void add_weight(const std::string& name, const std::vector<Index>& shape) {
    if (precision == Precision::bf16) {
      rounded.add(name, shape);
      masters.push_back(parameters.size());
    }
    if (precision == Precision::full || trainable) parameters.add(name, shape);
  }
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
  T* gradients;  ///< nullptr: a network for inference alone
  T* buffers;
  Bf16* rounded;
  Precision precision;
  Mode mode;
  States<T>* states;
  std::uint32_t streams = 0;  ///< number of random streams taken so far
  std::size_t stateful = 0;   ///< number of stateful layers so far

  /// The next vector of n parameters.
  ParameterView<T> take(Index n) { return take(1, n); }

  /// The next matrix of parameters.
  ParameterView<T> take(Index rows, Index columns) {
    const ParameterView<T> slice{values, gradients, rows, columns};
    values += rows * columns;
    if (gradients) gradients += rows * columns;
    return slice;
  }
  /// The bf16 form of the next weight, whose own form take() returns if the network is trainable.
  Matrix<const Bf16> take_rounded(Index rows, Index columns) {
    const Matrix<const Bf16> slice{rounded, rows, columns, columns};
    rounded += rows * columns;
    return slice;
  }
  /// The next n numbers of the buffers.
  T* buffer(Index n) {
    T* const begin = buffers;
    buffers += n;
    return begin;
  }
};

/// The time per top-level layer, summed over passes.
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

/// The settings of one forward or backward pass.
struct PassContext {
  Mode mode = Mode::infer;
  Index time_steps = 1;              ///< rows per sample of the layer's input
  Index batch_offset = 0;            ///< index of the first sample in its batch
  Index random_offset = 0;           ///< samples of the batch in other processes that come before; random layers alone
  const Index* samples = nullptr;    ///< indices of the samples in their dataset; nullptr: from batch_offset on
  bool keep_state = false;           ///< stateful layers continue from the network's last pass, whose states are open
  bool skip_input_gradient = false;  ///< backward: the gradient w.r.t. the network's input is not needed
  bool accumulate = false;           ///< parameter gradients are added to those of earlier chunks of the batch
  std::uint64_t seed = 0, pass_index = 0;  ///< together determine the random streams of this pass
  StopToken stop = {};
  LayerClock* clock = nullptr;  ///< nullptr: layers are not timed

  /// The row of the dataset that row i of the network's input is, for error messages.
  Index dataset_row(Index i) const {
    const Index sample = i / time_steps;
    return (samples ? samples[sample] : batch_offset + sample) * time_steps + i % time_steps;
  }
};

/// Reads a network's input x [rows, columns]: the number at a row and a column.
using InputReader = std::function<double(Index, Index)>;

template <class T>
class Layer;
struct Activation;
struct ActivationSpec;
class LayerSpec;
class BatchNormFolder;
struct AffineScale;

using SpecPointer = std::shared_ptr<const LayerSpec>;

/// The description of a layer: its kind and settings, without memory. A description has a `kind`, its name, and
/// declares its settings once, in `template <class Fields> void fields(Fields& f)`, which calls f(name, member) for
/// each. The bindings read the settings from Python by it, and activation_cost() finds the activations among them.
class LayerSpec {
 public:
  virtual ~LayerSpec() = default;
  Shape input, output;

  /// Adds the layer's parameters and buffers, with `prefix` before their names.
  virtual void declare_parameters(const std::string& /*prefix*/, ParameterLayout&) const {}

  /// The layer over the memory that declare_parameters() described.
  virtual std::unique_ptr<Layer<float>> instantiate(ParameterBinder<float>& binder) const = 0;
  virtual std::unique_ptr<Layer<double>> instantiate(ParameterBinder<double>& binder) const = 0;

  /// Floating-point operations per sample in a training step, for `time_steps` rows of input.
  virtual double flops(Index /*time_steps*/) const { return 0; }

  /// Nanoseconds per element of the output that the layer's own activations take, in single precision.
  virtual double activation_cost() const = 0;

  /// True if the layer does nothing in that mode, so that plans leave it out.
  virtual bool is_noop(Mode) const { return false; }

  /// True if the rows of a batch must pass together.
  virtual bool whole_batch() const { return false; }

  /// Throws std::out_of_range or std::invalid_argument, naming row and column, for numbers that the layer cannot take.
  virtual void check(const InputReader& /*x*/, Index /*rows*/) const {}

  /// The layer to use for inference, with folded parameters; nullptr if unchanged.
  virtual SpecPointer fold(BatchNormFolder& folder) const;

  /// True if inference is y = x scale + offset with vectors [features], which affine_scale() returns.
  virtual bool is_affine_scale() const { return false; }
  virtual AffineScale affine_scale(const BatchNormFolder& next) const;

  /// This layer, the last one rewritten, with the affine scale after it folded in; nullptr if unsupported.
  virtual SpecPointer with_affine_scale(const AffineScale& scaling, BatchNormFolder& last) const;

  /// The activation that this layer is in that mode and that the layer before may fuse, or nullptr.
  virtual const ActivationSpec* activation(Mode) const { return nullptr; }
};

/// The base of the description `Spec`, whose layer is L.
template <class Spec, template <class> class L>
class SpecFor : public LayerSpec {
 public:
  std::unique_ptr<Layer<float>> instantiate(ParameterBinder<float>& binder) const override {
    return std::make_unique<L<float>>(self(), binder);
  }
  std::unique_ptr<Layer<double>> instantiate(ParameterBinder<double>& binder) const override {
    return std::make_unique<L<double>>(self(), binder);
  }
  double activation_cost() const override {
    double cost = 0;
    const auto add = [&]<class Field>(const char*, const Field& field) {
      if constexpr (std::is_same_v<Field, Activation>) cost += field.info().cost;
    };
    Spec copy = self();  // fields() also lets its visitor write
    copy.fields(add);
    return cost;
  }

  /// The settings of a layer that has none.
  template <class Fields>
  void fields(Fields&) {}

  /// Sets the members that follow from the shapes and the fields, once these are read.
  void derive() {}

 private:
  const Spec& self() const { return static_cast<const Spec&>(*this); }
};

/// A setting that Python gives as one of a few names: their index becomes the value.
template <class Value>
struct NamedField {
  Value& value;
  std::vector<const char*> names;
};

template <class Value>
NamedField<Value> named(Value& value, std::vector<const char*> names) {
  return {value, std::move(names)};
}

/// The post-op that sets tiny gradients to 0, because subnormal numbers would slow down what follows.
template <class T>
PostOp<T> flush_post_op() {
  return {typed_kernels<T>().layers.flush};
}

/// A layer of a plan: its memory in the arena, and its forward and backward pass.
template <class T>
class Layer {
 public:
  virtual ~Layer() = default;

  /// True if the layer has trainable parameters.
  virtual bool has_parameters() const { return false; }

  /// Fuses the following activation into this layer's output; returns false if unsupported.
  virtual bool fuse(const Activation&) { return false; }

  /// Takes the layer's matrices for up to `rows` rows of input, `time_steps` per sample; called twice, see Arena. A
  /// `first` layer needs no gradient w.r.t. its input.
  virtual void reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) = 0;

  /// Rows per sample of the output, for `before` rows per sample of the input.
  virtual Index time_steps(Index before) const { return before; }

  /// Commits running statistics after a training step, or a forward pass for training without one.
  virtual void commit_running_stats() {}

  /// y = f(x), in the layer's own memory.
  virtual Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) = 0;

  /// Post-op that the next layer applies to the gradient w.r.t. this layer's output before backward() takes it; it sets
  /// tiny gradients to 0.
  virtual PostOp<T> backward_post_op() const { return {}; }

  /// True if backward_post_op() or backward() reads the output again, so that no gradient may overwrite it.
  virtual bool reads_output() const { return true; }

  /// Computes the parameters' gradients and dx = dx_init + f(gradient), then applies `prev_post_op`, the backward
  /// post-op of the layer before, to dx. An empty `dx_init` is zeros; `gradient`, to which backward_post_op() has been
  /// applied, may be overwritten and has no tiny numbers. The first layer returns an empty matrix.
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
