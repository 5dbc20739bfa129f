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
SIMDNN_NOINLINE void gather(const char* from, Index step, Index count, T* to) {
  if (step == Index(sizeof(S))) {
    const S* x = reinterpret_cast<const S*>(from);
    SIMDNN_VECTORIZE
    for (Index i = 0; i < count; ++i) to[i] = load<T>(x[i]);
  } else {
    const auto at = [&](Index i) SIMDNN_LAMBDA_INLINE { return *reinterpret_cast<const S*>(from + i * step); };
    Index i = 0;
    for (; i + 4 <= count; i += 4) {  // four at a time, which GCC does not do itself
      const T four[] = {load<T>(at(i)), load<T>(at(i + 1)), load<T>(at(i + 2)), load<T>(at(i + 3))};
      __builtin_memcpy(to + i, four, sizeof four);
    }
    for (; i < count; ++i) to[i] = load<T>(at(i));
  }
}

template <class S, class T>
SIMDNN_NOINLINE void scatter(const T* from, Index count, char* to, Index step) {
  if (step == Index(sizeof(S))) {
    S* y = reinterpret_cast<S*>(to);
    SIMDNN_VECTORIZE
    for (Index i = 0; i < count; ++i) store(y + i, from[i]);
  } else {
    for (Index i = 0; i < count; ++i) store(reinterpret_cast<S*>(to + i * step), from[i]);
  }
}

/// Most inputs of a function.
constexpr int kMaxInputs = 2 + kMaxParameters;
/// Elements of a block between strided arrays and the arithmetic.
constexpr Index kMapBlock = 8 * kLanes;
/// Number of elements in a step of the arithmetic: whole vectors, or single elements where fma is a call for each.
constexpr Index kMapStep = kEmulatedFma ? 1 : kLanes;

/// out = F(first, second, parameters...) of contiguous arrays, whose length n is a multiple of kMapStep. It is the one
/// loop of a function and a precision: strides, half precision and tails pass through its blocks.
template <class F, class T>
SIMDNN_NOINLINE void map_contiguous(const T* first, [[maybe_unused]] const T* second, const T* parameters, T* out,
                                    Index n) {
  const Index whole = n / kMapStep * kMapStep;
  T fixed[F::inputs];
  for (int k = F::streams; k < F::inputs; ++k) fixed[k] = parameters[k - F::streams];
  SIMDNN_VECTORIZE
  for (Index i = 0; i < whole; ++i) {
    T element[F::inputs];
    element[0] = first[i];
    if constexpr (F::streams == 2) element[1] = second[i];
    for (int k = F::streams; k < F::inputs; ++k) element[k] = fixed[k];
    out[i] = F::apply(element);
  }
}

/// Variant of map_contiguous() in which each element has its own parameters.
template <class F, class T>
SIMDNN_NOINLINE void map_varying(const T (*in)[kMapBlock], T* out, Index n) {
  const Index whole = n / kMapStep * kMapStep;
  SIMDNN_VECTORIZE
  for (Index i = 0; i < whole; ++i) {
    T element[F::inputs];
    for (int k = 0; k < F::inputs; ++k) element[k] = in[k][i];
    out[i] = F::apply(element);
  }
}

/// The loops of one function in precision T.
template <class T>
struct MapLoops {
  int streams, inputs;
  void (*contiguous)(const T* first, const T* second, const T* parameters, T* out, Index n);
  void (*varying)(const T (*in)[kMapBlock], T* out, Index n);  ///< nullptr for a function without parameters
};

template <class F, class T>
constexpr MapLoops<T> map_loops() {
  if constexpr (F::inputs > F::streams) {
    return {F::streams, F::inputs, map_contiguous<F, T>, map_varying<F, T>};
  } else {
    return {F::streams, F::inputs, map_contiguous<F, T>, nullptr};
  }
}

