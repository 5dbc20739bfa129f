// Datasets of a trainer: checked arrays, kept alive, and the view that native code reads.
#pragma once

#include <algorithm>
#include <cmath>

#include "arrays.hpp"
#include "targets.hpp"

namespace simdnn {

/// The array itself if it is contiguous and aligned, with a dtype that a loader casts; otherwise a copy of dtype T, or
/// of double where T could round an integer to look up.
template <class T>
py::array source_array(const py::object& object) {
  const py::array array = host_array(object, "x");
  const bool known = py::isinstance<Array<float>>(array) || py::isinstance<Array<double>>(array) ||
                     py::isinstance<Array<std::uint8_t>>(array);
  const bool ready = known && reinterpret_cast<std::uintptr_t>(array.data()) % std::uintptr_t(array.itemsize()) == 0;
  if (!ready && !is_wider<T>(array)) return real_array<T>(array, "x");
  if (!is_wider<T>(array)) return array;
  const Array<double> exact = real_array<double>(array, "x");
  if constexpr (std::is_same_v<T, float>) check_within_float(exact.data(), exact.size(), "x");
  return exact;
}

inline DType dtype_of(const py::array& array) {
  if (py::isinstance<Array<float>>(array)) return DType::f32;
  return py::isinstance<Array<double>>(array) ? DType::f64 : DType::u8;
}

/// True for a sparse matrix of SciPy, of any format.
inline bool is_sparse(const py::handle& object) {
  if (py::isinstance<py::array>(object) || !py::hasattr(object, "tocsr")) return false;
  const py::dict modules = py::module_::import("sys").attr("modules");
  return modules.contains("scipy.sparse") && modules["scipy.sparse"].attr("issparse")(object).cast<bool>();
}

/// A copy of one of SciPy's sparse matrices in CSR format. Its indices are checked once, as nobody else can write to
/// them. Entries of a row may have any order; those in one column add up.
template <class T>
struct SparseArrays {
  Array<T> entries;
  Array<Index> indices, indptr;
  Index rows = 0, columns = 0;
  std::optional<Array<double>> exact;  ///< entries of a wider type before the cast, until they are checked

  explicit SparseArrays(const py::handle& object) {
    const ExitGuard guard;
    const py::object csr = py::module_::import("simdnn._utils.sparse").attr("checked_csr")("x", object);
    const auto shape = py::reinterpret_borrow<py::object>(csr.attr("shape")).cast<std::vector<Index>>();
    if (shape.size() != 2) {
      throw py::value_error("x: expected a sparse matrix of two dimensions, got shape " + shape_text(shape));
    }
    rows = shape[0];
    columns = shape[1];
    const py::array given = host_array(csr.attr("data"), "x.data");
    if (is_wider<T>(given)) exact = real_array<double>(given, "x.data");
    entries = copied(real_array<T>(given, "x.data"));
    indices = copied(integer_array<Index>(csr.attr("indices"), "x.indices", "integers"));
    indptr = copied(integer_array<Index>(csr.attr("indptr"), "x.indptr", "integers"));
    check();
  }

  /// The number of an entry in the type in which it was given.
  double number(Index k) const { return exact ? exact->data()[k] : double(entries.data()[k]); }

  InputArray source(double scale) const {
    const char* const data = reinterpret_cast<const char*>(entries.data());
    return {data, kDType<T>, rows, columns, scale, indptr.data(), indices.data()};
  }

 private:
  void check() const {
    const Index stored = entries.size();
    const Index* const begins = indptr.data();
    const bool sizes = entries.ndim() == 1 && indices.ndim() == 1 && indptr.ndim() == 1 && rows >= 0 && columns >= 0 &&
                       indptr.size() == rows + 1 && indices.size() == stored && begins[0] == 0 &&
                       begins[rows] <= stored && std::is_sorted(begins, begins + rows + 1);
    if (!sizes) {
      throw py::value_error("x: expected a valid CSR matrix, got indptr, indices and data that do not fit together");
    }
    for (Index k = 0; k < begins[rows]; ++k) {
      const Index column = indices.data()[k];
      if (column >= 0 && column < columns) continue;
      throw py::value_error("x.indices[" + std::to_string(k) + "]: expected a column from 0 to " +
                            std::to_string(columns - 1) + ", got " + std::to_string(column));
    }
  }
};

/// The samples of a call, or of many calls (`Memory::own`): arrays, kept alive, and the view that points into them. A
/// dense x is shared; the targets, the weights and a sparse x of many calls are copies.
template <class T>
struct Dataset {
  PinnedArray pinned;
  py::object x;
  std::optional<SparseArrays<T>> sparse;
  std::optional<Targets<T>> targets;
  std::optional<Array<T>> weights;
  DatasetView<T> samples;

  /// The facts of a network and its loss by which they read x and y.
  struct Reader {
    Shape input, output;
    int loss;
    std::int64_t ignore_index;
    bool margin;
    Domain domain;
    bool operator==(const Reader&) const = default;

