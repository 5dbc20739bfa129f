// A linear layer whose inputs are positions of numbers among bins, for the piecewise-linear codes of Gorishniy et al.
// 2022, On Embeddings for Numerical Features in Tabular Deep Learning, arXiv:2203.05556, section 3.2.
//
// A position t stands for the codes clip(t - b, 0, 1) of the bins b. They are 1 below the bin of t and 0 above it, so
// their product with weights is the sum of the weights below the bin, plus a fraction of the weight of the bin. The
// rows of a bin are visited together, one bin after the other, while such a sum stays in registers: every output is one
// chain over the numbers, every sum of weights one over the bins, and every gradient one over bins and rows.
#pragma once

#include "../simd/lanes.hpp"
#include "tiles.hpp"

SIMDNN_LEVEL_BEGIN

/// Vectors of outputs in a panel: the sums and the operands of so many fit in registers.
constexpr int kPanelVectors = kRegisters / 4;

/// The bin of a position; NaN is in the first one. `last` is the index of the last bin.
template <class T>
SIMDNN_INLINE std::int32_t bin_of(T t, T last) {
  const T positive = t >= 1 ? t : T(0);
  return std::int32_t(positive < last ? positive : last);
}

/// The code of a position's bin, clip(t - bin, 0, 1).
template <class T>
SIMDNN_INLINE T code_of(T t, std::int32_t bin) {
  const T rest = t - T(bin), most = rest > 1 ? T(1) : rest;
  return rest < 0 ? T(0) : most;
}

/// The rows of each bin of one number, in their order, as linked lists. Rows whose codes are all 0 are in none: they
/// add nothing to a product or a gradient, and many numbers are at their minimum in most rows.
template <class T>
struct RowsOfBins {
  using Row = std::uint16_t;
  static constexpr Row kEnd = 0xffff;
  static_assert(kCodedRows < Index(kEnd));

  Row first[kMaxBins + 1];  ///< the first row of each bin, or kEnd; then the first row without codes
  Row next[kCodedRows];
  T fraction[kCodedRows];  ///< the code of the row's bin
  Index used;              ///< bins up to the last one that has rows

  /// Distributes positions.
  SIMDNN_NOINLINE void fill(const T* t, Index rows, Index bins) {
    std::int32_t bin[kCodedRows];
    const T last = T(bins - 1);
    SIMDNN_VECTORIZE
    for (Index i = 0; i < rows; ++i) bin[i] = bin_of(t[i], last);
    SIMDNN_VECTORIZE
    for (Index i = 0; i < rows; ++i) fraction[i] = code_of(t[i], bin[i]);
    const auto none = std::int32_t(bins);
    SIMDNN_VECTORIZE
    for (Index i = 0; i < rows; ++i) bin[i] = (bin[i] == 0) & (fraction[i] == 0) ? none : bin[i];
    for (Index b = 0; b <= bins; ++b) first[b] = kEnd;
    for (Index i = rows; i-- > 0;) {
      next[i] = first[bin[i]];
      first[bin[i]] = Row(i);
    }
    for (used = bins; used > 0 && first[used - 1] == kEnd;) --used;
  }
};

/// Calls body(e, rows) with the rows of the bins of each number e, for positions of at most kCodedRows rows, of which a
/// few columns are transposed at a time.
template <class T, class Body>
SIMDNN_INLINE void for_numbers(const Matrix<const T>& positions, Index bins, const Body& body) {
  constexpr Index together = 8;
  alignas(64) T t[together * kCodedRows];
  RowsOfBins<T> rows;
  for (Index first = 0; first < positions.columns; first += together) {
    const Index count = least(together, positions.columns - first);
    transpose(positions.data + first, positions.stride, positions.rows, count, t, kCodedRows);
    for (Index e = 0; e < count; ++e) {
      rows.fill(t + e * kCodedRows, positions.rows, bins);
      body(first + e, rows);
    }
  }
}

/// Calls body<V>() for V = vectors, at most kPanelVectors.
template <int V = kPanelVectors, class Body>
SIMDNN_INLINE void with_vectors(Index vectors, const Body& body) {
  if constexpr (V > 1) {
    if (vectors < V) return with_vectors<V - 1>(vectors, body);
  }
  body.template operator()<V>();
}

/// Calls body<V>(column, last) for panels of V vectors, of whose last one `last` lanes are columns.
template <class T, class Body>
SIMDNN_INLINE void for_panels(Index columns, const Body& body) {
  constexpr Index width = kWidth<T>;
  const Index vectors = parts_of(columns, width), panels = parts_of(vectors, kPanelVectors);
  for (Index p = 0; p < panels; ++p) {
    const Index first = p * vectors / panels, beyond = (p + 1) * vectors / panels;
    const int last = int(least(width, columns - (beyond - 1) * width));
    with_vectors(beyond - first,
                 [&]<int V>() SIMDNN_LAMBDA_INLINE { body.template operator()<V>(first * width, last); });
  }
}

