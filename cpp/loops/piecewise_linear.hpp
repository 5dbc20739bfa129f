// A linear layer whose inputs are positions of numbers among bins, for the piecewise-linear codes of Gorishniy et al.
// 2022, On Embeddings for Numerical Features in Tabular Deep Learning, arXiv:2203.05556, section 3.2.
//
// A position t stands for the codes clip(t - b, 0, 1) of the bins b. They are 1 below the bin of t and 0 above it, so
// their product with weights is the sum of the weights below the bin, plus a fraction of the weight of the bin. The
// rows of a bin are visited together, one bin after the other, while such a sum stays in registers: every output is one
// chain over the numbers, every sum of weights one over the bins, and every gradient one over bins and rows.
#pragma once

#include "tiles.hpp"

#include "../simd/lanes.hpp"

SIMDNN_LEVEL_BEGIN

/// Vectors of outputs in a panel: the sums and the operands of so many fit in registers.
constexpr int kPanelVectors = kRegisters / 4;

/// The position of a number: its bin, and the code of this bin. NaN is in the first bin.
template <class T>
struct Position {
  Index bin;
  T fraction;

  SIMDNN_INLINE Position(T t, Index bins) : bin(t >= 1 ? Index(t < T(bins - 1) ? t : T(bins - 1)) : 0) {
    const T rest = t - T(bin);
    fraction = rest < 0 ? T(0) : rest > 1 ? T(1) : rest;
  }
};

/// The rows of each bin of one number, in their order, as linked lists.
template <class T>
struct RowsOfBins {
  using Row = std::uint16_t;
  static constexpr Row kEnd = 0xffff;
  static_assert(kCodedRows < Index(kEnd));

  Row first[kMaxBins];  ///< the first row of each bin, or kEnd
  Row next[kCodedRows];
  T fraction[kCodedRows];
  Index used = 0;  ///< bins up to the last one that has rows

  /// Distributes positions, which are `stride` elements apart.
  RowsOfBins(const T* t, Index stride, Index rows, Index bins) {
    for (Index b = 0; b < bins; ++b) first[b] = kEnd;
    for (Index i = rows; i-- > 0;) {
      const Position<T> at(t[i * stride], bins);
      fraction[i] = at.fraction;
      next[i] = first[at.bin];
      first[at.bin] = Row(i);
      used = at.bin < used ? used : at.bin + 1;
    }
  }
};

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
/// taken in blocks that stay in the first-level cache.
template <class T>
void piecewise_forward(const CodedRows<T>& c) {
  constexpr Index cached = (16 << 10) / Index(sizeof(T));
  const Index most = least(kCodedRows, 8 + cached / c.y.stride), columns = c.weight.columns;
  for (Index first = 0; first < c.y.rows; first += most) {
    const Index count = least(most, c.y.rows - first);
    for (Index i = 0; i < count; ++i) {
      T* const row = c.y.row(first + i);
      SIMDNN_VECTORIZE
      for (Index j = 0; j < columns; ++j) row[j] = c.bias ? c.bias[j] : T(0);
    }
    for (Index e = 0; e < c.positions.columns; ++e) {
      const RowsOfBins<T> rows(c.positions.row(first) + e, c.positions.stride, count, c.bins);
      for_panels<T>(columns, [&]<int V>(Index j, int) SIMDNN_LAMBDA_INLINE {
        add_codes<T, V>(rows, c.weight.row(e * c.bins) + j, c.weight.stride, c.y.row(first) + j, c.y.stride);
      });
    }
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
        const Vector<T> g = load_vector(dy + i * dy_stride + v * width);
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
  for (Index e = 0; e < c.positions.columns; ++e) {
    const RowsOfBins<T> rows(c.positions.data + e, c.positions.stride, c.dy.rows, c.bins);
    T* const to = c.weight_gradient.row(e * c.bins);
    for_panels<T>(c.dy.columns, [&]<int V>(Index j, int last) SIMDNN_LAMBDA_INLINE {
      const auto add = c.accumulate ? add_code_gradients<T, V, true> : add_code_gradients<T, V, false>;
      add(rows, c.bins, c.dy.data + j, c.dy.stride, to + j, c.weight_gradient.stride, last);
    });
  }
}

/// The gradient w.r.t. the positions: within a bin the product of dy with the bin's weights, elsewhere 0.
template <class T>
void piecewise_position_gradient(const CodedRows<T>& c) {
  for (Index i = 0; i < c.dy.rows; ++i) {
    const T* const dy = c.dy.row(i);
    for (Index e = 0; e < c.positions.columns; ++e) {
      const T t = c.positions.row(i)[e];
      T& slope = c.position_gradient.row(i)[e];
      slope = 0;
      if (t <= 0 || t >= T(c.bins)) continue;
      const T* const weight = c.weight.row(e * c.bins + Position<T>(t, c.bins).bin);
      Lanes<T> sum;
      for_blocks(c.dy.columns, [&](Index j, Index count) SIMDNN_LAMBDA_INLINE {
        sum = fma(Lanes<T>(dy + j, int(count), T(0)), Lanes<T>(weight + j, int(count), T(0)), sum);
      });
      slope = T(sum_lanes(wide(sum)));
    }
  }
}

SIMDNN_LEVEL_END
