// NumPy inner loops of elementwise operations, for any strides.
#pragma once

#include "../base/views.hpp"
#include "../math/half.hpp"
#include "../ops/activations.hpp"
#include "../simd/level.hpp"

SIMDNN_LEVEL_BEGIN

/// Calls f(x, parameters...) with the parameters from an array.
template <class Op, class T, class F>
SIMDNN_INLINE T with_parameters(const F& f, T x, [[maybe_unused]] const T* p) {
  constexpr int count = Op::info.parameter_count();
  if constexpr (count == 0) return f(x);
  if constexpr (count == 1) return f(x, p[0]);
  if constexpr (count == 2) return f(x, p[0], p[1]);
}

template <class Op, class T>
SIMDNN_INLINE T value_of(T x, const T* p) {
  return with_parameters<Op>([](auto... v) SIMDNN_LAMBDA_INLINE { return Op::value(v...); }, x, p);
}

template <class Op, class T>
SIMDNN_INLINE T derivative_of(T x, const T* p) {
  return with_parameters<Op>([](auto... v) SIMDNN_LAMBDA_INLINE { return Op::derivative(v...); }, x, p);
}

/// f'(x) for a backward pass, where a tiny one counts as 0: it need not be right, nor slow to compute as a subnormal
/// one.
template <class Op, class T>
SIMDNN_INLINE T kept_derivative_of(T x, const T* p) {
  if constexpr (requires { Op::template kept_derivative<T>; }) {
    return Op::kept_derivative(x);
  } else {
    return derivative_of<Op>(x, p);
  }
}

template <class Op, class T>
SIMDNN_INLINE T derivative_from_output_of(T y, const T* p) {
  return with_parameters<Op>([](auto... v) SIMDNN_LAMBDA_INLINE { return Op::derivative_from_output(v...); }, y, p);
}

/// True if the operation defines d f / d parameter, so that the parameter can be trained.
template <class Op>
constexpr bool has_parameter_derivative = requires { Op::template parameter_derivative<float>; };

/// f(x). Like the functions below, it is applied to its inputs: `streams` array elements, then the parameters.
template <class Op>
struct Value {
  static constexpr int streams = 1, inputs = 1 + Op::info.parameter_count();
  template <class T>
  SIMDNN_INLINE static T apply(const T* in) {
    return value_of<Op>(in[0], in + 1);
  }
};

/// f'(x).
template <class Op>
struct Derivative {
  static constexpr int streams = 1, inputs = 1 + Op::info.parameter_count();
  template <class T>
  SIMDNN_INLINE static T apply(const T* in) {
    return derivative_of<Op>(in[0], in + 1);
  }
};

/// dy f'(x), with inputs (dy, x, parameters...).
template <class Op>
struct Backward {
  static constexpr int streams = 2, inputs = 2 + Op::info.parameter_count();
  template <class T>
  SIMDNN_INLINE static T apply(const T* in) {
    return in[0] * derivative_of<Op>(in[1], in + 2);
  }
};

/// dy df / d parameter, with inputs (dy, x, parameters...), for the first parameter.
template <class Op>
struct ParameterBackward {
  static constexpr int streams = 2, inputs = 2 + Op::info.parameter_count();
  template <class T>
  SIMDNN_INLINE static T apply(const T* in) {
    return in[0] * with_parameters<Op>([](auto... v) SIMDNN_LAMBDA_INLINE { return Op::parameter_derivative(v...); },
                                       in[1], in + 2);
  }
};

/// Type in which an element is computed: double for half precision, so that the result is rounded correctly.
template <class S>
struct Compute {
  using type = S;
};
template <>
struct Compute<Half> {
  using type = double;
};

template <class T>
SIMDNN_INLINE T load(T x) {
  return x;
}
template <class T>
SIMDNN_INLINE T load(Half x) {
  return from_half<T>(x);
}
template <class T>
SIMDNN_INLINE void store(T* to, T x) {
  *to = x;
}
template <class T>
SIMDNN_INLINE void store(Half* to, T x) {
  *to = to_half(x);
}

