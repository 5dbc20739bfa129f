#include "embedding.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <stdexcept>

namespace simdnn {
namespace {

/// Throws the error of a number that selects none of `count` entries.
[[noreturn]] void reject(double value, Index count, Index row, Index column) {
  const bool whole = value == std::floor(value) && std::isfinite(value);
  std::array<char, 400> digits;  // more than the largest float64 has
  std::snprintf(digits.data(), digits.size(), whole ? "%.0f" : "%.17g", value);
  const std::string text = digits.data();
  const std::string place = "x: row " + std::to_string(row) + ", column " + std::to_string(column) + ": ";
  if (!whole) throw std::invalid_argument(place + "expected an integer to look up, got " + text);
  throw std::out_of_range(place + text + " is out of range for " + std::to_string(count) + " embeddings (0 to " +
                          std::to_string(count - 1) + ")");
}

/// The number of integers from 0 on that T tells apart.
template <class T>
constexpr Index kExactIntegers = Index(1) << std::numeric_limits<T>::digits;

}  // namespace

void EmbeddingSpec::declare_parameters(const std::string& prefix, ParameterLayout& layout) const {
  for (const Table& table : tables) layout.parameters.add(prefix + table.name, {table.count, table.width});
}

void EmbeddingSpec::check(const InputReader& x, Index rows) const {
  for (Index i = 0; i < rows; ++i) {
    for (const Column& one : columns) {
      const double value = x(i, one.column);
      const Index count = tables[std::size_t(one.table)].count;
      if (value == std::floor(value) && value >= 0 && value < double(count)) continue;
      reject(value, count, i, one.column);
    }
  }
}

template <class T>
Embedding<T>::Embedding(const EmbeddingSpec& spec, ParameterBinder<T>& binder)
    : inputs_(spec.input.features), outputs_(spec.output.features), passed_(spec.passed) {
  std::vector<ParameterView<T>> slices;
  for (const EmbeddingSpec::Table& table : spec.tables) {
    if (table.count > kExactIntegers<T>) {
      throw std::invalid_argument("num_embeddings: float32 tells only " + std::to_string(kExactIntegers<T>) +
                                  " integers apart, got " + std::to_string(table.count) +
                                  ": make the network with dtype=float64");
    }
    slices.push_back(binder.take(table.count * table.width));
    size_ += table.count * table.width;
  }
  gradients_ = slices.front().gradients;
  for (const EmbeddingSpec::Column& one : spec.columns) {
    const EmbeddingSpec::Table& table = spec.tables[std::size_t(one.table)];
    const auto& slice = slices[std::size_t(one.table)];
    lookups_.push_back({one.column, table.count, table.width, slice.values, slice.gradients});
  }
}

template <class T>
void Embedding<T>::reserve(Arena<T>& arena, Index rows, Index, Mode mode, bool first) {
  y_ = arena.matrix(rows, outputs_);
  if (mode == Mode::train && !first) input_gradient_ = arena.matrix(rows, inputs_);
}

/// Copies the entries of the looked-up columns. Each number is checked again where it is used, because callers may
/// write to x after check().
template <class T>
Matrix<T> Embedding<T>::forward(const Matrix<const T>& x, const PassContext& context) {
  for (Index i = 0; i < x.rows; ++i) {
    const T* const row = x.data + i * x.stride;
    T* y = y_.data + i * y_.stride;
    for (const Index column : passed_) *y++ = row[column];
    for (const Lookup& one : lookups_) {
      const T value = read_once(row + one.column);
      const Index entry = one.entry(value);
      if (entry < 0) reject(double(value), one.count, context.dataset_row(i), one.column);
      y = std::copy_n(one.values + entry * one.width, one.width, y);
    }
  }
  return y_.first_rows(x.rows);
}

/// Adds the gradients of the tables' entries in the order of the rows.
template <class T>
Matrix<T> Embedding<T>::backward(const Matrix<const T>& x, const Matrix<T>& gradient, const Matrix<const T>& dx_init,
                                 const PostOp<T>& prev_post_op, const PassContext& context) {
  const auto& add = typed_kernels<T>().layers.add;
  if (!context.accumulate) std::fill_n(gradients_, size_, T(0));
  for (Index i = 0; i < x.rows; ++i) {
    const T* const row = x.data + i * x.stride;
    const T* g = gradient.data + i * gradient.stride + Index(passed_.size());
    for (const Lookup& one : lookups_) {
      T* const entry = one.gradients + std::max<Index>(one.entry(read_once(row + one.column)), 0) * one.width;
      add(entry, 0, g, 0, entry, 0, 1, one.width);
      g += one.width;
    }
  }
  if (input_gradient_.data == nullptr) return {};
  const Matrix<T> dx = input_gradient_.first_rows(x.rows);
  std::fill_n(dx.data, dx.rows * dx.stride, T(0));
  for (Index i = 0; i < x.rows; ++i) {
    const T* g = gradient.data + i * gradient.stride;
    for (const Index column : passed_) dx.data[i * dx.stride + column] = *g++;
  }
  return pass_through_gradient(dx, dx_init, prev_post_op);
}

SIMDNN_INSTANTIATE(Embedding);

}  // namespace simdnn
