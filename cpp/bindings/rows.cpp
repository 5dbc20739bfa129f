// Inner loops of the gufuncs over rows, for any strides and half precision.
#include "rows.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <type_traits>

#include "../dispatch.hpp"
#include "../threads/parallel.hpp"
#include "inner_loop.hpp"

namespace simdnn {
namespace {

struct Half;  // tag of half-precision elements, which are computed in single precision

template <class S>
using ComputeOf = std::conditional_t<std::is_same_v<S, double>, double, float>;
template <class S>
constexpr Index kBytes = sizeof(ComputeOf<S>);
template <>
constexpr Index kBytes<Half> = 2;

/// Copies n numbers, which are `step` bytes apart, to contiguous ones; scatter() copies back.
template <class S>
void gather(const char* from, Index step, Index n, ComputeOf<S>* to) {
  if constexpr (std::is_same_v<S, Half>) {
    char* args[] = {const_cast<char*>(from), reinterpret_cast<char*>(to)};
    const Index steps[] = {step, sizeof(float)};
    kernels().f16_to_f32(args, &n, steps);
  } else {
    for (Index i = 0; i < n; ++i) std::memcpy(to + i, from + i * step, sizeof(S));
  }
}

template <class S>
void scatter(const ComputeOf<S>* from, Index n, char* to, Index step) {
  if constexpr (std::is_same_v<S, Half>) {
    char* args[] = {reinterpret_cast<char*>(const_cast<float*>(from)), to};
    const Index steps[] = {sizeof(float), step};
    kernels().f32_to_f16(args, &n, steps);
  } else {
    for (Index i = 0; i < n; ++i) std::memcpy(to + i * step, from + i, sizeof(S));
  }
}

/// A view of a matrix [rows, width] in NumPy's memory, with strides in bytes.
struct Strided {
  char* data;
  Index row, step;  ///< bytes between rows, and between the elements of a row
  Index width;

  /// True if a kernel can read the rows in place.
  template <class S>
  bool plain() const {
    return !std::is_same_v<S, Half> && (step == kBytes<S> || width < 2) && row % kBytes<S> == 0;
  }
  char* at(Index i) const { return data + i * row; }
};

/// Memory for contiguous copies of rows: as many rows as are computed together, on the stack where they are short.
template <class T>
class RowCopies {
 public:
  /// Room for at most `rows` rows of `width` numbers, and for the rows of a second matrix.
  RowCopies(Index rows, Index width, Index second_width)
      : rows_(std::min(rows, std::clamp(kOnStack / std::max<Index>(width, 1), Index(1), kTogether))),
        width_(width),
        second_width_(second_width) {
    const Index size = rows_ * (width + second_width);
    if (size > Index(std::size(stack_))) heap_.reset(new T[std::size_t(size)]);
  }
  Index rows() const { return rows_; }
  Matrix<T> first(Index count) { return {data(), count, width_, width_}; }
  Matrix<T> second(Index count) { return {data() + rows_ * width_, count, second_width_, second_width_}; }

 private:
  static constexpr Index kOnStack = 1024, kTogether = 16;  ///< kernels transpose sixteen rows of up to 64 numbers

  T* data() { return heap_ ? heap_.get() : stack_; }

