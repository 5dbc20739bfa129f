// An activation with a trainable parameter: prelu (He et al. 2015, arXiv:1502.01852), swish (Ramachandran et al.
// 2017, arXiv:1710.05941).
#pragma once

#include "../epilogue.hpp"

namespace simdnn {

template <class T>
class TrainableActivation;

struct TrainableActivationSpec final : SpecFor<TrainableActivationSpec, TrainableActivation> {
  static constexpr const char* kind = "trainable_activation";
  Activation function;  ///< a function of one parameter
  std::string name;     ///< name of that parameter
  bool shared = true;   ///< one parameter for all features instead of one for each

  template <class Fields>
  void fields(Fields& f) {
    f("activation", function);
    f("name", name);
    f("shared", shared);
  }

  Index count() const { return shared ? 1 : input.features; }
  void declare_parameters(const std::string& prefix, ParameterLayout& layout) const override {
    layout.parameters.add(prefix + name, {count()});
  }
};

template <class T>
class TrainableActivation final : public Layer<T> {
 public:
  TrainableActivation(const TrainableActivationSpec& spec, ParameterBinder<T>& binder);
  bool has_parameters() const override { return true; }
  void reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) override;
  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override;
  bool reads_output() const override { return false; }
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext& context) override;

 private:
  Index features_;
  bool shared_;
  const TrainableTiles<T>& tiles_;
  ParameterView<T> parameter_;
  std::vector<T> spread_;     ///< the parameter of each feature
  std::vector<double> sums_;  ///< the gradient w.r.t. spread_, summed over the chunks of a batch
  Matrix<T> y_;
};

}  // namespace simdnn
