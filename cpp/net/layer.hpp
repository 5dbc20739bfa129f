// What a layer of a network is: a description, and the part of a plan that is made from it.
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
struct Block {
  std::string name;
  Index offset;
  std::vector<Index> shape;

  Index size() const {
    Index count = 1;
    for (const Index n : shape) count *= n;
    return count;
  }
};

/// Blocks one after the other.
class Blocks {
 public:
  void add(std::string name, std::vector<Index> shape) {
    list_.push_back({std::move(name), size_, std::move(shape)});
    size_ += list_.back().size();
  }
  const std::vector<Block>& list() const { return list_; }
  Index size() const { return size_; }

 private:
  std::vector<Block> list_;
  Index size_ = 0;
};

/// What a network holds: its parameters, and buffers that are state but are not trained.
struct Inventory {
  Blocks parameters, buffers;
  std::vector<Index> states;  ///< numbers a sample that each stateful layer carries on to the next batch
};

enum class Mode { infer, train };

/// Hands out the memory of an inventory, in its order, to the layers of a plan.
template <class T>
struct Cursor {
  T* values;
  T* gradients;
  T* buffers;
  Mode mode;
  States<T>* states;
  std::uint32_t streams = 0;  ///< of random numbers, taken so far
  std::size_t stateful = 0;   ///< layers so far

  /// The next n parameters and their gradients.
  struct Slice {
    T* values = nullptr;
    T* gradients = nullptr;
  };
  Slice parameters(Index n) {
    const Slice slice{values, gradients};
    values += n;
    gradients += n;
    return slice;
  }
  T* buffer(Index n) {
    T* const begin = buffers;
    buffers += n;
    return begin;
  }
};

/// What each layer of the outermost chain takes, added up over the passes that it is given to.
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

/// What a pass through a network is given beside its data.
struct Pass {
  Mode mode = Mode::infer;
  Index steps = 1;                     ///< rows of a sample, where a layer reads
  Index first = 0;                     ///< the place in its batch of the first sample
  bool carry = false;                  ///< stateful layers go on from the network's last pass; it has opened its states
  bool ends = false;                   ///< of a backward pass: nobody wants the gradient by what the layer reads
  bool accumulate = false;             ///< gradients of parameters are added to those of earlier chunks
  std::uint64_t seed = 0, number = 0;  ///< of random layers: each pass of a seed has streams of its own
  Context context = {};
  LayerClock* clock = nullptr;  ///< nullptr: nobody asks
};

/// The number at a row and a column of a network's input.
using InputReader = std::function<double(Index, Index)>;

template <class T>
class Layer;
struct Activation;
struct ActivationSpec;
class LayerSpec;
class Folding;
struct Scaling;

using SpecPointer = std::shared_ptr<const LayerSpec>;

/// The description of a layer: what it is, before there is memory.
class LayerSpec {
 public:
  virtual ~LayerSpec() = default;
  Shape input, output;

  /// Adds its parameters and buffers, named behind the prefix.
  virtual void list(const std::string& /*prefix*/, Inventory&) const {}

  /// The layer over the memory that list() described.
  virtual std::unique_ptr<Layer<float>> make(Cursor<float>& cursor) const = 0;
  virtual std::unique_ptr<Layer<double>> make(Cursor<double>& cursor) const = 0;

  /// Floating-point operations of a sample in a training step, `steps` of its rows coming in.
  virtual double flops(Index /*steps*/) const { return 0; }

  /// Whether it does nothing in that mode, so that plans leave it out.
  virtual bool absent(Mode) const { return false; }

  /// Whether the rows of a batch must pass together.
  virtual bool whole_batch() const { return false; }

  /// Throws std::out_of_range or std::invalid_argument, naming row and column, unless it can take these numbers.
  virtual void check(const InputReader& /*x*/, Index /*rows*/) const {}

  /// What it is in evaluation, its numbers taken along; nullptr: itself.
  virtual SpecPointer folded(Folding& folding) const;

  /// Whether it but scales its features in evaluation, and by what.
  virtual bool scales() const { return false; }
  virtual Scaling scaling(const Folding& next) const;

  /// Itself, the last layer so far, followed by a scaling; nullptr: it cannot take one over.
  virtual SpecPointer scaled(const Scaling& scaling, Folding& last) const;

  /// An activation that it is in that mode and that the layer before may take over, or nullptr.
  virtual const ActivationSpec* activation(Mode) const { return nullptr; }
};

/// A description whose layer is L.
template <class Spec, template <class> class L>
class Described : public LayerSpec {
 public:
  std::unique_ptr<Layer<float>> make(Cursor<float>& cursor) const override {
    return std::make_unique<L<float>>(static_cast<const Spec&>(*this), cursor);
  }
  std::unique_ptr<Layer<double>> make(Cursor<double>& cursor) const override {
    return std::make_unique<L<double>>(static_cast<const Spec&>(*this), cursor);
  }
};

/// A layer of a plan: its memory in the arena, and its part of a pass.
template <class T>
class Layer {
 public:
  virtual ~Layer() = default;

  /// Whether it has parameters to learn.
  virtual bool learns() const { return false; }

  /// Makes the activation that follows its own last act; false if it cannot.
  virtual bool fuse(const Activation&) { return false; }

  /// Takes its matrices for up to `rows` rows of input, `steps` a sample; called twice, see Arena. `first`: nothing
  /// flows further back.
  virtual void reserve(Arena<T>& arena, Index rows, Index steps, Mode mode, bool first) = 0;

  /// Rows of a sample behind it.
  virtual Index steps(Index before) const { return before; }

  /// After a step, or a forward pass alone, that counts: what the pass found joins what is kept beside parameters.
  virtual void keep() {}

  /// y for x, in its own memory.
  virtual Matrix<T> forward(const Matrix<const T>& x, const Pass& pass) = 0;

  /// How a gradient with respect to its output becomes one that backward() takes: fused into the layer above.
  virtual Finish<T> backward_finish() const { return {}; }

  /// Whether its backward pass, its finish aside, reads its output again, so that no gradient may lie over it.
  virtual bool reads_output() const { return true; }

  /// From the finished gradient, which may be overwritten: its parameters' gradients, and the gradient with respect
  /// to its input, begun from `start` (empty: zeros) and finished by `below`; nothing flows out of a first layer.
  virtual Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& start,
                             const Finish<T>& below, const Pass& pass) = 0;
};

/// The same finish over a whole matrix.
template <class T>
void apply(const Finish<T>& finish, const Matrix<T>& m) {
  if (finish.apply) finish.apply(m.data, finish.beside, m.stride, m.rows, m.stride, finish.parameters);
}

/// The input's gradient of a layer whose whole derivative was its finish.
template <class T>
Matrix<T> passed_on(const Matrix<T>& gradient, const Matrix<const T>& start, const Finish<T>& below) {
  if (start.data) {
    typed_kernels<T>().layers.add(gradient.data, gradient.stride, start.data, start.stride, gradient.data,
                                  gradient.stride, gradient.rows, gradient.columns);
  }
  apply(below, gradient);
  return gradient;
}

}  // namespace simdnn