/// y [rows, V vectors] += the codes of one number times its weights [bins, V vectors].
template <class T, int V>
SIMDNN_NOINLINE void add_codes(const RowsOfBins<T>& rows, const T* weight, Index weight_stride, T* y, Index y_stride) {
  constexpr int width = kWidth<T>;
  Vector<T> below[V] = {};
  for (Index b = 0; b < rows.used; ++b, weight += weight_stride) {
    Vector<T> own[V];
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) own[v] = load_vector(weight + v * width);
    for (Index i = rows.first[b]; i != rows.kEnd; i = rows.next[i]) {
      const Vector<T> fraction = broadcast(rows.fraction[i]);
      T* const row = y + i * y_stride;
      SIMDNN_UNROLL
      for (int v = 0; v < V; ++v) {
        const Vector<T> sum = fma(fraction, own[v], below[v]);
        store_vector(load_vector(row + v * width) + sum, row + v * width);
      }
    }
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) below[v] += own[v];
  }
}

/// y [rows, outputs] = bias + the codes of all numbers times their weights, with the numbers in order. The rows are
/// taken in blocks that stay in the caches.
template <class T>
void piecewise_forward(const CodedRows<T>& c) {
  constexpr Index most = kCodedRows / 4;
  const Index columns = c.weight.columns;
  const std::size_t bytes = std::size_t(padded(columns)) * sizeof(T);
  for (Index first = 0; first < c.y.rows; first += most) {
    const Index count = least(most, c.y.rows - first);
    for (Index i = first; i < first + count; ++i) {
      if (c.bias) __builtin_memcpy(c.y.row(i), c.bias, bytes);
      if (!c.bias) __builtin_memset(c.y.row(i), 0, bytes);
    }
    for_numbers(c.positions.row_range(first, count), c.bins, [&](Index e, const RowsOfBins<T>& rows) {
      for_panels<T>(columns, [&]<int V>(Index j, int) SIMDNN_LAMBDA_INLINE {
        add_codes<T, V>(rows, c.weight.row(e * c.bins) + j, c.weight.stride, c.y.row(first) + j, c.y.stride);
      });
    });
  }
}

/// to [bins, V vectors] = the codes of one number, transposed, times dy [rows, V vectors], plus `to` if it accumulates;
/// only `last` lanes of the last vector are stored.
template <class T, int V, bool kAccumulates>
SIMDNN_NOINLINE void add_code_gradients(const RowsOfBins<T>& rows, Index bins, const T* dy, Index dy_stride, T* to,
                                        Index to_stride, int last) {
  constexpr int width = kWidth<T>;
  Vector<T> above[V] = {};
  for (Index b = bins; b-- > 0;) {
    T* const row = to + b * to_stride;
    Vector<T> own[V];
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) own[v] = above[v];
    for (Index i = b < rows.used ? rows.first[b] : rows.kEnd; i != rows.kEnd; i = rows.next[i]) {
      const Vector<T> fraction = broadcast(rows.fraction[i]);
      SIMDNN_UNROLL
      for (int v = 0; v < V; ++v) {
        const Vector<T> g = keep_in_register(load_vector(dy + i * dy_stride + v * width));
        own[v] = fma(fraction, g, own[v]);
        above[v] += g;
      }
    }
    SIMDNN_UNROLL
    for (int v = 0; v < V; ++v) {
      if constexpr (kAccumulates) own[v] += load_vector(row + v * width);
      store_lanes(row + v * width, own[v], v + 1 < V ? width : last);
    }
  }
}

/// The gradient w.r.t. the weights [encoded * bins, outputs] of at most kCodedRows rows.
template <class T>
void piecewise_weight_gradient(const CodedRows<T>& c) {
  for_numbers(c.positions, c.bins, [&](Index e, const RowsOfBins<T>& rows) {
    T* const to = c.weight_gradient.row(e * c.bins);
    for_panels<T>(c.dy.columns, [&]<int V>(Index j, int last) SIMDNN_LAMBDA_INLINE {
      const auto add = c.accumulate ? add_code_gradients<T, V, true> : add_code_gradients<T, V, false>;
      add(rows, c.bins, c.dy.data + j, c.dy.stride, to + j, c.weight_gradient.stride, last);
    });
  });
}

/// Sum of sixteen lanes by a fixed binary tree, in their own precision.
template <class T>
SIMDNN_INLINE T tree_sum(const Lanes<T>& x) {
  T lane[kLanes], a[8], b[4];
  x.store(lane);
  for (int i = 0; i < 8; ++i) a[i] = lane[i] + lane[i + 8];
  for (int i = 0; i < 4; ++i) b[i] = a[i] + a[i + 4];
  return (b[0] + b[2]) + (b[1] + b[3]);
}

/// The product of two vectors.
template <class T>
SIMDNN_INLINE T dot(const T* a, const T* b, Index n) {
  Lanes<T> sum;
  for_blocks(n, [&](Index j, Index count) SIMDNN_LAMBDA_INLINE {
    sum = fma(Lanes<T>(a + j, int(count), T(0)), Lanes<T>(b + j, int(count), T(0)), sum);
  });
  return tree_sum(sum);
}

/// The gradient w.r.t. the positions: within a bin the product of dy with the bin's weights, elsewhere 0.
template <class T>
void piecewise_position_gradient(const CodedRows<T>& c) {
  const T end = T(c.bins);
  for (Index e = 0; e < c.positions.columns; ++e) {
    for (Index i = 0; i < c.dy.rows; ++i) {
      const T t = c.positions.row(i)[e];
      const T* const weight = c.weight.row(e * c.bins + bin_of(t, end - 1));
      c.position_gradient.row(i)[e] = t <= 0 || t >= end ? T(0) : dot(c.dy.row(i), weight, c.dy.columns);
    }
  }
}

SIMDNN_LEVEL_END