  Index rows_, width_, second_width_;
  T stack_[2 * kOnStack];
  std::unique_ptr<T[]> heap_;
};

/// Computes rows [begin, end): in place if the kernel can read all arrays, else a few at a time through copies. The
/// results overwrite the copies of x.
template <class S>
void run(SoftmaxFunction<ComputeOf<S>> function, const Strided& x, const Strided* dy, const Strided& out,
         double temperature, Index begin, Index end) {
  using T = ComputeOf<S>;
  const auto view = [&](const Strided& m) -> Matrix<T> {
    return {reinterpret_cast<T*>(m.at(begin)), end - begin, m.width, m.row / kBytes<S>};
  };
  // NumPy separates arrays that overlap, except where one is the other; kernels read dy after they have written to out.
  const bool readable = dy == nullptr || (dy->plain<S>() && dy->data != out.data);
  if (x.plain<S>() && out.plain<S>() && readable) {
    return function({.x = view(x), .dy = dy ? view(*dy) : Matrix<T>{}, .out = view(out), .temperature = temperature});
  }
  RowCopies<T> copies(end - begin, x.width, dy ? dy->width : 0);
  for (Index first = begin; first < end; first += copies.rows()) {
    const Index rows = std::min(end - first, copies.rows());
    const Matrix<T> x_rows = copies.first(rows), dy_rows = dy ? copies.second(rows) : Matrix<T>{};
    for (Index i = 0; i < rows; ++i) {
      gather<S>(x.at(first + i), x.step, x.width, x_rows.row(i));
      if (dy) gather<S>(dy->at(first + i), dy->step, dy->width, dy_rows.row(i));
    }
    const Matrix<T> out_rows{x_rows.data, rows, out.width, x_rows.stride};
    function({.x = x_rows, .dy = dy_rows, .out = out_rows, .temperature = temperature});
    for (Index i = 0; i < rows; ++i) scatter<S>(out_rows.row(i), out.width, out.at(first + i), out.step);
  }
}

template <class S>
double number(const char* at) {
  ComputeOf<S> value;
  gather<S>(at, 0, 1, &value);
  return double(value);
}

/// Arguments of a loop: [dy,] x [, temperature] -> out. A reduction has one number per row in out, or in dy.
enum class Form { map, reduction, map_backward, reduction_backward };

/// NumPy inner loop. Its steps are those of the operands, followed by those of their core dimensions.
template <class S, Form form, bool has_temperature, auto Member>
void loop(char** args, const Index* dims, const Index* steps, void*) {
  constexpr bool backward = form == Form::map_backward || form == Form::reduction_backward;
  constexpr int inputs = 1 + backward + has_temperature;
  const Index count = dims[0], n = dims[1];
  if (n == 0 && form != Form::reduction) return;
  const Index* core = steps + inputs + 1;
  Strided dy{args[0], steps[0], 0, 1}, x{}, out{args[inputs], steps[inputs], 0, 1};
  if (form == Form::map_backward) dy.step = *core++, dy.width = n;
  x = {args[int(backward)], steps[int(backward)], *core++, n};
  if (form != Form::reduction) out.step = *core++, out.width = n;
  const auto function = typed_kernels<ComputeOf<S>>().*Member;
  const char* const temperature = has_temperature ? args[inputs - 1] : nullptr;
  const Index temperature_step = has_temperature ? steps[inputs - 1] : 0;
  inner_loop([&] {
    parallel_for(count, 16, kSoftmaxElement * double(count) * double(n), [&](Index begin, Index end) {
      const Strided* const slope = backward ? &dy : nullptr;
      if (temperature_step == 0) {
        return run<S>(function, x, slope, out, has_temperature ? number<S>(temperature) : 1.0, begin, end);
      }
      for (Index i = begin; i < end; ++i) {
        run<S>(function, x, slope, out, number<S>(temperature + i * temperature_step), i, i + 1);
      }
    });
  });
}

template <Form form, bool has_temperature, auto Single, auto Real>
RowUfunc row_ufunc(const char* name, const char* signature) {
  constexpr int inputs = 1 + (form == Form::map_backward || form == Form::reduction_backward) + has_temperature;
  return {name,
          signature,
          inputs,
          {loop<Half, form, has_temperature, Single>, loop<float, form, has_temperature, Single>,
           loop<double, form, has_temperature, Real>}};
}

}  // namespace

std::vector<RowUfunc> row_ufuncs() {
  std::vector<RowUfunc> all;
#define SIMDNN_ROW(name, function, form, warm, signature) \
  all.push_back(                                          \
      row_ufunc<form, warm, &TypedKernels<float>::function, &TypedKernels<double>::function>(name, signature));
#define SIMDNN_ROWS(function, form, cold, warm)                 \
  SIMDNN_ROW(#function "_default", function, form, false, cold) \
  SIMDNN_ROW(#function, function, form, true, warm)
  SIMDNN_ROWS(softmax, Form::map, "(n)->(n)", "(n),()->(n)")
  SIMDNN_ROWS(log_softmax, Form::map, "(n)->(n)", "(n),()->(n)")
  SIMDNN_ROWS(logsumexp, Form::reduction, "(n)->()", "(n),()->()")
  SIMDNN_ROWS(softmax_backward, Form::map_backward, "(n),(n)->(n)", "(n),(n),()->(n)")
  SIMDNN_ROWS(log_softmax_backward, Form::map_backward, "(n),(n)->(n)", "(n),(n),()->(n)")
  SIMDNN_ROWS(logsumexp_backward, Form::reduction_backward, "(),(n)->(n)", "(),(n),()->(n)")
  SIMDNN_ROW("entropy", entropy, Form::reduction, false, "(n)->()")
  SIMDNN_ROW("entropy_backward", entropy_backward, Form::reduction_backward, false, "(),(n)->(n)")
#undef SIMDNN_ROWS
#undef SIMDNN_ROW
  return all;
}

}  // namespace simdnn
