// Runs the products by the matrix unit on tile registers in software, on any processor of x86-64-v4: prints each
// product that differs from the one by float32 arithmetic, or that misuses the unit, and how many tile products there
// were.
#include <immintrin.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

namespace unit {

bool configured = false, misused = false;
long products = 0;
std::uint8_t tiles[8][16][64];

/// Registers have eight tiles of 16 rows of 64 bytes; the memory that describes them has zeros elsewhere.
void load_config(const void* from) {
  std::uint8_t wanted[64] = {1};
  for (int i = 0; i < 8; ++i) {
    wanted[16 + 2 * i] = 64;
    wanted[48 + i] = 16;
  }
  misused |= configured || std::memcmp(from, wanted, sizeof wanted) != 0;
  configured = true;
  std::memset(tiles, 0, sizeof tiles);
}

void release() { configured = false; }

void load(int tile, const void* from, long stride) {
  misused |= !configured;
  for (int i = 0; i < 16; ++i) std::memcpy(tiles[tile][i], static_cast<const char*>(from) + i * stride, 64);
}

void store(int tile, void* to, long stride) {
  misused |= !configured;
  for (int i = 0; i < 16; ++i) std::memcpy(static_cast<char*>(to) + i * stride, tiles[tile][i], 64);
}

void zero(int tile) {
  misused |= !configured;
  std::memset(tiles[tile], 0, sizeof tiles[tile]);
}

void multiply(int c, int a, int b);

}  // namespace unit

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbf16ps
#define _tile_loadconfig(from) unit::load_config(from)
#define _tile_release() unit::release()
#define _tile_loadd(tile, from, stride) unit::load(tile, from, stride)
#define _tile_stored(tile, to, stride) unit::store(tile, to, stride)
#define _tile_zero(tile) unit::zero(tile)
#define _tile_dpbf16ps(c, a, b) unit::multiply(c, a, b)

#include "../../cpp/loops/bf16_amx.hpp"
#include "../../cpp/loops/bf16_product.hpp"

