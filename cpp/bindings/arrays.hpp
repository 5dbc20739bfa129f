// Conversion of Python objects to views: every argument is checked before anything is written.
#pragma once

#include <pybind11/numpy.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "../dispatch.hpp"
#include "../net/trainer.hpp"
#include "exit_guard.hpp"

namespace simdnn {

namespace py = pybind11;

template <class T>
using Array = py::array_t<T, py::array::c_style>;

inline std::string text_of(const py::handle& object) { return py::str(object).cast<std::string>(); }

/// The value itself; raises unless it is in the range of its parameter. NaN is in no range.
inline double checked_number(const Hyper& hyper, double value) {
  if (value >= hyper.low && value < hyper.high) return value;
  std::string wanted = "finite";
  if (std::isfinite(hyper.low)) wanted += " and >= " + text_of(py::float_(hyper.low));
  if (std::isfinite(hyper.high)) wanted += " and < " + text_of(py::float_(hyper.high));
  throw py::value_error(std::string(hyper.name) + ": expected " + wanted + ", got " + text_of(py::float_(value)));
}

/// The shape of an array as a vector.
inline std::vector<Index> shape_of(const py::array& array) { return {array.shape(), array.shape() + array.ndim()}; }

/// True if an array has this shape; nothing is allocated.
inline bool has_shape(const py::array& array, const std::vector<Index>& shape) {
  return std::equal(array.shape(), array.shape() + array.ndim(), shape.begin(), shape.end());
}

inline std::string shape_text(const py::array& array) { return text_of(py::object(array.attr("shape"))); }

/// True for one of NumPy's masked arrays, whose mask nothing here would read.
inline bool is_masked(const py::handle& object) {
  const auto plain = reinterpret_cast<const PyTypeObject*>(py::detail::npy_api::get().PyArray_Type_);
  if (Py_TYPE(object.ptr()) == plain || !py::isinstance<py::array>(object)) return false;
  return py::isinstance(object, py::module_::import("numpy.ma").attr("MaskedArray"));
}

/// An object as an array: the array itself, a view of another library's tensor, or a new array; see _utils/arrays.py.
inline py::array host_array(const py::handle& object, const char* name) {
  if (py::isinstance<py::array>(object) && !is_masked(object)) return py::reinterpret_borrow<py::array>(object);
  const ExitGuard guard;
  return py::module_::import("simdnn._utils.arrays").attr("as_cpu_array")(name, object).cast<py::array>();
}

/// True for an aligned C-contiguous array of T that is not masked.
template <class T>
bool is_ready(const py::handle& object) {
  if (!py::isinstance<Array<T>>(object) || is_masked(object)) return false;
  return reinterpret_cast<std::uintptr_t>(py::reinterpret_borrow<py::array>(object).data()) % alignof(T) == 0;
}

/// `array` as an aligned C-contiguous array of T: itself if it is one, else a copy. It is for casts that keep values.
template <class T>
Array<T> required(const py::array& array) {
  if (is_ready<T>(array)) return py::reinterpret_borrow<Array<T>>(array);
  const ExitGuard guard;
  // The copy is aligned; astype alone may return misaligned memory.
  return py::module_::import("numpy")
      .attr("require")(array, py::dtype::of<T>(), py::make_tuple("C", "A"))
      .template cast<Array<T>>();
}

/// True for an array of floating-point numbers that are wider than T, so that some of them are beyond it.
template <class T>
bool is_wider(const py::array& array) {
  return array.dtype().kind() == 'f' && array.itemsize() > Index(sizeof(T));
}

/// Raises for the first finite number that a cast to float would make infinite.
inline void check_within_float(const double* numbers, Index count, const char* name) {
  if (kernels().all_within_float(numbers, count)) return;
  const double* const end = numbers + count;
  const double* const first =
      std::find_if(numbers, end, [](double x) { return std::isfinite(x) && std::isinf(float(x)); });
  if (first == end) return;
  throw py::value_error(std::string(name) + ": expected numbers that float32 can hold, got " +
                        text_of(py::float_(*first)));
}

/// An array of wider numbers as one of float; raises for a finite number that becomes infinite.
inline Array<float> narrowed(const py::array& array, const char* name) {
  if (is_ready<double>(array)) {
    constexpr Index part = 1024;  // in cache for the cast after the check
    Array<float> cast(shape_of(array));
    const double* const from = py::reinterpret_borrow<Array<double>>(array).data();
    for (Index i = 0; i < array.size(); i += part) {
      const Index count = std::min(part, array.size() - i);
      check_within_float(from + i, count, name);
      typed_kernels<float>().layers.cast(from + i, DType::f64, count, 1.0f, cast.mutable_data() + i);
    }
    return cast;
  }
  const ExitGuard guard;
  return py::module_::import("simdnn._utils.arrays").attr("narrowed")(name, array).cast<Array<float>>();
}

/// x as an aligned C-contiguous array of T: itself if it is one, else a converted copy of any real numbers. Raises for
/// a finite number that is beyond T = float.
template <class T>
Array<T> real_array(const py::handle& object, const char* name) {
  if (is_ready<T>(object)) return py::reinterpret_borrow<Array<T>>(object);
  const py::array array = host_array(object, name);
  if (is_ready<T>(array)) return py::reinterpret_borrow<Array<T>>(array);
  if (std::string("biuf").find(array.dtype().kind()) == std::string::npos) {
    throw py::type_error(std::string(name) + ": expected real numbers, got dtype " + text_of(array.dtype()));
  }
  if constexpr (std::is_same_v<T, float>) {
    if (is_wider<T>(array)) return narrowed(array, name);
  }
  return required<T>(array);
}

/// Text about memory that cannot be written to: the type of an object, or the dtype and the layout of an array.
inline std::string layout_text(const py::object& memory) {
  if (!py::isinstance<py::array>(memory)) return text_of(py::type::of(memory).attr("__name__"));
  const py::array array = py::reinterpret_borrow<py::array>(memory);
  const py::object flags = array.attr("flags");
  std::string text = text_of(array.dtype());
  if (is_masked(array)) text += ", masked";
  if (!flags.attr("writeable").cast<bool>()) text += ", read-only";
  if (!flags.attr("aligned").cast<bool>()) text += ", not aligned";
  if (!flags.attr("c_contiguous").cast<bool>()) text += ", not C-contiguous";
  return text;
}

/// The memory of the argument `name`, an array or another library's tensor, into which results are written.
template <class T>
Array<T> output_memory(const py::object& object, const char* name) {
  const bool tensor = !py::isinstance<py::array>(object) && py::hasattr(object, "__dlpack__");
  const py::object memory = tensor ? py::object(host_array(object, name)) : object;
  if (!is_ready<T>(memory) || !py::reinterpret_borrow<py::array>(memory).writeable()) {
    throw py::type_error(name +
                         (": expected a writeable, aligned, C-contiguous array of " + text_of(py::dtype::of<T>())) +
                         ", got " + layout_text(memory));
  }
  return py::reinterpret_borrow<Array<T>>(memory);
}

/// The dtype of the computation: float32 for half and single precision, float64 for all others, as NumPy promotes.
inline bool is_double(const py::array& array) {
  const py::dtype type = array.dtype();
  return type.kind() != 'f' || type.itemsize() > 4;
}

/// A copy of an array in memory that nobody else writes to.
template <class T>
Array<T> copied(const Array<T>& array) {
  Array<T> copy(shape_of(array));  // pybind11's copying constructor does not notice that memory has run out
  std::copy(array.data(), array.data() + array.size(), copy.mutable_data());
  return copy;
}

/// A reference to an array that others cannot resize: NumPy refuses it, even with refcheck=False, while there is a weak
/// reference to the array that owns the memory.
class PinnedArray {
 public:
  PinnedArray() = default;
  explicit PinnedArray(py::array array) : array_(std::move(array)) {
    for (py::object owner = array_; py::isinstance<py::array>(owner); owner = owner.attr("base")) {
      pins_.emplace_back(owner);
    }
  }

