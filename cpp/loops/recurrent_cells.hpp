// Recurrent cells: the elementwise part of a time step, forward and backward.
//
// A row holds the gates of all units, gate by gate. The derivative of a gate follows from its value: f (1 - f) for a
// sigmoid, 1 - t^2 for a tanh. In the backward pass tiny gates, states and gradients are 0, and so are products of two
// of them before the third factor.
#pragma once

#include "../base/views.hpp"
#include "../math/flush.hpp"
#include "../math/tanh.hpp"

SIMDNN_LEVEL_BEGIN

/// p + by, or nullptr if p is nullptr.
template <class T>
SIMDNN_INLINE T* moved(T* p, Index by) {
  return p ? p + by : nullptr;
}

/// Pointers to row i of a time step.
template <class T>
struct CellRow {
  T* gates;
  const T *h, *c;
  T *next_h, *next_c, *tanh_of_c, *dh, *dc;

  SIMDNN_INLINE CellRow(const CellRows<T>& r, Index i)
      : gates(r.gates + i * r.gates_stride),
        h(r.h + i * r.stride),
        c(moved(r.c, i * r.stride)),
        next_h(moved(r.next_h, i * r.stride)),
        next_c(moved(r.next_c, i * r.stride)),
        tanh_of_c(moved(r.tanh_of_c, i * r.stride)),
        dh(moved(r.dh, i * r.stride)),
        dc(moved(r.dc, i * r.stride)) {}
};

template <class T>
SIMDNN_INLINE T sigmoid_slope(T f) {
  return fma(-f, f, f);
}
template <class T>
SIMDNN_INLINE T tanh_slope(T t) {
  return fma(-t, t, T(1));
}

template <class T>
SIMDNN_INLINE void all_sigmoid(T* x, Index n) {
  SIMDNN_VECTORIZE
  for (Index j = 0; j < n; ++j) x[j] = sigmoid(x[j]);
}
template <class T>
SIMDNN_INLINE void all_tanh(const T* x, Index n, T* y) {
  SIMDNN_VECTORIZE
  for (Index j = 0; j < n; ++j) y[j] = tanh(x[j]);
}

/// h = tanh(x W + b + h U): Elman 1990, Finding Structure in Time. A row is [h].
struct Rnn {
  static constexpr int gates = 1;
  static constexpr bool memory = false;

  template <class T>
  SIMDNN_INLINE static void forward(const CellRow<T>& r, Index n) {
    T *const a = r.gates, *const h = r.next_h;
    SIMDNN_VECTORIZE
    for (Index j = 0; j < n; ++j) {
      a[j] = tanh(a[j]);
      h[j] = a[j];
    }
  }
  template <class T>
  SIMDNN_INLINE static void backward(const CellRow<T>& r, Index n) {
    T *const a = r.gates, *const dh = r.dh;
    SIMDNN_VECTORIZE
    for (Index j = 0; j < n; ++j) {
      a[j] = flush_tiny(flush_tiny(dh[j]) * tanh_slope(a[j]));
      dh[j] = 0;
    }
  }
};

/// c = f c + i g, h = o tanh(c): Hochreiter & Schmidhuber 1997, Long Short-Term Memory; the forget gate f by Gers,
/// Schmidhuber & Cummins 2000, Learning to Forget. A row is [i, f, g, o].
struct Lstm {
  static constexpr int gates = 4;
  static constexpr bool memory = true;

