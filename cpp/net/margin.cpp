#include "margin.hpp"

#include <algorithm>

#include "../dispatch.hpp"

namespace simdnn {
namespace {

constexpr MarginVariant kVariants[] = {
    {"l_softmax", MarginLaw::angular, true, true, 1, 4, 4},        // Liu et al. 2016, arXiv:1612.02295
    {"a_softmax", MarginLaw::angular, true, false, 1, 4, 4},       // Liu et al. 2017, arXiv:1704.08063
    {"am_softmax", MarginLaw::cosine, false, false, 30, 0.35, 2},  // Wang et al. 2018, arXiv:1801.05599
    {"arcface", MarginLaw::angle, false, false, 64, 0.5, 1.5},     // Deng et al. 2019, arXiv:1801.07698
};

/// sum (-1)^n x^(2n + first) / (2n + first)!, the same bits on every machine: cosine for 0, sine for 1.
double alternating_series(double x, int first) {
  double term = first == 0 ? 1 : x, sum = term;
  for (int n = first; n < 30; n += 2) {
    term *= -(x * x) / double((n + 1) * (n + 2));
    sum += term;
  }
  return sum;
}

}  // namespace

const MarginVariant* find_margin(const std::string& name) {
  for (const MarginVariant& variant : kVariants) {
    if (variant.name == name) return &variant;
  }
  return nullptr;
}

std::string margin_names() {
  std::string names;
  for (const MarginVariant& variant : kVariants) names += (names.empty() ? "" : ", ") + std::string(variant.name);
  return names;
}

double Annealing::at(std::int64_t step) const {
  double value = base;
  for (int i = 0; i < power; ++i) value /= 1 + gamma * double(step);
  return std::max(minimum, value);
}

Margin::Margin(const MarginVariant& variant, double margin, double scale, const Annealing& annealing)
    : lambda(annealing) {
  shape.law = variant.law;
  shape.feature_norm = variant.feature_norm;
  shape.weight_norm = variant.weight_norm;
  shape.scale = scale;
  shape.margin = margin;
  shape.cosine = alternating_series(margin, 0);
  shape.sine = alternating_series(margin, 1);
}

template <class T>
MarginHead<T>::MarginHead(const Margin& margin, Index rows, Index inputs, Index classes)
    : margin_(margin),
      inputs_(inputs),
      feature_norm_(std::size_t(rows)),
      weight_norm_(std::size_t(classes)),
      feature_norm_gradient_(std::size_t(rows)),
      weight_norm_gradient_(std::size_t(classes)),
      extra_gradient_(rows * padded(inputs)) {}

template <class T>
void MarginHead<T>::begin(const T* weight, std::int64_t step) {
  margin_.shape.strength = 1 / (1 + margin_.lambda.at(step));
  std::fill(weight_norm_gradient_.begin(), weight_norm_gradient_.end(), 0.0);
  typed_kernels<T>().margin.column_norms(weight, inputs_, Index(weight_norm_.size()), weight_norm_.data());
}

template <class T>
MarginRows<T> MarginHead<T>::margin_rows(const Matrix<const T>& z, const std::int64_t* classes, const Matrix<T>& out) {
  MarginRows<T> rows;
  rows.shape = margin_.shape;
  rows.rows = z.rows;
  rows.columns = z.columns;
  rows.z = z.data;
  rows.z_stride = z.stride;
  rows.classes = classes;
  rows.feature_norm = feature_norm_.data();
  rows.weight_norm = weight_norm_.data();
  rows.out = out.data;
  rows.out_stride = out.stride;
  rows.feature_norm_gradient = feature_norm_gradient_.data();
  rows.weight_norm_gradient = weight_norm_gradient_.data();
  return rows;
}

template <class T>
void MarginHead<T>::logits(const Matrix<const T>& x, const Matrix<const T>& z, const std::int64_t* classes,
                           const Matrix<T>& out) {
  typed_kernels<T>().margin.row_norms(x.data, x.stride, x.rows, x.columns, feature_norm_.data());
  typed_kernels<T>().margin.logits(margin_rows(z, classes, out));
}

template <class T>
Matrix<const T> MarginHead<T>::backward(const Matrix<const T>& x, const Matrix<const T>& z, const std::int64_t* classes,
                                        const Matrix<T>& gradient) {
  typed_kernels<T>().margin.backward(margin_rows(z, classes, gradient));
  const Matrix<T> extra_gradient{extra_gradient_.data(), x.rows, x.columns, padded(x.columns)};
  typed_kernels<T>().margin.norm_gradient_rows(x.data, x.stride, x.rows, x.columns, feature_norm_gradient_.data(),
                                               feature_norm_.data(), extra_gradient.data, extra_gradient.stride);
  return extra_gradient;
}

template <class T>
void MarginHead<T>::finish(const T* weight, T* gradient) const {
  typed_kernels<T>().margin.add_norm_gradient_columns(weight, inputs_, Index(weight_norm_.size()),
                                                      weight_norm_gradient_.data(), weight_norm_.data(), gradient);
}

SIMDNN_INSTANTIATE(MarginHead);

}  // namespace simdnn
