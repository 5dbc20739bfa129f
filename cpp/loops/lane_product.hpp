// The matrix product of a network in each virtual lane, which serves x W, x^T dz and dz W^T by strides.
#pragma once

#include "../base/lane_views.hpp"
#include "tiles.hpp"

SIMDNN_LEVEL_BEGIN

/// Elements of the largest tile whose accumulators, elements of b and one of a fit in registers.
constexpr int kLaneRows = 4, kLaneColumns = kRegisters == 32 ? 4 : 3;

/// Strides of a product in numbers.
struct LaneStrides {
  Index a_row, a_column, b_row, b_column, init_row, c_row;
};

/// Computes a tile c [R, C] of the networks in one register.
template <class T, int R, int C>
SIMDNN_NOINLINE void lane_tile(const T* a, const T* b, Index depth, const T* c_init, T* c, const LaneStrides& stride) {
  Vector<T> sum[R][C];
  SIMDNN_UNROLL
  for (int r = 0; r < R; ++r) {
    SIMDNN_UNROLL
    for (int j = 0; j < C; ++j) {
      sum[r][j] = c_init ? load_vector(c_init + r * stride.init_row + j * kLanes) : Vector<T>{};
    }
  }
  const Index a_row = stride.a_row, a_column = stride.a_column, b_row = stride.b_row, b_column = stride.b_column;
  for (Index k = 0; k < depth; ++k, a += a_column, b += b_row) {
    Vector<T> row[C];
    SIMDNN_UNROLL
    for (int j = 0; j < C; ++j) row[j] = load_vector(b + j * b_column);
    SIMDNN_UNROLL
    for (int r = 0; r < R; ++r) {
      const Vector<T> x = load_vector(a + r * a_row);
      SIMDNN_UNROLL
      for (int j = 0; j < C; ++j) sum[r][j] = fma(x, row[j], sum[r][j]);
    }
  }
  SIMDNN_UNROLL
  for (int r = 0; r < R; ++r) {
    SIMDNN_UNROLL
    for (int j = 0; j < C; ++j) store_vector(sum[r][j], c + r * stride.c_row + j * kLanes);
  }
}

template <class T>
using LaneTile = void (*)(const T*, const T*, Index, const T*, T*, const LaneStrides&);

/// Tiles with up to kLaneRows rows of C columns.
template <class T, int C>
constexpr LaneTile<T> kLaneTiles[kLaneRows + 1] = {nullptr, lane_tile<T, 1, C>, lane_tile<T, 2, C>, lane_tile<T, 3, C>,
                                                   lane_tile<T, 4, C>};

/// Computes columns [column, column + C) in all rows.
template <class T, int C>
void lane_columns(const LaneProduct<T>& p, Index column, Index lane, const LaneStrides& stride) {
  for (Index row = 0; row < p.c.rows; row += kLaneRows) {
    const T* const c_init = p.c_init.data ? p.c_init.data + row * stride.init_row + column * kLanes + lane : nullptr;
    kLaneTiles<T, C>[least(kLaneRows, p.c.rows - row)](p.a.data + row* stride.a_row + lane,
                                                       p.b.data + column* stride.b_column + lane, p.a.columns, c_init,
                                                       p.c.data + row* stride.c_row + column* kLanes + lane, stride);
  }
}

template <class T>
void lane_product(const LaneProduct<T>& p) {
  const LaneStrides stride{p.a.row_stride * kLanes,    p.a.column_stride * kLanes, p.b.row_stride * kLanes,
                           p.b.column_stride * kLanes, p.c_init.stride * kLanes,   p.c.stride * kLanes};
  for (Index lane = 0; lane < p.lanes; lane += kWidth<T>) {
    Index j = 0;
    for (; j + kLaneColumns <= p.c.columns; j += kLaneColumns) lane_columns<T, kLaneColumns>(p, j, lane, stride);
    const Index rest = p.c.columns - j;
    if (rest == 1) lane_columns<T, 1>(p, j, lane, stride);
    if (rest == 2) lane_columns<T, 2>(p, j, lane, stride);
    if (rest == 3) lane_columns<T, 3>(p, j, lane, stride);
  }
}

SIMDNN_LEVEL_END