 private:
  py::object array_;
  std::vector<py::weakref> pins_;
};

/// Integers of 64 bits; raises for other kinds of numbers, and for a uint64 that they cannot hold.
template <class Integer>
Array<Integer> integer_array(const py::handle& object, const char* name, const char* wanted) {
  if (is_ready<Integer>(object)) return py::reinterpret_borrow<Array<Integer>>(object);
  const py::array array = host_array(object, name);
  const char kind = array.dtype().kind();
  if (kind != 'i' && kind != 'u') {
    throw py::type_error(std::string(name) + ": expected " + wanted + ", got dtype " + text_of(array.dtype()));
  }
  const Array<Integer> integers = required<Integer>(array);
  const Integer* const data = integers.data();
  for (Index i = 0; kind == 'u' && i < integers.size(); ++i) {
    if (data[i] >= 0) continue;
    throw py::index_error(std::string(name) + "[" + std::to_string(i) + "]: " + std::to_string(std::uint64_t(data[i])) +
                          " is out of range for int64");
  }
  return integers;
}

/// A two-dimensional array as a matrix [n, columns]; raises if it has another shape.
template <class T>
Matrix<const T> matrix_of(const Array<T>& x, const char* name, Index columns) {
  if (x.ndim() != 2 || x.shape(1) != columns) {
    throw py::value_error(std::string(name) + ": expected shape (n, " + std::to_string(columns) + "), got " +
                          shape_text(x));
  }
  return {x.data(), x.shape(0), columns, columns};
}

/// The numbers of samples in an array and of time steps per sample.
struct Extent {
  Index samples = 0, time_steps = 1;
};

/// The extent of an array of shape (n, features) or, for sequences, (n, time, features); raises for other shapes.
inline Extent extent_of(const py::array& x, const char* name, const Shape& wanted) {
  const Index axes = wanted.sequence ? 3 : 2;
  if (x.ndim() != axes || x.shape(axes - 1) != wanted.features || (wanted.sequence && x.shape(1) == 0)) {
    throw py::value_error(std::string(name) + ": expected shape (n, " + (wanted.sequence ? "time, " : "") +
                          std::to_string(wanted.features) + "), got " + shape_text(x));
  }
  return {x.shape(0), wanted.sequence ? x.shape(1) : 1};
}

/// A network's input: samples [n, time_steps * features], and their time steps.
template <class T>
struct Inputs {
  Matrix<const T> samples;
  Index time_steps = 1;
};

template <class T>
Inputs<T> inputs_of(const Array<T>& x, const char* name, const Shape& wanted) {
  const Extent extent = extent_of(x, name, wanted);
  const Index columns = extent.time_steps * wanted.features;
  return {{x.data(), extent.samples, columns, columns}, extent.time_steps};
}

/// Raises unless the network's first layers accept the rows of x, the argument `name`.
template <class T>
void check_rows(const LayerSpec& spec, const Matrix<const T>& samples, Index time_steps, const char* name = "x") {
  const Index columns = samples.columns / time_steps;
  const auto renamed = [&](const std::exception& error) { return name + std::string(error.what() + 1); };
  try {
    spec.check([&](Index i, Index j) { return double(samples.data[i * columns + j]); }, samples.rows * time_steps);
  } catch (const std::out_of_range& error) {
    throw std::out_of_range(renamed(error));
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(renamed(error));
  }
}

/// Lets layers that look up integers check the numbers of a type wider than T: a cast could round them to the integers
/// of other entries.
template <class T>
void check_before_cast(const LayerSpec& spec, const Shape& input, const py::array& array, const char* name) {
  if (!is_wider<T>(array) || array.ndim() == 0 || array.shape(array.ndim() - 1) != input.features) return;
  const Array<double> exact = real_array<double>(array, name);
  check_rows(spec, Matrix<const double>{exact.data(), exact.size() / input.features, input.features, input.features}, 1,
             name);
}

/// The input of a network as an array of T.
template <class T>
Array<T> input_array(const LayerSpec& spec, const Shape& input, const py::handle& object, const char* name = "x") {
  if (is_ready<T>(object)) return py::reinterpret_borrow<Array<T>>(object);
  const py::array array = host_array(object, name);
  check_before_cast<T>(spec, input, array, name);
  return real_array<T>(array, name);
}

/// The shape of a network's output for `samples` samples of `time_steps` time steps.
inline std::vector<Index> output_shape(const Shape& output, Index samples, Index time_steps) {
  if (output.sequence) return {samples, time_steps, output.features};
  return {samples, output.features};
}

/// Lets Ctrl-C end a long call: it runs pending signal handlers, and stops the call if one raises. The end of the
/// interpreter stops it too.
class SignalInterrupt final : public Interrupt {
 protected:
  bool requested() override {
    if (ends_with_interpreter()) return true;
    const py::gil_scoped_acquire gil;
    return PyErr_CheckSignals() != 0;
  }
};

/// Locks a mutex, which this thread does not hold.
inline std::unique_lock<OwnedMutex> locked(OwnedMutex& mutex) {
  std::unique_lock<OwnedMutex> lock(mutex, std::try_to_lock);
  if (!lock) {  // waiting for the mutex with the GIL could deadlock: its owner may need the GIL
    const WithoutGil release;
    lock.lock();
  }
  return lock;
}

/// Reads or writes state that a mutex protects. A signal handler in the middle of a native call of this thread, which
/// holds the mutex, sees the state between two pieces of work.
template <class Work>
decltype(auto) with_mutex(OwnedMutex& mutex, const Work& work) {
  std::unique_lock<OwnedMutex> lock;
  if (!mutex.is_mine()) lock = locked(mutex);
  return work();
}

/// Raises if this thread holds the mutex of a network already; other threads may then lock it for this one.
inline void check_free(OwnedMutex& mutex) {
  if (mutex.is_mine()) {
    throw std::runtime_error("model: in use by a call of this thread that a signal, a hook or a schedule interrupted");
  }
  mutex.renew_after_fork();
}

/// Locks the mutex of a network for a native call.
inline std::unique_lock<OwnedMutex> locked_for_call(OwnedMutex& mutex) {
  check_free(mutex);
  return locked(mutex);
}

/// A lock for Python, as a context manager, under which several reads or writes of protected state are one.
class StateLock {
 public:
  explicit StateLock(OwnedMutex& mutex) : mutex_(mutex) {}

