// Compares every order of a product's loops with one chain of FMAs per output, in many of the rows: prints each product
// that differs, and how many products each order had. Compile with -DSIMDNN_LEVEL=... for the instruction set of a
// level.
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "../../cpp/loops/product.hpp"

namespace simdnn {
namespace SIMDNN_LEVEL {
namespace {

template <class T>
std::vector<T> numbers(Index n, Index step) {
  std::vector<T> values(std::size_t(n + 2 * kPad));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = T(Index(i) * step % 1000 - 500) / T(512);
  return values;
}

/// Memory full of NaN, which must reach no output.
template <class T>
void* dirty_scratch() {
  static std::vector<T> memory(kProductScratch / sizeof(T) + 64 / sizeof(T));
  for (T& x : memory) x = T(__builtin_nan(""));
  void* start = memory.data();
  std::size_t room = memory.size() * sizeof(T);
  return std::align(64, kProductScratch, start, room);
}

template <class T>
void twice(T* c, T*, Index stride, Index rows, Index columns, const T*) {
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < columns; ++j) c[i * stride + j] *= 2;
  }
}

/// A product and how its operands are in memory.
struct Case {
  Index rows, depth, columns;
  bool transposed_a, transposed_b;
  Index extra;  ///< elements between rows of b beyond its columns
  bool starts, padded, scratch;
};

template <class T, Blocking kBlocking>
void check(const Case& t, int (&count)[4]) {
  const Index a_stride = (t.transposed_a ? t.rows : t.depth) + 3;
  const Index b_stride = (t.transposed_b ? t.depth : t.columns) + t.extra;
  const Index c_stride = t.padded ? padded(t.columns) : t.columns;
  const std::vector<T> a = numbers<T>(a_stride * (t.transposed_a ? t.depth : t.rows), 7919);
  const std::vector<T> b = numbers<T>(b_stride * (t.transposed_b ? t.columns : t.depth), 104729);
  std::vector<T> c = numbers<T>(c_stride * t.rows, 613), wanted = c;
  Product<T> p{.a = Matrix<const T>{a.data(), t.rows, t.depth, a_stride},
               .b = Matrix<const T>{b.data(), t.depth, t.columns, b_stride},
               .c_init = t.starts ? Matrix<const T>{c.data(), t.rows, t.columns, c_stride} : Matrix<const T>{},
               .c = {c.data(), t.rows, t.columns, c_stride},
               .padded = t.padded,
               .post_op = {.apply = t.padded ? twice<T> : nullptr},
               .scratch = t.scratch ? dirty_scratch<T> : nullptr};
  if (t.transposed_a) p.a = {a.data(), t.rows, t.depth, 1, a_stride};
  if (t.transposed_b) p.b = {b.data(), t.depth, t.columns, 1, b_stride};
  const auto is_checked = [&](Index i) { return i < 16 || i >= t.rows - 16 || i % 29 == 0; };
  for (Index i = 0; i < t.rows; ++i) {
    for (Index j = 0; j < t.columns && is_checked(i); ++j) {
      T sum = t.starts ? wanted[i * c_stride + j] : 0;
      for (Index k = 0; k < t.depth; ++k) {
        sum = fma(p.a.data[i * p.a.row_stride + k * p.a.column_stride],
                  p.b.data[k * p.b.row_stride + j * p.b.column_stride], sum);
      }
      wanted[i * c_stride + j] = t.padded ? 2 * sum : sum;
    }
  }
  ++count[int(order_of<T, kBlocking>(p))];
  product<T, kBlocking>(p);
  bool same = true;
  for (Index i = 0; i < t.rows; ++i) {
    same = same && (!is_checked(i) || !std::memcmp(&c[i * c_stride], &wanted[i * c_stride], t.columns * sizeof(T)));
  }
  const Index end = t.rows * c_stride;  // nothing beyond c is written
  same = same && !std::memcmp(&c[end], &wanted[end], (c.size() - std::size_t(end)) * sizeof(T));
  if (same) return;
  std::printf("%d bytes: %td x %td x %td, transposed %d %d, extra %td, starts %d, padded %d, scratch %d\n",
              int(sizeof(T)), t.rows, t.depth, t.columns, t.transposed_a, t.transposed_b, t.extra, t.starts, t.padded,
              t.scratch);
}

/// Shapes on both sides of every limit of the choice, and remainders of tiles, panels, copied rows and blocks.
template <class T, Blocking kBlocking>
void check_all(int (&count)[4]) {
  constexpr Index far = 2048 / sizeof(T), rows = kBlocking.block_rows, steps = kBlockSteps;
  constexpr Index panel = kBlocking.panel_bytes / Index(sizeof(T)) / kPanel<T>, chunk = kBlock<T> / steps;
  for (const bool starts : {false, true}) {
    for (const Index n : {rows - 1, rows, rows + 1})
      check<T, kBlocking>({n, 130, far + 3, 1, 0, 0, starts, 0, 1}, count);
    for (const Index n : {far - 1, far, far + 1}) check<T, kBlocking>({rows, 131, n, 1, 0, 0, starts, 0, 1}, count);
    for (const Index n : {kCached<T> / far, kCached<T> / far + 1, steps, steps + 1, 2 * steps + 5}) {
      check<T, kBlocking>({rows + kCopiedRows + 5, n, far, 1, 0, 1, starts, 0, 1}, count);
    }
    for (const Index n : {chunk + 1, chunk + kBlockPanel<T> - 1, chunk + kBlockPanel<T> + kWidth<T>}) {
      check<T, kBlocking>({rows + kBlockRows - 1, steps, n, 1, 0, 0, starts, 0, 1}, count);
    }
    check<T, kBlocking>({rows, 300, far, 1, 0, 0, starts, 0, 0}, count);
    check<T, kBlocking>({rows, 300, far, 1, 0, 0, starts, 1, 1}, count);
    for (const Index n : {panel - 1, panel, panel + 1, 2 * panel + 3}) {
      for (const Index columns : {Index(5), kPanel<T> - 1, 2 * kPanel<T> + 7}) {
        check<T, kBlocking>({29, n, columns, 0, 0, 2 * far, starts, 1, 1}, count);
        check<T, kBlocking>({29, n, columns, 0, 1, 1, starts, 0, 1}, count);
        check<T, kBlocking>({29, n, columns, 1, 0, 0, starts, 0, 1}, count);
      }
    }
    check<T, kBlocking>({4 * kWidth<T>, 33, 2, 1, 0, 14, starts, 0, 1}, count);
    check<T, kBlocking>({4 * kWidth<T> + 1, 33, 1, 0, 0, 15, starts, 1, 1}, count);
  }
}

}  // namespace
}  // namespace SIMDNN_LEVEL
}  // namespace simdnn

int main() {
  using namespace simdnn;
  using namespace simdnn::SIMDNN_LEVEL;
  int count[4] = {};
  check_all<float, kResidentPanels>(count);
  check_all<float, kStreamedPanels>(count);
  check_all<double, kResidentPanels>(count);
  check_all<double, kStreamedPanels>(count);
  std::printf("orders %d %d %d %d\n", count[0], count[1], count[2], count[3]);
}
