// Batch normalization (Ioffe & Szegedy 2015, arXiv:1502.03167): y = (x - mean) / sqrt(variance + eps) w + b, with the
// statistics of the batch in training and running statistics in inference.
#pragma once

#include <optional>

#include "../epilogue.hpp"

namespace simdnn {

template <class T>
class BatchNorm;

struct BatchNormSpec final : SpecFor<BatchNormSpec, BatchNorm> {
  static constexpr const char* kind = "batch_norm";
  double eps = 1e-5;
  std::optional<double> momentum = 0.1;  ///< weight of a new batch in the running statistics; nullopt: mean of all
  bool affine = true;

  template <class Fields>
  void fields(Fields& f) {
    f("eps", eps);
    f("momentum", momentum);
    f("affine", affine);
  }

  void declare_parameters(const std::string& prefix, ParameterLayout& layout) const override;
  bool whole_batch() const override { return true; }
  bool is_affine_scale() const override { return true; }
  AffineScale affine_scale(const BatchNormFolder& next) const override;
};

template <class T>
class BatchNorm final : public LayerWithEpilogue<T> {
 public:
  BatchNorm(const BatchNormSpec& spec, ParameterBinder<T>& binder);
  bool has_parameters() const override { return weight_.values != nullptr; }
  void reserve(Arena<T>& arena, Index rows, Index time_steps, Mode mode, bool first) override;
  Matrix<T> forward(const Matrix<const T>& x, const PassContext& context) override;
  Matrix<T> backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                     const PostOp<T>& prev_post_op, const PassContext& context) override;
  void commit_running_stats() override;

 private:
  using LayerWithEpilogue<T>::epilogue_;
  using LayerWithEpilogue<T>::y_;

  NormColumns<T> columns();

  Index features_;
  double eps_, momentum_;
  ParameterView<T> weight_, bias_;
  T *running_mean_, *running_variance_, *batches_;
  Index batch_ = 0;     ///< number of rows whose statistics the last forward pass used; 0: it used the running ones
  bool fresh_ = false;  ///< the running statistics do not yet include those of the last forward pass
  std::vector<double> numbers_;  ///< [5, features]: mean, variance, inverse, sums, products
  Matrix<T> factors_;            ///< [5, features]: center, scale, offset, x_scale, dx_offset
};

}  // namespace simdnn
