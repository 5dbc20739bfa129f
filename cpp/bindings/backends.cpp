// Operations for backends of other libraries, which keep all arrays themselves: product, maxout with winners, Adam.
#include <memory>

#include "../base/find_by_name.hpp"
#include "../net/parallel_product.hpp"
#include "arrays.hpp"
#include "register.hpp"

namespace simdnn {
namespace {

using namespace py::literals;

/// A matrix as a factor of a product.
template <class T>
Operand<T> factor(const Array<T>& x, bool transposes) {
  const Matrix<const T> plain{x.data(), x.shape(0), x.shape(1), x.shape(1)};
  return transposes ? transposed(plain) : Operand<T>(plain);
}

/// out [m, n] = x [m, k] y [k, n], where x or y may be given transposed.
template <class T>
void product(const py::array& x, const py::array& y, const py::object& out, bool transpose_x, bool transpose_y) {
  const Array<T> a = required<T>(x), b = required<T>(y);
  if (a.ndim() != 2 || b.ndim() != 2) {
    throw py::value_error("x, y: expected two axes, got shapes " + shape_text(a) + " and " + shape_text(b));
  }
  Product<T> p{.a = factor(a, transpose_x), .b = factor(b, transpose_y)};
  if (p.a.columns != p.b.rows) {
    throw py::value_error("y: expected " + std::to_string(p.a.columns) + " rows, got " + std::to_string(p.b.rows));
  }
  const Array<T> to = output_memory<T>(out, "out");
  if (!has_shape(to, {p.a.rows, p.b.columns})) {
    throw py::value_error("out: expected shape (" + std::to_string(p.a.rows) + ", " + std::to_string(p.b.columns) +
                          "), got " + shape_text(to));
  }
  p.c = {const_cast<T*>(to.data()), p.a.rows, p.b.columns, p.b.columns};
  // Kernels read beyond the last column of rows, and pack a transposed matrix once for each few rows if it is small.
  const bool turns = transpose_y && p.a.rows >= 64 && product_work(p) < kSerialBelow;
  std::unique_ptr<T[]> padded;
  if (turns || !transpose_y) {
    padded.reset(new T[std::size_t(b.size() + kPad)]);
    std::fill_n(padded.get() + b.size(), kPad, T(0));
    p.b = {padded.get(), p.b.rows, p.b.columns, p.b.columns, 1};
  }
  if (!transpose_y) std::copy_n(b.data(), b.size(), padded.get());
  if (turns) typed_kernels<T>().transpose(b.data(), b.shape(1), b.shape(0), b.shape(1), padded.get(), b.shape(0));
  run_interruptible(product_work(p), [&](const StopToken& stop) {
    multiply(p, stop);
    return true;
  });
}

/// The largest element of each group x[i, j, :], and the index of the first one that is as large.
template <class T>
py::tuple maxout_winners(const py::array& object) {
  const Array<T> x = required<T>(object);
  if (x.ndim() != 3 || x.shape(2) == 0) throw py::value_error("x: expected three axes, got shape " + shape_text(x));
  Array<T> best({x.shape(0), x.shape(1)});
  Array<std::int32_t> winner({x.shape(0), x.shape(1)});
  const Index pieces = x.shape(2);
  T* const values = best.mutable_data();
  std::int32_t* const indices = winner.mutable_data();
  const Nanoseconds work = kMaxoutElement * double(x.size());
  run_interruptible(work, [&](const StopToken&) {
    parallel_for(best.size(), 1024, work, [&](Index begin, Index end) {
      typed_kernels<T>().layers.maxout_winners(x.data() + begin * pieces, end - begin, pieces, values + begin,
                                               indices + begin);
    });
    return true;
  });
  return py::make_tuple(best, winner);
}

/// One step of Adam without bias correction: its factors are in the learning rate.
void adam_step(const std::vector<py::array>& arrays, double lr, double beta1, double beta2, double eps) {
  static const int index =
      find_by_name("rule", "adam", kernels().rule_count, [](int i) { return kernels().rules[i]->name; });
  const RuleDescription& rule = *kernels().rules[index];
  double hypers[kMaxHypers];
  const std::pair<std::string, double> given[] = {{"lr", lr}, {"beta1", beta1}, {"beta2", beta2}, {"eps", eps}};
  for (int i = 0; i < rule.hyper_count(); ++i) {
    hypers[i] = rule.hypers[i].value;
    for (const auto& [name, value] : given) {
      if (name == rule.hypers[i].name) hypers[i] = checked_number(rule.hypers[i], value);
    }
  }
  const char* const names[] = {"weights", "gradient", "exp_avg", "exp_avg_sq"};
  if (arrays.size() != std::size(names)) throw py::value_error("arrays: expected four");
  float* data[std::size(names)];
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    if (!has_shape(arrays[i], shape_of(arrays[0]))) {
      throw py::value_error(std::string(names[i]) + ": expected shape " + shape_text(arrays[0]) + ", got " +
                            shape_text(arrays[i]));
    }
    data[i] = output_memory<float>(arrays[i], names[i]).mutable_data();
  }
  const UpdateSpan<float> span{.p = data[0], .g = data[1], .slots = {data[2], data[3]}, .size = arrays[0].size()};
  constexpr std::int64_t converged = std::int64_t(1) << 62;  // a step whose bias correction is 1
  const UpdateStep step{hypers, nullptr, converged, {}};
  const Nanoseconds work = kUpdateElement * double(span.size);
  run_interruptible(work, [&](const StopToken&) {
    parallel_for(span.size, 4096, work, [&](Index begin, Index end) {
      kernels().f32.updates[index](&span, 1, begin, end, step);
      std::fill(data[1] + begin, data[1] + end, 0.0f);
    });
    return true;
  });
}

template <class T>
void register_backend(py::module_& module, const std::string& suffix) {
  module.def(("product_" + suffix).c_str(), product<T>, "x"_a, "y"_a, "out"_a, "transpose_x"_a, "transpose_y"_a,
             "out = x y, where x or y may be given transposed.");
  module.def(("maxout_winners_" + suffix).c_str(), maxout_winners<T>, "x"_a,
             "The largest element of each group along the last of three axes, and its index.");
}

}  // namespace

void register_backends(py::module_& module) {
  register_backend<float>(module, "f32");
  register_backend<double>(module, "f64");
  module.def("adam_step", adam_step, "arrays"_a, "lr"_a, "beta1"_a, "beta2"_a, "eps"_a,
             "A step of Adam on the caller's weights, gradient and moments, without bias correction; the gradient "
             "is set to zero.");
}

}  // namespace simdnn