/// Computes elements [begin, n) through contiguous blocks. `in` holds the parameters, if they are the same for all
/// elements. A block is filled up with its last element.
template <class S, class T>
void map_blocks(const MapLoops<T>& loops, bool varying, T (*in)[kMapBlock], char* const* args, const Index* steps,
                Index begin, Index n) {
  alignas(64) T out[kMapBlock];
  const int moving = varying ? loops.inputs : loops.streams;
  for (Index i = begin; i < n; i += kMapBlock) {
    const Index count = n - i < kMapBlock ? n - i : kMapBlock;
    const Index whole = (count + kMapStep - 1) / kMapStep * kMapStep;
    for (int k = 0; k < moving; ++k) {
      gather<S>(args[k] + i * steps[k], steps[k], count, in[k]);
      for (Index j = count; j < whole; ++j) in[k][j] = in[k][count - 1];
    }
    if (varying) {
      loops.varying(in, out, whole);
    } else {
      loops.contiguous(in[0], in[loops.streams - 1], in[kMaxInputs], out, whole);
    }
    scatter<S>(out, count, args[loops.inputs] + i * steps[loops.inputs], steps[loops.inputs]);
  }
}

/// Computes a single element in all lanes of a vector, because overhead dominates the time of a call on a scalar.
template <class S, class T>
SIMDNN_INLINE void map_one(const MapLoops<T>& loops, char* const* args) {
  alignas(64) T in[2][kMapStep], out[kMapStep];
  T parameters[kMaxParameters];
  for (int k = 0; k < loops.streams; ++k) {
    const T x = load<T>(*reinterpret_cast<const S*>(args[k]));
    for (Index j = 0; j < kMapStep; ++j) in[k][j] = x;
  }
  for (int k = loops.streams; k < loops.inputs; ++k) {
    parameters[k - loops.streams] = load<T>(*reinterpret_cast<const S*>(args[k]));
  }
  loops.contiguous(in[0], in[loops.streams - 1], parameters, out, kMapStep);
  store(reinterpret_cast<S*>(args[loops.inputs]), out[0]);
}

/// NumPy inner loop of any function on elements of type S, which it computes in precision T.
template <class S, class T>
SIMDNN_NOINLINE void map_any(const MapLoops<T>& loops, char* const* args, const Index* dims, const Index* steps) {
  if (dims[0] == 1) return map_one<S>(loops, args);
  const int streams = loops.streams, inputs = loops.inputs;
  constexpr bool direct = sizeof(S) == sizeof(T);
  bool contiguous = direct && steps[inputs] == Index(sizeof(S)), varying = false;
  for (int k = 0; k < streams; ++k) contiguous = contiguous && steps[k] == Index(sizeof(S));
  for (int k = streams; k < inputs; ++k) varying = varying || steps[k] != 0;
  alignas(64) T in[kMaxInputs + 1][kMapBlock];  // the last row holds the parameters
  if (!varying && dims[0] > 0) {
    for (int k = streams; k < inputs; ++k) gather<S>(args[k], 0, 1, &in[kMaxInputs][k - streams]);
  }
  Index done = 0;
  if constexpr (direct) {
    if (contiguous && !varying) {
      done = dims[0] / kMapStep * kMapStep;
      loops.contiguous(reinterpret_cast<const T*>(args[0]), reinterpret_cast<const T*>(args[streams - 1]),
                       in[kMaxInputs], reinterpret_cast<T*>(args[inputs]), done);
    }
  }
  if (done < dims[0]) map_blocks<S>(loops, varying, in, args, steps, done, dims[0]);
}

/// NumPy inner loop of the function F on elements of type S.
template <class F, class S>
void map(char* const* args, const Index* dims, const Index* steps) {
  using T = typename Compute<S>::type;
  static constexpr MapLoops<T> loops = map_loops<F, T>();
  map_any<S>(loops, args, dims, steps);
}

SIMDNN_LEVEL_END