/// to[0..count) = the strided elements at `from`.
template <class S, class T>
SIMDNN_INLINE void gather(const char* from, Index step, Index count, T* to) {
  if (step == Index(sizeof(S))) {
    const S* x = reinterpret_cast<const S*>(from);
    SIMDNN_VECTORIZE
    for (Index i = 0; i < count; ++i) to[i] = load<T>(x[i]);
  } else {
    for (Index i = 0; i < count; ++i) to[i] = load<T>(*reinterpret_cast<const S*>(from + i * step));
  }
}

template <class S, class T>
SIMDNN_INLINE void scatter(const T* from, Index count, char* to, Index step) {
  if (step == Index(sizeof(S))) {
    S* y = reinterpret_cast<S*>(to);
    SIMDNN_VECTORIZE
    for (Index i = 0; i < count; ++i) store(y + i, from[i]);
  } else {
    for (Index i = 0; i < count; ++i) store(reinterpret_cast<S*>(to + i * step), from[i]);
  }
}

/// Computes elements [begin, n) through small contiguous blocks: for any stride, and for the tail of the contiguous
/// loop.
template <class F, class S>
void map_blocks(char* const* args, const Index* steps, Index begin, Index n) {
  using T = typename Compute<S>::type;
  constexpr Index block = 8 * kLanes;
  alignas(64) T in[F::inputs][block];
  alignas(64) T out[block];
  for (Index i = begin; i < n; i += block) {
    const Index count = n - i < block ? n - i : block;
    const Index whole = (count + kLanes - 1) / kLanes * kLanes;
    for (int k = 0; k < F::inputs; ++k) {
      gather<S>(args[k] + i * steps[k], steps[k], count, in[k]);
      for (Index j = count; j < whole; ++j) in[k][j] = T(0);
    }
    SIMDNN_VECTORIZE
    for (Index j = 0; j < whole; ++j) {
      T element[F::inputs];
      for (int k = 0; k < F::inputs; ++k) element[k] = in[k][j];
      out[j] = F::apply(element);
    }
    scatter<S>(out, count, args[F::inputs] + i * steps[F::inputs], steps[F::inputs]);
  }
}

/// Computes whole blocks of lanes of contiguous arrays with constant parameters; returns the number of elements done.
template <class F, class T>
Index map_contiguous(char* const* args, Index n) {
  T fixed[F::inputs];
  for (int k = F::streams; k < F::inputs; ++k) fixed[k] = *reinterpret_cast<const T*>(args[k]);
  const T* first = reinterpret_cast<const T*>(args[0]);
  const T* second = reinterpret_cast<const T*>(args[F::streams - 1]);
  T* out = reinterpret_cast<T*>(args[F::inputs]);
  const Index whole = n / kLanes * kLanes;
  SIMDNN_VECTORIZE
  for (Index i = 0; i < whole; ++i) {
    T element[F::inputs];
    element[0] = first[i];
    if constexpr (F::streams == 2) element[1] = second[i];
    for (int k = F::streams; k < F::inputs; ++k) element[k] = fixed[k];
    out[i] = F::apply(element);
  }
  return whole;
}

/// Computes a single element without a block, because overhead dominates the time of a call on a scalar.
template <class F, class S>
void map_one(char* const* args) {
  using T = typename Compute<S>::type;
  T element[F::inputs];
  for (int k = 0; k < F::inputs; ++k) element[k] = load<T>(*reinterpret_cast<const S*>(args[k]));
  store(reinterpret_cast<S*>(args[F::inputs]), F::apply(element));
}

/// NumPy inner loop of the function F on elements of type S.
template <class F, class S>
void map(char* const* args, const Index* dims, const Index* steps) {
  if (dims[0] == 1) return map_one<F, S>(args);
  Index done = 0;
  if constexpr (sizeof(S) == sizeof(typename Compute<S>::type)) {
    bool contiguous = steps[F::inputs] == Index(sizeof(S));
    for (int k = 0; k < F::inputs; ++k) {
      contiguous = contiguous && steps[k] == (k < F::streams ? Index(sizeof(S)) : 0);
    }
    if (contiguous) done = map_contiguous<F, S>(args, dims[0]);
  }
  if (done < dims[0]) map_blocks<F, S>(args, steps, done, dims[0]);
}

SIMDNN_LEVEL_END
