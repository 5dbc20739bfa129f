// What a layer of a plan can do. A network is a list of these over one arena and one flat parameter buffer.
#pragma once

#include <string>
#include <vector>

#include "buffer.hpp"
#include "interrupt.hpp"

namespace simdnn {

/// A named block of the flat parameter buffer.
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

/// Pointers into the flat buffers, for one layer.
template <class T>
struct ParameterViews {
  const T* values = nullptr;
  T* gradients = nullptr;
};

enum class Mode { infer, train };

template <class T>
class Layer {
 public:
  virtual ~Layer() = default;
  virtual Index inputs() const = 0;
  virtual Index outputs() const = 0;

  /// Its parameters in order, offsets counted from its own first.
  virtual std::vector<ParameterBlock> parameters() const = 0;

  /// Takes its matrices for up to `rows` samples; called twice, see Arena. `first`: nothing flows further back.
  virtual void reserve(Arena<T>& arena, Index rows, Mode mode, bool first) = 0;

  /// Before a step: refreshes what follows from the parameters alone.
  virtual void prepare(const ParameterViews<T>& views) = 0;

  /// y for x, in its own memory.
  virtual Matrix<T> forward(const Matrix<const T>& x, const ParameterViews<T>& views, Mode mode, const Context&) = 0;

  /// How a gradient with respect to its output becomes one that backward() takes: fused into the layer above.
  virtual Finish<T> backward_finish() const = 0;

  /// From the finished gradient: its parameters' gradients (added to them if `accumulate`), and the gradient with
  /// respect to its input, finished by `below`, in its own memory; nothing flows out of a first layer.
  virtual Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const ParameterViews<T>& views,
                             bool accumulate, const Finish<T>& below, const Context&) = 0;

  /// Floating-point operations of one sample in a training step.
  virtual double flops() const = 0;
};

}  // namespace simdnn