  void enter() {
    if (!mutex_.is_mine()) lock_ = locked(mutex_);
  }
  void exit() {
    if (lock_) lock_.unlock();
  }

 private:
  OwnedMutex& mutex_;
  std::unique_lock<OwnedMutex> lock_;
};

/// Adds the method locked(), which returns a StateLock, to a class.
template <class Class, class MutexOf>
void define_lock(py::class_<Class>& type, MutexOf mutex_of) {
  type.def(
      "locked", [mutex_of](Class& self) { return std::make_unique<StateLock>(mutex_of(self)); },
      py::keep_alive<0, 1>());
}

/// Runs work(stop), without the GIL if it takes long; raises the exception that interrupted it.
template <class Work>
auto run_interruptible(Nanoseconds estimate, const Work& work) {
  if (estimate < kHoldLockBelow) return work(StopToken{});
  SignalInterrupt interrupt;
  std::optional<WithoutGil> release(std::in_place);
  auto result = work(StopToken{&interrupt});
  release.reset();
  if (interrupt.stopped()) throw_interruption();
  return result;
}

/// Runs work(stop) as run_interruptible() does, with the mutex of a network locked.
template <class Work>
auto run_native(OwnedMutex& mutex, Nanoseconds estimate, const Work& work) {
  const std::unique_lock<OwnedMutex> lock = locked_for_call(mutex);
  return run_interruptible(estimate, work);
}

/// Runs work(stop) with the mutexes of several networks locked, each once. All calls lock them in the order of their
/// addresses, so that none waits for another that waits for it.
template <class Work>
auto run_native(std::vector<OwnedMutex*> mutexes, Nanoseconds estimate, const Work& work) {
  std::sort(mutexes.begin(), mutexes.end(), std::less<>());
  mutexes.erase(std::unique(mutexes.begin(), mutexes.end()), mutexes.end());
  std::vector<std::unique_lock<OwnedMutex>> locks;
  for (OwnedMutex* const mutex : mutexes) locks.push_back(locked_for_call(*mutex));
  return run_interruptible(estimate, work);
}

}  // namespace simdnn