    Reader(const Network<T>& network, const Loss& of)
        : input(network.input()),
          output(network.output()),
          loss(of.index),
          ignore_index(of.ignore_index),
          margin(of.margin.has_value()),
          domain(domain_of(of)) {}
  } reader;

  Dataset(const Network<T>& network, const Loss& loss, const py::object& x_object, const py::object& y_object,
          const py::object& weight_object, double scale, Memory memory)
      : reader(network, loss) {
    Extent in;
    if (is_sparse(x_object)) {
      if (network.input().sequence)
        throw py::type_error("x: expected an array (n, time, features), got a sparse matrix");
      sparse.emplace(x_object);
      samples.x = sparse->source(scale);
      in.samples = samples.x.rows;
      if (samples.x.columns != network.inputs()) {
        throw py::value_error("x: expected " + std::to_string(network.inputs()) + " columns, got " +
                              std::to_string(samples.x.columns));
      }
    } else {
      const py::array array = source_array<T>(x_object);
      in = extent_of(array, "x", network.input());
      const Index columns = in.time_steps * network.inputs();
      samples.x = {static_cast<const char*>(array.data()), dtype_of(array), in.samples, columns, scale};
      x = array;
      if (owns_all(memory)) pinned = PinnedArray(array);
    }
    samples.time_steps = in.time_steps;
    samples.output_time_steps = network.output_time_steps(in.time_steps);
    if (in.samples == 0) {
      const std::vector<Index> given = output_shape(network.input(), in.samples, in.time_steps);
      throw py::value_error("x: expected at least one sample, got shape " + shape_text(given));
    }
    check_scale();
    check_input(network);
    if (sparse) sparse->exact.reset();
    std::vector<Index> shape = output_shape(network.output(), in.samples, in.time_steps);
    shape.pop_back();  // without the axis of outputs
    const Clause clause = [this] { return " for " + std::to_string(samples.x.rows) + " samples"; };
    targets.emplace(loss, y_object, "y", shape, network.outputs(), clause, memory);
    samples.classes = targets->classes();
    samples.values = targets->values();
    if (weight_object.is_none()) return;
    weights = sample_weights<T>(weight_object, {samples.x.rows}, clause, memory);
    if (samples.output_time_steps > 1) weights = repeated(*weights, samples.output_time_steps);
    samples.weight = weights->data();
  }

  /// True if another network and its loss read the same; raises if its layers refuse numbers of x.
  bool serves(const Network<T>& network, const Loss& loss) const {
    if (!(reader == Reader(network, loss))) return false;
    check_input(network);
    return true;
  }

 private:
  /// A number of x in the type in which it was given.
  double number(Index k) const {
    if (sparse) return sparse->number(k);
    if (samples.x.dtype == DType::f32) return double(reinterpret_cast<const float*>(samples.x.data)[k]);
    if (samples.x.dtype == DType::f64) return reinterpret_cast<const double*>(samples.x.data)[k];
    return double(reinterpret_cast<const std::uint8_t*>(samples.x.data)[k]);
  }

  /// Raises if the scale, or a finite number of x times the scale, is infinite in T.
  void check_scale() const {
    const double scale = samples.x.scale;
    const std::string type = std::is_same_v<T, float> ? "float32" : "float64";
    if (!std::isfinite(T(scale))) {
      throw py::value_error("scale: expected a number that " + type + " can hold, got " + text_of(py::float_(scale)));
    }
    if (std::abs(scale) <= 1) return;
    const Index count = sparse ? sparse->entries.size() : samples.x.rows * samples.x.columns;
    for (Index k = 0; k < count; ++k) {
      if (!std::isfinite(number(k)) || std::isfinite(T(number(k)) * T(scale))) continue;
      throw py::value_error("scale: expected products with x that " + type + " can hold, got " +
                            text_of(py::float_(number(k))) + " * " + text_of(py::float_(scale)));
    }
  }

  /// Lets the layers check the numbers of x, scaled as by the loader.
  void check_input(const Network<T>& network) const {
    const InputArray& source = samples.x;
    const Index columns = network.inputs();
    const auto dense = [&](Index i, Index j) { return source.scale * number(i * columns + j); };
    const auto stored = [&](Index i, Index j) {
      double sum = 0;
      for (Index k = sparse->indptr.data()[i]; k < sparse->indptr.data()[i + 1]; ++k) {
        if (sparse->indices.data()[k] == j) sum += number(k);
      }
      return source.scale * sum;
    };
    const InputReader reader = sparse ? InputReader(stored) : InputReader(dense);
    network.spec()->check(reader, source.rows * samples.time_steps);
  }

  /// Repeats each number several times in a row.
  static Array<T> repeated(const Array<T>& numbers, Index times) {
    Array<T> all(numbers.size() * times);
    for (Index i = 0; i < all.size(); ++i) all.mutable_data()[i] = numbers.data()[i / times];
    return all;
  }
};

}  // namespace simdnn
