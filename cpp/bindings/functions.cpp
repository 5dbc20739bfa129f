// Python functions of arrays that no registry describes: sums to a smaller shape, advantages.
#include <pybind11/stl.h>

#include "../net/advantages.hpp"
#include "arrays.hpp"
#include "register.hpp"

namespace simdnn {
namespace {

using namespace py::literals;

/// Sum of x over the axes along which `shape` was broadcast to the shape of x, in a fixed order.
template <class T>
Array<T> sum_to(const py::handle& object, const std::vector<Index>& shape) {
  const Array<T> x = real_array<T>(object, "x");
  const Index axes = x.ndim(), lead = axes - Index(shape.size());
  const auto kept = [&](Index axis) { return axis >= lead && shape[std::size_t(axis - lead)] == x.shape(axis); };
  // Trailing axes that are all kept, or all summed, are treated as one row.
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

/// Advantages [steps, environments] of arrays that the caller has checked.
template <class T>
Array<T> advantages(const Array<T>& reward, const Array<T>& value, const Array<bool>& done, const Array<T>& last,
                    double gamma, double lambda) {
  const Array<T> rewards = required<T>(reward), values = required<T>(value), end = required<T>(last);
  Array<T> found(shape_of(reward));
  T* const to = found.mutable_data();
  const Rollout<T> rollout{rewards.data(), values.data(), end.data(), done.data(), reward.shape(0), reward.shape(1)};
  const WithoutGil release;
  estimate_advantages(rollout, T(gamma), T(lambda), to);
  return found;
}

}  // namespace

void register_functions(py::module_& module) {
  module.def("advantages", advantages<float>, "reward"_a.noconvert(), "value"_a.noconvert(), "done"_a.noconvert(),
             "last"_a.noconvert(), "gamma"_a, "lam"_a, "Generalized advantage estimation.");
  module.def("advantages", advantages<double>, "reward"_a.noconvert(), "value"_a.noconvert(), "done"_a.noconvert(),
             "last"_a.noconvert(), "gamma"_a, "lam"_a);
  module.def(
      "sum_to",
      [](const py::object& object, const std::vector<Index>& shape) -> py::object {
        const py::array x = host_array(object, "x");
        if (is_double(x)) return sum_to<double>(x, shape);
        return sum_to<float>(x, shape);
      },
      "x"_a, "shape"_a, "Sums x to a shape that was broadcast to that of x.");
}

}  // namespace simdnn
