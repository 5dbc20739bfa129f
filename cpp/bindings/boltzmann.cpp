// Restricted Boltzmann machines as Python classes, one per precision.
#include "../net/boltzmann.hpp"

#include "arrays.hpp"
#include "optimizer_state.hpp"
#include "register.hpp"

namespace simdnn {
namespace {

using namespace py::literals;

/// Runs one of the machine's passes over the rows of x and returns its outputs [rows, columns].
template <class T>
Array<T> run_pass(Boltzmann<T>& self, const py::object& object, Index columns,
                  void (Boltzmann<T>::*compute)(const Matrix<const T>&, T*, const StopToken&)) {
  const Array<T> x = real_array<T>(object, "X");
  const Matrix<const T> rows = matrix_of(x, "X", self.visible());
  Array<T> out({rows.rows, columns});
  T* const to = out.mutable_data();
  run_native(self.mutex(), 2 * self.work(rows.rows), [&](const StopToken& stop) {
    (self.*compute)(rows, to, stop);
    return true;
  });
  return out;
}

template <class T>
double epoch(Boltzmann<T>& self, const Array<T>& x, Index batch, int k, bool sample_visible, std::uint64_t number) {
  const Array<T> aligned = required<T>(x);
  const Matrix<const T> matrix = matrix_of(aligned, "X", self.visible());
  const InputArray rows{reinterpret_cast<const char*>(matrix.data), kDType<T>, matrix.rows, matrix.columns};
  return run_native(self.mutex(), kLongCall,
                    [&](const StopToken& stop) { return self.epoch(rows, batch, {k, sample_visible}, number, stop); });
}

template <class T>
void register_boltzmann_classes(py::module_& module, const std::string& suffix) {
  using Self = Boltzmann<T>;
  py::class_<Self> type(module, ("Boltzmann" + suffix).c_str());
  define_state<T>(
      type, [](Self& self) -> Optimizer<T>& { return self.optimizer(); },
      [](Self& self) -> OwnedMutex& { return self.mutex(); });
  type.def(py::init<Index, Index, std::shared_ptr<OptimizerConfig>, std::uint64_t>(), "visible"_a, "hidden"_a,
           "config"_a, "seed"_a)
      .def_property_readonly("values",
                             [](const py::object& self) {
                               Buffer<T>& values = self.cast<Self&>().values();
                               return Array<T>(values.size(), values.data(), self);
                             })
      .def("epoch", epoch<T>, "x"_a.noconvert(), "batch"_a, "k"_a, "sample_visible"_a, "epoch"_a)
      .def(
          "transform",
          [](Self& self, const py::object& x) { return run_pass(self, x, self.hidden(), &Self::transform); }, "x"_a)
      .def(
          "reconstruct",
          [](Self& self, const py::object& x) { return run_pass(self, x, self.visible(), &Self::reconstruct); }, "x"_a);
}

}  // namespace

void register_boltzmann(py::module_& module) {
  register_boltzmann_classes<float>(module, "F32");
  register_boltzmann_classes<double>(module, "F64");
}

}  // namespace simdnn