namespace simdnn {
namespace SIMDNN_LEVEL {
namespace {

/// The number at an index of a row of a tile.
template <class Number>
Number& at(int tile, int row, int index) {
  return reinterpret_cast<Number*>(unit::tiles[tile][row])[index];
}

float sum(float x, float y) { return flush_subnormal(flush_subnormal(x) + flush_subnormal(y)); }

/// One half of a block: the chain of the products of even or of odd k.
float chain(int a, int b, int row, int column, int odd) {
  float x = 0;
  for (int k = 0; k < 16; ++k) {
    const float left = from_bf16(at<Bf16>(a, row, 2 * k + odd)), right = from_bf16(at<Bf16>(b, k, 2 * column + odd));
    x = flushed_fma(flush_subnormal(left), flush_subnormal(right), x);
  }
  return x;
}

using Random = std::mt19937;

/// A factor of one size, of many sizes, with products around the smallest normal number, or of any bits.
Bf16 factor(Random& random, int kind) {
  const auto bits = random();
  if (kind == 3 || bits % 61 == 0) return {std::uint16_t(bits >> 8)};
  const unsigned spread[] = {3, 120, 6}, least[] = {125, 60, 60};
  return {std::uint16_t((bits & 0x8000u) | (least[kind] + (bits >> 16) % spread[kind]) << 7 | (bits & 0x7fu))};
}

std::vector<Bf16> factors(Random& random, int kind, Index n) {
  std::vector<Bf16> made(std::size_t(n), Bf16{});
  for (Bf16& x : made) x = factor(random, kind);
  return made;
}

/// Subnormal and other numbers of the size of sums.
std::vector<float> sums(Random& random, int kind, Index n) {
  std::vector<float> made(std::size_t(n), 0.0f);
  for (float& x : made) {
    const std::uint32_t upper = kind == 2 ? random() & 0x81ffu : factor(random, kind).bits;
    x = from_bits<float>(upper << 16 | (random() & 0xffffu));
  }
  return made;
}

void twice(float* c, float* aux, Index stride, Index rows, Index columns, const float*) {
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < columns; ++j) c[i * stride + j] += aux[i * stride + j] = c[i * stride + j];
  }
}

void* scratch() {
  alignas(64) static char memory[kProductScratch];
  return memory;
}

/// A product and how its operands are in memory.
struct Case {
  Index rows, depth, columns;
  int kind, start;  ///< start: zeros, one row, a matrix, or the output itself
  bool transposed_a, transposed_b, padded, scratch;
};

/// The bits of a product by `run`: outputs, then what its post-op kept.
std::vector<std::uint32_t> bits_of(const Case& t, void (*run)(const Bf16Product&)) {
  Random random(static_cast<unsigned>(t.rows + 1000 * t.depth + t.columns + t.kind));
  const auto a = factors(random, t.kind, t.rows * t.depth), b = factors(random, t.kind, t.depth * t.columns);
  const Index stride = t.padded ? padded(t.columns) : t.columns + 3;
  auto c = sums(random, t.kind, t.rows * stride);
  const auto start = sums(random, t.kind, t.rows * stride);
  std::vector<float> kept(c.size());
  Bf16Product p;
  p.a = {a.data(), t.rows, t.depth, t.transposed_a ? 1 : t.depth, t.transposed_a ? t.rows : 1};
  p.b = {b.data(), t.depth, t.columns, t.transposed_b ? 1 : t.columns, t.transposed_b ? t.depth : 1};
  if (t.start > 0) p.c_init = {t.start == 3 ? c.data() : start.data(), t.rows, t.columns, t.start == 1 ? 0 : stride};
  p.c = {c.data(), t.rows, t.columns, stride};
  p.padded = t.padded;
  if (t.padded) p.post_op = {.apply = twice, .aux = kept.data()};
  if (t.scratch) p.scratch = simdnn::SIMDNN_LEVEL::scratch;
  run(p);
  std::vector<std::uint32_t> bits;
  for (const auto* numbers : {&c, &kept}) {
    for (Index i = 0; i < t.rows; ++i) {
      const Index columns = t.padded ? t.columns : stride;  // padding may have any numbers
      for (Index j = 0; j < columns; ++j) bits.push_back(to_bits((*numbers)[std::size_t(i * stride + j)]));
    }
  }
  return bits;
}

}  // namespace
}  // namespace SIMDNN_LEVEL
}  // namespace simdnn

void unit::multiply(int c, int a, int b) {
  using namespace simdnn::SIMDNN_LEVEL;
  misused |= !configured;
  ++products;
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 16; ++j) {
      at<float>(c, i, j) = sum(at<float>(c, i, j), sum(chain(a, b, i, j, 0), chain(a, b, i, j, 1)));
    }
  }
}

int main() {
  using namespace simdnn::SIMDNN_LEVEL;
  const simdnn::Index sizes[] = {1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130};
  Random random(1);
  const auto size = [&] { return sizes[random() % std::size(sizes)]; };
  for (int i = 0; i < 600; ++i) {
    Case t{size(), size(), size(), int(random() % 4), int(random() % 4)};
    if (i % 40 == 0) t.depth = 500 + size();
    if (i % 40 == 1) t.rows = 700 + size();
    if (i % 40 == 2) t.depth = 0;
    t.transposed_a = random() % 2, t.transposed_b = random() % 2, t.padded = random() % 2, t.scratch = random() % 2;
    const bool equal = bits_of(t, tile_product) == bits_of(t, bf16_product);
    if (equal && !unit::misused && !unit::configured) continue;
    std::printf("[%td, %td] [%td, %td]: kind %d, start %d, a %s, b %s%s%s\n", t.rows, t.depth, t.depth, t.columns,
                t.kind, t.start, t.transposed_a ? "transposed" : "plain", t.transposed_b ? "transposed" : "plain",
                t.padded ? ", padded" : "", t.scratch ? ", scratch" : "");
  }
  std::printf("%ld\n", unit::products);
}
