// The matrix unit's products with tile registers in software: packing, tails and order of loops on any AVX-512
// processor.
//
// Prints the number of products whose bits differ from those of float32 arithmetic.
#include <immintrin.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

/// Tile registers of a thread; sums follow the rule of TDPBF16PS.
struct Tiles {
  bool configured = false;
  alignas(64) unsigned char memory[8][1024];

  unsigned char* at(int tile) {
    if (!configured) std::abort();
    return memory[tile];
  }
  void load_shapes(const void* from) {
    const auto* const bytes = static_cast<const unsigned char*>(from);
    if (bytes[0] != 1 || bytes[1] != 0 || bytes[16] != 64 || bytes[48] != 16 || bytes[63] != 0) std::abort();
    std::memset(memory, 0, sizeof memory);
    configured = true;
  }
  void load(int tile, const void* from, long stride) {
    for (int i = 0; i < 16; ++i) std::memcpy(at(tile) + 64 * i, static_cast<const char*>(from) + i * stride, 64);
  }
  void store(int tile, void* to, long stride) {
    for (int i = 0; i < 16; ++i) std::memcpy(static_cast<char*>(to) + i * stride, at(tile) + 64 * i, 64);
  }
  void multiply(int c, int a, int b);
};

thread_local Tiles tiles;

}  // namespace

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#define _tile_loadconfig(from) tiles.load_shapes(from)
#define _tile_release() (void)(tiles.configured = false)
#define _tile_zero(tile) (void)std::memset(tiles.at(tile), 0, 1024)
#define _tile_loadd(tile, from, stride) tiles.load(tile, from, stride)
#define _tile_stored(tile, to, stride) tiles.store(tile, to, stride)
#define _tile_dpbf16ps(c, a, b) tiles.multiply(c, a, b)

#include "loops/bf16_amx.hpp"
#include "loops/bf16_product.hpp"

namespace {

using namespace simdnn;
using namespace simdnn::amx;

void Tiles::multiply(int c, int a, int b) {
  float sums[16][16];
  Bf16 rows[16][32], pairs[16][32];
  std::memcpy(sums, at(c), sizeof sums);
  std::memcpy(rows, at(a), sizeof rows);
  std::memcpy(pairs, at(b), sizeof pairs);
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 16; ++j) {
      float chain[2] = {};
      for (int k = 0; k < 32; ++k) {
        const float x = flush_subnormal(from_bf16(rows[i][k]));
        const float y = flush_subnormal(from_bf16(pairs[k / 2][2 * j + k % 2]));
        chain[k % 2] = flushed_fma(x, y, chain[k % 2]);
      }
      sums[i][j] = flush_subnormal(flush_subnormal(sums[i][j]) + flush_subnormal(chain[0] + chain[1]));
    }
  }
  std::memcpy(at(c), sums, sizeof sums);
}

void* scratch() {
  static void* const memory = std::aligned_alloc(64, kProductScratch);
  return memory;
}

std::uint32_t draw(std::uint32_t bound) {
  static std::uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return (state >> 16) % bound;
}

/// A number of one of 60 exponents; one in 200 is any pattern of bits.
Bf16 factor() {
  const std::uint32_t bits = draw(2) << 15 | (60 + draw(60)) << 7 | draw(128);
  return {static_cast<std::uint16_t>(draw(200) == 0 ? draw(1u << 16) : bits)};
}

void post_op(float* c, float*, Index stride, Index rows, Index columns, const float*) {
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < columns; ++j) c[i * stride + j] *= 2;
  }
}

/// An array of exactly this many elements, so that a sanitizer sees what is beyond.
template <class T>
T* array(Index n) {
  return static_cast<T*>(std::malloc(std::size_t(n) * sizeof(T)));
}

/// True if tiles and float32 arithmetic agree for a product of random shape and strides.
bool agree() {
  constexpr Index sizes[] = {1, 2, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 130, 600};
  const auto size = [&](Index most) {
    Index n = most + 1;
    while (n > most) n = sizes[draw(14)];
    return n;
  };
  const Index rows = size(130), depth = size(600), columns = size(130), extra = draw(3);
  const bool across_a = draw(2), across_b = draw(2), is_padded = draw(2);
  const Index a_line = (across_a ? rows : depth) + extra, b_line = (across_b ? depth : columns) + extra;
  const Index c_line = is_padded ? padded(columns) : columns + extra;
  const Index a_size = (across_a ? depth - 1 : rows - 1) * a_line + (across_a ? rows : depth);
  const Index b_size = (across_b ? columns - 1 : depth - 1) * b_line + (across_b ? depth : columns);
  Bf16 *const a = array<Bf16>(a_size), *const b = array<Bf16>(b_size);
  for (Index i = 0; i < a_size; ++i) a[i] = factor();
  for (Index i = 0; i < b_size; ++i) b[i] = factor();
  float* const c[2] = {array<float>(rows * c_line), array<float>(rows * c_line)};
  for (Index i = 0; i < rows * c_line; ++i) c[0][i] = c[1][i] = from_bf16(factor());
  float* const bias = array<float>(columns);
  for (Index j = 0; j < columns; ++j) bias[j] = from_bf16(factor());
  Bf16Product p;
  p.a = {a, rows, depth, across_a ? 1 : a_line, across_a ? a_line : 1};
  p.b = {b, depth, columns, across_b ? 1 : b_line, across_b ? b_line : 1};
  p.padded = is_padded;
  if (is_padded) p.post_op.apply = post_op;
  if (draw(2)) p.scratch = scratch;
  const std::uint32_t start = draw(3);
  bool equal = true;
  for (int i = 0; i < 2; ++i) {
    p.c = {c[i], rows, columns, c_line};
    if (start == 1) p.c_init = p.c;
    if (start == 2) p.c_init = {bias, 1, columns, 0};
    i == 0 ? tile_product(p) : bf16_product(p);
  }
  for (Index i = 0; i < rows; ++i) {
    const std::size_t bytes = std::size_t(is_padded || i == rows - 1 ? columns : c_line) * sizeof(float);
    equal = equal && std::memcmp(c[0] + i * c_line, c[1] + i * c_line, bytes) == 0;
  }
  std::free(a);
  std::free(b);
  std::free(bias);
  std::free(c[0]);
  std::free(c[1]);
  return equal && !tiles.configured;
}

}  // namespace

int main() {
  int wrong = 0;
  for (int i = 0; i < 150; ++i) wrong += !agree();
  std::printf("%d\n", wrong);
}
