// Prints a hash for every kernel of one level, so that levels of other processors can be compared under emulation.
// Compile with kernels.cpp and kernels/*.cpp, -DSIMDNN_LEVEL=... and -DTABLE=kernels_<level>.
#include <cstdio>
#include <cstring>
#include <vector>

#include "../../cpp/kernels.hpp"

namespace simdnn {

const Kernels& TABLE();

template <class T>
bool is_nan(T x) {
  return x != x;
}
bool is_nan(std::uint16_t half) { return (half & 0x7fffu) > 0x7c00u; }

/// FNV-1a; every NaN counts as the same one.
template <class T>
void print(const char* name, const char* what, const std::vector<T>& values) {
  std::uint64_t hash = 1469598103934665603u;
  for (T value : values) {
    if (is_nan(value)) value = T(1) / 3;
    unsigned char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    for (const unsigned char byte : bytes) hash = (hash ^ byte) * 1099511628211u;
  }
  std::printf("%s %s %zu %016llx\n", name, what, sizeof(T), static_cast<unsigned long long>(hash));
}

template <class T>
std::vector<T> numbers(std::size_t n, int step) {
  std::vector<T> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = T(Index(i * std::size_t(step) % 1000) - 500) / T(512);
  return values;
}

template <class T>
std::vector<T> spread() {
  std::vector<T> values = numbers<T>(20000, 7919);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= T(i % 13 == 0 ? 200 : i % 11);
  return values;
}

template <class T>
char* bytes(std::vector<T>& values) {
  return reinterpret_cast<char*>(values.data());
}

/// Hashes loop(dy, x, parameters...) with the given number of arrays of element type T.
template <class T>
void run(const Description& info, const char* what, Loop loop, std::size_t arrays, std::vector<T>& x,
         std::vector<T>& parameter) {
  std::vector<T> y(x.size());
  std::vector<char*> args(arrays, bytes(x));
  for (int p = 0; p < info.parameter_count(); ++p) args.push_back(bytes(parameter));
  args.push_back(bytes(y));
  const std::vector<Index> steps(args.size(), Index(sizeof(T)));
  const Index n = Index(x.size());
  loop(args.data(), &n, steps.data());
  print(info.name, what, y);
}

template <class T>
void elementwise(const Kernels& table, Storage storage, std::vector<T> x, std::vector<T> parameter) {
  for (int i = 0; i < table.activation_count; ++i) {
    const ActivationLoops& loops = table.activations[i];
    run(*loops.info, "value", loops.value[storage], 1, x, parameter);
    run(*loops.info, "derivative", loops.derivative[storage], 1, x, parameter);
    run(*loops.info, "backward", loops.backward[storage], 2, x, parameter);
    if (Loop loop = loops.parameter_backward[storage]) run(*loops.info, "parameter", loop, 2, x, parameter);
  }
  for (int i = 0; i < table.elementary_count; ++i) {
    run(*table.elementary[i].info, "value", table.elementary[i].value[storage], 1, x, parameter);
  }
  const Index pieces = 4, dims[] = {Index(x.size()) / pieces, pieces}, size = Index(sizeof(T)), group = pieces * size;
  std::vector<T> y(x.size());
  char* const value[] = {bytes(x), bytes(y)};
  const Index value_steps[] = {group, size, size}, backward_steps[] = {size, group, group, size, size};
  table.maxout.value[storage](value, dims, value_steps);
  print("maxout", "value", y);
  char* const backward[] = {bytes(x), bytes(x), bytes(y)};
  table.maxout.backward[storage](backward, dims, backward_steps);
  print("maxout", "backward", y);
}

/// Numbers rounded to half precision, as bits.
std::vector<std::uint16_t> halves(const Kernels& table, std::vector<float> x) {
  std::vector<std::uint16_t> bits(x.size());
  char* const args[] = {bytes(x), bytes(bits)};
  const Index n = Index(x.size()), steps[] = {sizeof(float), sizeof(std::uint16_t)};
  table.f32_to_f16(args, &n, steps);
  return bits;
}

/// Either matrix read by its columns, and few columns.
template <class T>
void transposed_products(const TypedKernels<T>& kernels, Product<T> p) {
  const Index depth = p.a.columns, columns = p.c.columns;
  std::vector<T> c(std::size_t(p.c.rows * columns));
  p.c.data = c.data();
  p.b = {p.b.data, depth, columns, 1, depth};
  kernels.product(p);
  print("product", "by columns of b", c);
  p.a = {p.a.data, 32, depth, 1, 32};
  for (const Index few : {1, 3, 10}) {
    p.b = {p.b.data, depth, few, columns, 1};
    p.c = {c.data(), 32, few, columns};
    kernels.product(p);
    print("product", "narrow", c);
  }
}

template <class T>
void matrices(const Kernels& table) {
  const TypedKernels<T>& kernels = table.typed<T>();
  constexpr Index rows = 37, columns = 90, depth = 61;
  std::vector<T> a = numbers<T>(rows * depth, 7919), b = numbers<T>(depth * columns + kPad, 104729);
  std::vector<T> c(rows * columns), gradient(c.size()), slots[kMaxSlots];
  const Product<T> p{.a = Matrix<T>{a.data(), rows, depth, depth},
                     .b = Matrix<T>{b.data(), depth, columns, columns},
                     .c = {c.data(), rows, columns, columns}};
  kernels.product(p);
  print("product", "", c);
  transposed_products(kernels, p);
  std::vector<double> sums(c.size(), kernels.row_sum(c.data(), Index(c.size())));
  kernels.add_row(c.data(), Index(c.size()), sums.data());
  print("sums", "", sums);
  std::vector<double> row_loss(rows);
  std::vector<std::int64_t> classes(rows, 5);
  for (int i = 0; i < table.loss_count; ++i) {
    const LossDescription& info = *table.losses[i];
    double parameters[kMaxLossParameters];
    for (int k = 0; k < kMaxLossParameters; ++k) parameters[k] = info.parameters[k].value;
    const LossRows<T> batch{.output = {c.data(), rows, columns, columns},
                            .classes = info.target != Target::values ? classes.data() : nullptr,
                            .values = {b.data(), rows, columns, columns},
                            .parameters = parameters,
                            .gradient = {gradient.data(), rows, columns, columns},
                            .row_loss = row_loss.data()};
    kernels.losses[i](batch);
    print(info.name, "gradient", gradient);
    print(info.name, "value", row_loss);
  }
  for (int i = 0; i < table.rule_count; ++i) {
    const RuleDescription& info = *table.rules[i];
    double hypers[kMaxHypers], scalar_state[kMaxScalars] = {1};
    for (int k = 0; k < kMaxHypers; ++k) hypers[k] = info.hypers[k].value;
    UpdateSpan<T> span{c.data(), gradient.data(), {}, Index(c.size())};
    for (int k = 0; k < kMaxSlots; ++k) slots[k].assign(c.size(), T(0)), span.slots[k] = slots[k].data();
    for (int step = 1; step < 4; ++step) {
      if (table.advances[i]) table.advances[i](hypers, step, scalar_state);
      kernels.updates[i](&span, 1, 0, span.size, {hypers, scalar_state, step});
    }
    print("update", info.name, c);
  }
  for (const Index width : {Index(columns), Index(30)}) {  // along its length, and side by side
    const Index count = Index(c.size()) / width;
    kernels.softmax({.x = {c.data(), count, width, width}, .out = {gradient.data(), count, width, width}});
    print("softmax", "", gradient);
  }
}

/// Products of bfloat16 numbers of ordinary size, and of a size whose products are near the smallest normal number.
void rounded_matrices(const Bf16Kernels& kernels) {
  constexpr Index rows = 37, columns = 90, depth = 70;
  for (const float size : {1.0f, 0x1p-62f}) {
    const auto rounded = [&](Index n, int step) {
      std::vector<float> values = numbers<float>(std::size_t(n), step);
      for (float& value : values) value *= size;
      std::vector<Bf16> made(values.size());
      kernels.round(values.data(), n, made.data());
      return made;
    };
    const std::vector<Bf16> a = rounded(rows * depth, 7919), b = rounded(depth * columns, 104729);
    std::vector<float> c(rows * columns);
    for (const Index few : {rows, Index(1)}) {
      kernels.product({.a = Matrix<const Bf16>{a.data(), few, depth, depth},
                       .b = Matrix<const Bf16>{b.data(), depth, columns, columns},
                       .c = {c.data(), few, columns, columns}});
      print("product", "of bf16", c);
    }
  }
}

/// The random layers, and contrastive divergence, which draws its units.
template <class T>
void draws(const TypedKernels<T>& kernels) {
  const std::vector<T> x = numbers<T>(11 * 70, 7919);
  std::vector<T> y(x.size()), slope(x.size());
  const RandomRows<T> rows{
      {x.data(), 11, 70, 70}, {y.data(), 11, 70, 70}, {slope.data(), 11, 70, 70}, {123456789, 5, 2, 3}};
  kernels.layers.dropout(rows, 0.3);
  print("dropout", "", y);
  kernels.layers.bernoulli(rows);
  print("bernoulli", "", y);
  kernels.layers.difference(x.data(), y.data(), T(0.3), slope.data(), Index(x.size()));
  print("difference", "", slope);
}

/// A time step of each recurrent cell.
template <class T>
void cells(const Kernels& table) {
  constexpr Index rows = 9, units = 21;
  for (const CellKernels<T>& cell : table.typed<T>().layers.cells) {
    std::vector<T> gates = numbers<T>(rows * 4 * units, 7919), h = numbers<T>(rows * units, 104729), c = h, dh = h;
    std::vector<T> next_h(h.size()), next_c(h.size()), tanh_of_c(h.size()), dc = c;
    const CellRows<T> step{.rows = rows,
                           .units = units,
                           .gates = gates.data(),
                           .gates_stride = 4 * units,
                           .h = h.data(),
                           .next_h = next_h.data(),
                           .c = c.data(),
                           .next_c = next_c.data(),
                           .tanh_of_c = tanh_of_c.data(),
                           .dh = dh.data(),
                           .dc = dc.data(),
                           .stride = units};
    cell.forward(step);
    for (const auto* found : {&gates, &next_h, &next_c}) print("cell", "forward", *found);
    cell.backward(step);
    for (const auto* found : {&gates, &dh, &dc}) print("cell", "backward", *found);
  }
}

/// Dropout, normalization and the other operations of layers, without products and activations.
template <class T>
void layers(const Kernels& table) {
  const LayerKernels<T>& kernels = table.typed<T>().layers;
  constexpr Index rows = 37, columns = 90, stride = padded(columns);
  std::vector<T> x = numbers<T>(rows * stride, 7919), y(rows * stride), slope(rows * stride);
  const auto view = [](std::vector<T>& of) { return Matrix<T>{of.data(), rows, columns, stride}; };
  const RandomRows<T> random{.x = view(x), .y = view(y), .slope = view(slope), .random = {7, 3, 1, 5}};
  const auto print_both = [&](const char* name) {
    print(name, "value", y);
    print(name, "slope", slope);
  };
  kernels.dropout(random, 0.3), print_both("dropout");
  kernels.alpha_dropout(random, 0.3), print_both("alpha_dropout");
  kernels.rrelu(random, {0.1, 0.5, false}), print_both("rrelu");
  kernels.rrelu(random, {0.1, 0.5, true}), print_both("rrelu normal");
  kernels.straight_through(random, true), print_both("straight_through");
  std::vector<double> mean(stride), variance(stride), inverse(stride), sums(stride), products(stride);
  kernels.norm.column_moments(x.data(), stride, rows, columns, mean.data(), variance.data());
  kernels.norm.add_column_products(slope.data(), stride, x.data(), stride, rows, columns, mean.data(), sums.data(),
                                   products.data());
  print("column_moments", "mean", mean), print("column_moments", "variance", variance);
  print("column_products", "sums", sums), print("column_products", "products", products);
  std::vector<T> factors[5];
  for (std::vector<T>& factor : factors) factor.resize(stride);
  const NormColumns<T> n{.mean = mean.data(),
                         .variance = variance.data(),
                         .eps = 1e-5,
                         .weight = x.data(),
                         .bias = x.data() + 9,
                         .inverse = inverse.data(),
                         .center = factors[0].data(),
                         .scale = factors[1].data(),
                         .offset = factors[2].data(),
                         .sums = sums.data(),
                         .products = products.data(),
                         .x_scale = factors[3].data(),
                         .dx_offset = factors[4].data()};
  kernels.norm.norm_factors(n, 0, columns);
  kernels.norm.batch_norm_backward_coefficients(n, 0, columns, rows);
  kernels.norm.scale_columns_to(x.data(), stride, rows, columns, n.center, n.scale, n.offset, y.data(), stride);
  kernels.norm.batch_norm_backward(slope.data(), stride, x.data(), stride, rows, columns, n.scale, n.center, n.x_scale,
                                   n.dx_offset);
  print_both("batch_norm");
  const NormRows<T> r{.x = view(x),
                      .eps = 1e-5,
                      .weight = x.data(),
                      .bias = x.data() + 9,
                      .normal = view(slope),
                      .y = view(y),
                      .inverse = inverse.data()};
  kernels.norm.layer_norm(r), print_both("layer_norm");
  kernels.norm.layer_norm_backward(r), print_both("layer_norm_backward");
  std::vector<T> t = x;
  for (T& one : t) one = T(1.5) + T(2) * one;
  const std::vector<T> weight = numbers<T>(90 * 75 + kPad, 104729);
  CodedRows<T> coded{.positions = view(t).column_range(0, 30),
                     .bins = 3,
                     .weight = {weight.data(), 90, 75, 75},
                     .bias = x.data() + 9,
                     .y = view(y).column_range(0, 75),
                     .dy = view(slope).column_range(0, 75)};
  std::vector<T> gradient(90 * 75), positions(rows * 30);
  coded.weight_gradient = {gradient.data(), 90, 75, 75};
  coded.position_gradient = {positions.data(), rows, 30, 30};
  kernels.piecewise.forward(coded), kernels.piecewise.weight_gradient(coded);
  kernels.piecewise.position_gradient(coded), print_both("piecewise");
  print("piecewise", "weight gradient", gradient), print("piecewise", "position gradient", positions);
  for (int i = 0; i < table.activation_count; ++i) {
    const TrainableTiles<T>& tiles = table.typed<T>().trainable[i];
    if (!tiles.value) continue;
    tiles.value(x.data(), stride, rows, columns, x.data() + 3, y.data(), stride);
    tiles.backward(x.data(), stride, rows, columns, x.data() + 3, slope.data(), stride, sums.data());
    print_both(table.activations[i].info->name), print(table.activations[i].info->name, "parameter", sums);
  }
}

}  // namespace simdnn

int main() {
  using namespace simdnn;
  const Kernels& table = TABLE();
  const std::vector<float> parameter(20000, 0.75f);
  elementwise(table, kF16, halves(table, spread<float>()), halves(table, parameter));
  elementwise(table, kF32, spread<float>(), parameter);
  elementwise(table, kF64, spread<double>(), std::vector<double>(20000, 0.75));
  matrices<float>(table);
  matrices<double>(table);
  rounded_matrices(table.bf16);
  draws<float>(table.f32);
  draws<double>(table.f64);
  cells<float>(table);
  cells<double>(table);
  layers<float>(table);
  layers<double>(table);
}
