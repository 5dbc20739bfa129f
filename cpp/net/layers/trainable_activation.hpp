// An activation that learns its parameter: prelu (He et al. 2015, arXiv:1502.01852), swish (Ramachandran et al. 2017).
#pragma once

#include "../epilogue.hpp"

namespace simdnn {

template <class T>
class Learned;

struct LearnedSpec final : Described<LearnedSpec, Learned> {
  int function = 0;  ///< of the registry, with one parameter
  std::string name;  ///< of that parameter
  bool shared = true;

  Index count() const { return shared ? 1 : input.features; }
  void list(const std::string& prefix, Inventory& inventory) const override {
    inventory.parameters.add(prefix + name, {count()});
  }
};

template <class T>
class Learned final : public Layer<T> {
 public:
  Learned(const LearnedSpec& spec, Cursor<T>& cursor);
  bool learns() const override { return true; }
  void reserve(Arena<T>& arena, Index rows, Index steps, Mode mode, bool first) override;
  Matrix<T> forward(const Matrix<const T>& x, const Pass& pass) override;
  bool reads_output() const override { return false; }
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& start,
                     const Finish<T>& below, const Pass& pass) override;

 private:
  Index features_;
  bool shared_;
  const LearnedTiles<T>& tiles_;
  typename Cursor<T>::Slice parameter_;
  std::vector<T> spread_;     ///< the parameter of each feature
  std::vector<double> sums_;  ///< its gradient, over the chunks of a batch
  Matrix<T> y_;
};

}  // namespace simdnn
