// The level amx: the table of v4 with products of bfloat16 factors by the matrix unit.
#include "../loops/bf16_amx.hpp"
#include "part.hpp"

namespace simdnn {
const Kernels& kernels_v4();
const Kernels& kernels_amx();
bool kernels_amx_agree();
}  // namespace simdnn

SIMDNN_LEVEL_BEGIN

/// Products of fewer rows read b where it is, which is faster than to pack it.
constexpr Index kFewestRows = 16;

void product(const Bf16Product& p) {
  if (p.c.rows < kFewestRows || p.c.columns == 0) return kernels_v4().bf16.product(p);
  tile_product(p);
}

/// Factors and sums for a comparison of two products, from a linear congruential generator.
struct Samples {
  static constexpr Index rows = 37, depth = 70, columns = 45;
  Bf16 a[rows * depth], b[depth * columns];
  float c[rows * columns];
  std::uint32_t state = 1;

  std::uint32_t draw(std::uint32_t bound) {
    state = state * 1664525u + 1013904223u;
    return (state >> 16) % bound;
  }
  /// A bfloat16 number with one of `spread` exponents from `least` on; one in `rare` is any pattern of bits.
  Bf16 factor(std::uint32_t least, std::uint32_t spread, std::uint32_t rare) {
    const std::uint32_t sign = draw(2) << 15, exponent = (least + draw(spread)) << 7;
    return {static_cast<std::uint16_t>(draw(rare) == 0 ? draw(1u << 16) : sign | exponent | draw(1u << 7))};
  }
  void fill(std::uint32_t least, std::uint32_t spread, std::uint32_t rare) {
    for (Bf16& x : a) x = factor(least, spread, rare);
    for (Bf16& x : b) x = factor(least, spread, rare);
    for (float& x : c) x = from_bits<float>(std::uint32_t(factor(least / 2, spread, rare).bits) << 16 | draw(1u << 16));
  }
};

/// True if tiles give the bits of v4 for these samples, with either order of the factors in memory.
bool agree(const Samples& s, bool transpose) {
  static float found[Samples::rows * Samples::columns], wanted[Samples::rows * Samples::columns];
  Bf16Product p;
  p.a = {s.a, s.rows, s.depth, transpose ? 1 : s.depth, transpose ? s.rows : 1};
  p.b = {s.b, s.depth, s.columns, transpose ? 1 : s.columns, transpose ? s.depth : 1};
  p.c_init = {s.c, s.rows, s.columns, s.columns};
  p.c = {found, s.rows, s.columns, s.columns};
  tile_product(p);
  p.c.data = wanted;
  kernels_v4().bf16.product(p);
  return __builtin_memcmp(found, wanted, sizeof found) == 0;
}

SIMDNN_LEVEL_END

/// True if the matrix unit has the arithmetic of v4's products: numbers of one size, of many sizes, whose products and
/// sums are subnormal, and any patterns of bits.
bool simdnn::kernels_amx_agree() {
  using namespace SIMDNN_LEVEL;
  constexpr std::uint32_t kinds[][3] = {{125, 3, 1u << 16}, {90, 60, 1u << 16}, {60, 8, 40}, {63, 2, 1u << 16}};
  static Samples samples;
  for (const auto& [least, spread, rare] : kinds) {
    samples.fill(least, spread, rare);
    if (!agree(samples, false) || !agree(samples, true)) return false;
  }
  return true;
}

const simdnn::Kernels& simdnn::kernels_amx() {
  static const Kernels table = [] {
    Kernels kernels = kernels_v4();
    kernels.level = "amx";
    kernels.bf16.product = SIMDNN_LEVEL::product;
    return kernels;
  }();
  return table;
}
