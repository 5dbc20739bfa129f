// Fused losses on arrays.
#include <pybind11/stl.h>

#include "arrays.hpp"
#include "register.hpp"

namespace simdnn {
namespace {

using namespace py::literals;

enum class Reduction { none, mean, sum };

Reduction reduction_of(const std::string& name) {
  if (name == "none") return Reduction::none;
  if (name == "mean") return Reduction::mean;
  if (name == "sum") return Reduction::sum;
  throw py::value_error("reduction: expected 'none', 'mean' or 'sum', got '" + name + "'");
}

/// Runs the loss over rows in parallel; the caller has filled everything but row_loss.
template <class T>
void run_loss(int loss, LossRows<T> rows) {
  constexpr double nanoseconds = 1;  // an element
  const auto run = typed_kernels<T>().losses[loss];
  parallel_for(rows.rows, 1, nanoseconds * double(rows.rows) * double(rows.columns), [&](Index begin, Index end) {
    LossRows<T> part = rows;
    part.rows = end - begin;
    part.output += begin * part.output_stride;
    if (part.classes) part.classes += begin;
    if (part.values) part.values += begin * part.values_stride;
    if (part.gradient) part.gradient += begin * part.gradient_stride;
    part.row_loss += begin;
    run(part);
  });
}

/// (loss, gradient or None); without reduction the loss has `each` shape.
template <class T>
py::tuple loss_of(int loss, const Array<T>& output, LossRows<T> rows, std::vector<Index> each, double weight,
                  Reduction reduction, bool return_grad) {
  py::object gradient = py::none();
  std::vector<double> row_loss(static_cast<std::size_t>(rows.rows));
  rows.output = output.data();
  rows.output_stride = rows.columns;
  rows.row_loss = row_loss.data();
  rows.scale = reduction == Reduction::mean ? 1 / weight : 1;
  if (return_grad) {
    Array<T> made(std::vector<Index>(output.shape(), output.shape() + output.ndim()));
    rows.gradient = made.mutable_data();
    rows.gradient_stride = rows.columns;
    gradient = std::move(made);
  }
  {
    std::optional<py::gil_scoped_release> release;
    if (rows.rows * rows.columns > 8192) release.emplace();
    run_loss(loss, rows);
  }
  if (reduction == Reduction::none) {
    Array<T> losses(std::move(each));
    for (Index i = 0; i < rows.rows; ++i) losses.mutable_data()[i] = T(row_loss[std::size_t(i)]);
    return py::make_tuple(losses, gradient);
  }
  double sum = 0;
  for (const double value : row_loss) sum += value;
  return py::make_tuple(reduction == Reduction::mean ? sum / weight : sum, gradient);
}

int loss_index(const char* name) {
  for (int i = 0; i < kernels().loss_count; ++i) {
    if (std::string(kernels().losses[i]->name) == name) return i;
  }
  throw std::logic_error(name);
}

template <class T>
py::tuple cross_entropy(const py::handle& logits, const py::handle& target, std::int64_t ignore_index,
                        Reduction reduction, bool return_grad) {
  const Array<T> output = real_array<T>(logits, "logits");
  if (output.ndim() != 1 && output.ndim() != 2) {
    throw py::value_error("logits: expected shape (n, classes) or (classes,), got " + shape_text(output));
  }
  const Index columns = output.shape(output.ndim() - 1), count = output.ndim() == 2 ? output.shape(0) : 1;
  if (columns == 0) throw py::value_error("logits: expected at least one class, got " + shape_text(output));
  Array<std::int64_t> classes = class_array(target, "target", columns, ignore_index);
  if (classes.ndim() != output.ndim() - 1 || classes.size() != count) {
    throw py::value_error("target: expected shape " +
                          std::string(output.ndim() == 2 ? "(" + std::to_string(count) + ",)" : "()") +
                          " for logits of shape " + shape_text(output) + ", got " + shape_text(classes));
  }
  Index kept = 0;
  for (Index i = 0; i < count; ++i) kept += classes.data()[i] != ignore_index;
  if (kept < count) {  // the kernel knows ignored rows by a negative class
    Array<std::int64_t> marked(std::vector<Index>{count});
    for (Index i = 0; i < count; ++i) {
      marked.mutable_data()[i] = classes.data()[i] == ignore_index ? -1 : classes.data()[i];
    }
    classes = marked;
  }
  LossRows<T> rows;
  rows.rows = count;
  rows.columns = columns;
  rows.classes = classes.data();
  static const int loss = loss_index("cross_entropy");
  return loss_of(loss, output, rows, {output.shape(), output.shape() + output.ndim() - 1}, double(kept), reduction,
                 return_grad);
}

template <class T>
py::tuple mse_loss(const py::handle& input, const py::handle& target, Reduction reduction, bool return_grad) {
  const Array<T> output = real_array<T>(input, "input"), values = real_array<T>(target, "target");
  if (output.ndim() != values.ndim() || !std::equal(output.shape(), output.shape() + output.ndim(), values.shape())) {
    throw py::value_error("target: expected the shape of input, " + shape_text(output) + ", got " + shape_text(values));
  }
  LossRows<T> rows;  // one row an element, as the reduction of PyTorch counts
  rows.rows = output.size();
  rows.columns = 1;
  rows.values = values.data();
  rows.values_stride = 1;
  static const int loss = loss_index("mse");
  return loss_of(loss, output, rows, {output.shape(), output.shape() + output.ndim()}, double(output.size()), reduction,
                 return_grad);
}

/// The sum of x over the axes along which `shape` was broadcast to that of x, in a fixed order.
template <class T>
Array<T> sum_to(const py::handle& object, const std::vector<Index>& shape) {
  const Array<T> x = real_array<T>(object, "x");
  const Index axes = x.ndim(), lead = axes - Index(shape.size());
  const auto kept = [&](Index axis) { return axis >= lead && shape[std::size_t(axis - lead)] == x.shape(axis); };
  // The trailing axes that are all kept, or all summed, are one row.
  Index row = 1, outer = axes;
  while (outer > 0 && x.shape(outer - 1) == 1) --outer;
  const bool row_kept = outer > 0 && kept(outer - 1);
  while (outer > 0 && (kept(outer - 1) == row_kept || x.shape(outer - 1) == 1)) row *= x.shape(--outer);
  std::vector<Index> strides(std::size_t(axes), 0), position(std::size_t(axes), 0);
  Index size = 1;
  for (Index axis = axes; axis-- > lead;) {
    if (kept(axis)) strides[std::size_t(axis)] = size;
    size *= shape[std::size_t(axis - lead)];
  }
  std::vector<double> sums(std::size_t(size), 0);
  Index offset = 0;
  const T* const end = x.data() + x.size();
  for (const T* from = x.data(); from < end; from += row) {
    if (row_kept) typed_kernels<T>().add_row(from, row, sums.data() + offset);
    if (!row_kept) sums[std::size_t(offset)] += typed_kernels<T>().row_sum(from, row);
    for (Index axis = outer; axis-- > 0;) {
      offset += strides[std::size_t(axis)];
      if (++position[std::size_t(axis)] < x.shape(axis)) break;
      offset -= strides[std::size_t(axis)] * x.shape(axis);
      position[std::size_t(axis)] = 0;
    }
  }
  Array<T> total(shape);
  std::copy(sums.begin(), sums.end(), total.mutable_data());
  return total;
}

/// Single and half precision are computed in single, everything else in double, as NumPy promotes.
bool is_double(const py::handle& object) {
  if (!py::isinstance<py::array>(object)) return true;
  const py::dtype type = py::reinterpret_borrow<py::array>(object).dtype();
  return type.kind() != 'f' || type.itemsize() > 4;
}

}  // namespace

void register_functions(py::module_& module) {
  module.def(
      "cross_entropy",
      [](const py::object& logits, const py::object& target, std::int64_t ignore_index, const std::string& reduction,
         bool return_grad) {
        const Reduction how = reduction_of(reduction);
        return is_double(logits) ? cross_entropy<double>(logits, target, ignore_index, how, return_grad)
                                 : cross_entropy<float>(logits, target, ignore_index, how, return_grad);
      },
      "logits"_a, "target"_a, "ignore_index"_a, "reduction"_a, "return_grad"_a);
  module.def(
      "mse_loss",
      [](const py::object& input, const py::object& target, const std::string& reduction, bool return_grad) {
        const Reduction how = reduction_of(reduction);
        return is_double(input) ? mse_loss<double>(input, target, how, return_grad)
                                : mse_loss<float>(input, target, how, return_grad);
      },
      "input"_a, "target"_a, "reduction"_a, "return_grad"_a);
  module.def(
      "sum_to",
      [](const py::object& x, const std::vector<Index>& shape) -> py::object {
        if (is_double(x)) return sum_to<double>(x, shape);
        return sum_to<float>(x, shape);
      },
      "x"_a, "shape"_a, "Sums x to a shape that was broadcast to that of x.");
}

}  // namespace simdnn