  template <class T>
  SIMDNN_INLINE static void forward(const CellRow<T>& r, Index n) {
    T *const i = r.gates, *const f = i + n, *const g = f + n, *const o = g + n;
    const T* const c = r.c;
    T *const next_c = r.next_c, *const tanh_of_c = r.tanh_of_c, *const h = r.next_h;
    all_sigmoid(i, 2 * n);
    all_tanh(g, n, g);
    all_sigmoid(o, n);
    SIMDNN_VECTORIZE
    for (Index j = 0; j < n; ++j) {
      next_c[j] = fma(f[j], c[j], i[j] * g[j]);
      tanh_of_c[j] = tanh(next_c[j]);
      h[j] = o[j] * tanh_of_c[j];
    }
  }
  template <class T>
  SIMDNN_INLINE static void backward(const CellRow<T>& r, Index n) {
    T *const i = r.gates, *const f = i + n, *const g = f + n, *const o = g + n, *const dh = r.dh, *const dc = r.dc;
    const T *const c = r.c, *const tanh_of_c = r.tanh_of_c;
    SIMDNN_VECTORIZE
    for (Index j = 0; j < n; ++j) {
      const T in = flush_tiny(i[j]), forget = flush_tiny(f[j]), cell = g[j], out = flush_tiny(o[j]);
      const T t = flush_tiny(tanh_of_c[j]), old = flush_tiny(c[j]), slope = flush_tiny(dh[j]);
      const T total_dc = flush_tiny(fma(flush_tiny(slope * out), tanh_slope(t), dc[j]));
      i[j] = flush_tiny(flush_tiny(total_dc * cell) * sigmoid_slope(in));
      f[j] = flush_tiny(flush_tiny(total_dc * old) * sigmoid_slope(forget));
      g[j] = flush_tiny(flush_tiny(total_dc * in) * tanh_slope(cell));
      o[j] = flush_tiny(flush_tiny(slope * t) * sigmoid_slope(out));
      dc[j] = flush_tiny(total_dc * forget);
      dh[j] = 0;
    }
  }
};

/// h = (1 - z) n + z h, n = tanh(a + r b), where a is linear in x and b in h: Cho et al. 2014, arXiv:1406.1078, eq.
/// 5-8, with the reset gate after the product, as in cuDNN and PyTorch. A row is [a, r, z, b]; the forward pass
/// overwrites a by n.
struct Gru {
  static constexpr int gates = 4;
  static constexpr bool memory = false;

  template <class T>
  SIMDNN_INLINE static void forward(const CellRow<T>& row, Index n) {
    T *const a = row.gates, *const r = a + n, *const z = r + n, *const b = z + n, *const next_h = row.next_h;
    const T* const h = row.h;
    all_sigmoid(r, 2 * n);
    SIMDNN_VECTORIZE
    for (Index j = 0; j < n; ++j) {
      a[j] = tanh(fma(r[j], b[j], a[j]));
      next_h[j] = fma(z[j], h[j] - a[j], a[j]);
    }
  }
  template <class T>
  SIMDNN_INLINE static void backward(const CellRow<T>& row, Index n) {
    T *const a = row.gates, *const r = a + n, *const z = r + n, *const b = z + n, *const dh = row.dh;
    const T* const h = row.h;
    SIMDNN_VECTORIZE
    for (Index j = 0; j < n; ++j) {
      const T candidate = a[j], reset = flush_tiny(r[j]), update = flush_tiny(z[j]), slope = flush_tiny(dh[j]);
      const T da = flush_tiny(fma(-slope, update, slope) * tanh_slope(candidate));
      a[j] = da;
      r[j] = flush_tiny(flush_tiny(da * b[j]) * sigmoid_slope(reset));
      z[j] = flush_tiny(flush_tiny(slope * (h[j] - candidate)) * sigmoid_slope(update));
      b[j] = flush_tiny(da * reset);
      dh[j] = flush_tiny(slope * update);
    }
  }
};

template <class T>
SIMDNN_INLINE void copy_row(const T* from, Index n, T* to) {
  SIMDNN_VECTORIZE
  for (Index j = 0; j < n; ++j) to[j] = from[j];
}

template <class Cell, class T>
void cell_forward(const CellRows<T>& rows) {
  for (Index i = 0; i < rows.rows; ++i) {
    const CellRow<T> row(rows, i);
    if (rows.skipped && rows.skipped[i]) {
      copy_row(row.h, rows.units, row.next_h);
      if constexpr (Cell::memory) copy_row(row.c, rows.units, row.next_c);
    } else {
      Cell::forward(row, rows.units);
    }
    if (rows.y) copy_row(row.next_h, rows.units, rows.y + i * rows.y_stride);
  }
}

template <class Cell, class T>
void cell_backward(const CellRows<T>& rows) {
  for (Index i = 0; i < rows.rows; ++i) {
    const CellRow<T> row(rows, i);
    if (rows.dy) {
      const T* const dy = rows.dy + i * rows.y_stride;
      SIMDNN_VECTORIZE
      for (Index j = 0; j < rows.units; ++j) row.dh[j] += dy[j];
    }
    if (rows.skipped && rows.skipped[i]) {
      SIMDNN_VECTORIZE
      for (Index j = 0; j < Cell::gates * rows.units; ++j) row.gates[j] = 0;
    } else {
      Cell::backward(row, rows.units);
    }
  }
}

SIMDNN_LEVEL_END
