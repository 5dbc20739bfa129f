// Elementwise walks: from an operation to a NumPy inner loop over any strides.
#pragma once

#include "../math/half.hpp"
#include "../math/level.hpp"
#include "../ops/activations.hpp"
#include "../ops/spans.hpp"

SIMDNN_LEVEL_BEGIN

/// Op::value with its parameters spread from an array.
template <class Op, class T>
SIMDNN_INLINE T value_of(T x, [[maybe_unused]] const T* p) {
  constexpr int count = Op::about.parameter_count();
  if constexpr (count == 0) return Op::value(x);
  if constexpr (count == 1) return Op::value(x, p[0]);
  if constexpr (count == 2) return Op::value(x, p[0], p[1]);
}

template <class Op, class T>
SIMDNN_INLINE T derivative_of(T x, [[maybe_unused]] const T* p) {
  constexpr int count = Op::about.parameter_count();
  if constexpr (count == 0) return Op::derivative(x);
  if constexpr (count == 1) return Op::derivative(x, p[0]);
  if constexpr (count == 2) return Op::derivative(x, p[0], p[1]);
}

// The three elementwise functions of an activation, over inputs (streams..., parameters...).
template <class Op>
struct Value {
  static constexpr int streams = 1, inputs = 1 + Op::about.parameter_count();
  template <class T>
  SIMDNN_INLINE static T apply(const T* in) {
    return value_of<Op>(in[0], in + 1);
  }
};

template <class Op>
struct Derivative {
  static constexpr int streams = 1, inputs = 1 + Op::about.parameter_count();
  template <class T>
  SIMDNN_INLINE static T apply(const T* in) {
    return derivative_of<Op>(in[0], in + 1);
  }
};

template <class Op>
struct Backward {
  static constexpr int streams = 2, inputs = 2 + Op::about.parameter_count();
  template <class T>
  SIMDNN_INLINE static T apply(const T* in) {
    return in[0] * derivative_of<Op>(in[1], in + 2);
  }
};

/// What an element is computed in: half precision in single.
template <class S>
struct Compute {
  using type = S;
};
template <>
struct Compute<Half> {
  using type = float;
};

SIMDNN_INLINE float load(float x) { return x; }
SIMDNN_INLINE double load(double x) { return x; }
SIMDNN_INLINE float load(Half x) { return to_float(x); }
SIMDNN_INLINE void store(float* to, float x) { *to = x; }
SIMDNN_INLINE void store(double* to, double x) { *to = x; }
SIMDNN_INLINE void store(Half* to, float x) { *to = to_half(x); }

/// to[0..count) = the strided elements at `from`.
template <class S, class T>
SIMDNN_INLINE void gather(const char* from, Index step, Index count, T* to) {
  if (step == Index(sizeof(S))) {
    const S* x = reinterpret_cast<const S*>(from);
    SIMDNN_VECTORIZE
    for (Index i = 0; i < count; ++i) to[i] = load(x[i]);
  } else {
    for (Index i = 0; i < count; ++i) to[i] = load(*reinterpret_cast<const S*>(from + i * step));
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

/// Elements [begin, n) through small contiguous blocks: any stride, and the remainder of the fast walk.
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

/// Contiguous streams and constant parameters: whole lanes only; returns how many elements are done.
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

template <class F, class S>
void map(char* const* args, const Index* dims, const Index* steps) {
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

// Tiles of a matrix whose columns are whole lanes: the finishing touch of a product while it is in cache.

/// The parameters of an activation, in registers for the length of a tile.
template <class Op, class T>
struct Fixed {
  T value[kMaxParameters] = {};
  SIMDNN_INLINE explicit Fixed(const T* parameters) {
    for (int k = 0; k < Op::about.parameter_count(); ++k) value[k] = parameters[k];
  }
};

template <class Op, class T>
void infer_tile(T* c, T*, Index stride, Index rows, Index columns, const T* parameters) {
  const Fixed<Op, T> fixed(parameters);
  for (Index i = 0; i < rows; ++i, c += stride) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) c[j] = value_of<Op>(c[j], fixed.value);
  }
}

template <class Op, class T>
void train_tile(T* c, T* beside, Index stride, Index rows, Index columns, const T* parameters) {
  if constexpr (Op::about.reads == Reads::output) {
    infer_tile<Op>(c, beside, stride, rows, columns, parameters);
  } else {
    const Fixed<Op, T> fixed(parameters);
    for (Index i = 0; i < rows; ++i, c += stride, beside += stride) {
      SIMDNN_VECTORIZE
      for (Index j = 0; j < columns; ++j) {
        const T x = c[j];
        c[j] = value_of<Op>(x, fixed.value);
        beside[j] = derivative_of<Op>(x, fixed.value);
      }
    }
  }
}

template <class Op, class T>
void backward_tile(T* c, T* beside, Index stride, Index rows, Index columns, const T*) {
  for (Index i = 0; i < rows; ++i, c += stride, beside += stride) {
    SIMDNN_VECTORIZE
    for (Index j = 0; j < columns; ++j) {
      if constexpr (Op::about.reads == Reads::output) {
        c[j] *= Op::derivative_from_output(beside[j]);
      } else {
        c[j] *= beside[j];
      }
    }
  }
}

SIMDNN_LEVEL_END
