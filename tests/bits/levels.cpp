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

/// Hashes loop(dy, x, parameters...) of so many arrays, in half, single or double precision as T says.
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

/// The same numbers in half precision, as bits.
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
  std::vector<T> c(std::size_t(p.rows * p.columns));
  p.c = c.data();
  p.b_row = 1, p.b_column = p.depth;
  kernels.product(p);
  print("product", "by columns of b", c);
  p.b_row = p.columns, p.b_column = 1;
  p.a_row = 1, p.a_column = p.rows = 32;
  for (const Index columns : {1, 3, 10}) {
    p.columns = columns;
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
  Product<T> p;
  p.rows = rows, p.columns = columns, p.depth = depth;
  p.a = a.data(), p.a_row = depth, p.a_column = 1;
  p.b = b.data(), p.b_row = columns, p.c = c.data(), p.c_row = columns;
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
    LossRows<T> batch;
    batch.parameters = parameters;
    batch.rows = rows, batch.columns = columns, batch.output = c.data(), batch.output_stride = columns;
    batch.values = b.data(), batch.values_stride = columns, batch.gradient = gradient.data();
    if (info.target != Target::values) batch.classes = classes.data();
    batch.gradient_stride = columns, batch.row_loss = row_loss.data();
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
    SoftmaxRows<T> batch;
    batch.rows = Index(c.size()) / width, batch.columns = width;
    batch.x = c.data(), batch.x_stride = width, batch.out = gradient.data(), batch.out_stride = width;
    kernels.softmax(batch);
    print("softmax", "", gradient);
  }
}

/// What random layers draw, and what contrastive divergence does with it.
template <class T>
void draws(const TypedKernels<T>& kernels) {
  const std::vector<T> x = numbers<T>(11 * 70, 7919);
  std::vector<T> y(x.size()), slope(x.size());
  RandomRows<T> rows{11, 70, x.data(), 70, y.data(), slope.data(), 70, {123456789, 5, 2, 3}};
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
    CellRows<T> step;
    step.rows = rows, step.units = units, step.gates = gates.data(), step.gates_stride = 4 * units;
    step.h = h.data(), step.next_h = next_h.data(), step.c = c.data(), step.next_c = next_c.data();
    step.tanh_of_c = tanh_of_c.data(), step.dh = dh.data(), step.dc = dc.data(), step.stride = units;
    cell.forward(step);
    for (const auto* found : {&gates, &next_h, &next_c}) print("cell", "forward", *found);
    cell.backward(step);
    for (const auto* found : {&gates, &dh, &dc}) print("cell", "backward", *found);
  }
}

/// What layers do beside products and activations.
template <class T>
void layers(const Kernels& table) {
  const LayerKernels<T>& kernels = table.typed<T>().layers;
  constexpr Index rows = 37, columns = 90, stride = padded(columns);
  std::vector<T> x = numbers<T>(rows * stride, 7919), y(rows * stride), slope(rows * stride);
  RandomRows<T> random;
  random.rows = rows, random.columns = columns, random.x = x.data(), random.x_stride = stride;
  random.y = y.data(), random.slope = slope.data(), random.stride = stride, random.random = {7, 3, 1, 5};
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
  NormColumns<T> n;
  n.mean = mean.data(), n.variance = variance.data(), n.eps = 1e-5, n.weight = x.data(), n.bias = x.data() + 9;
  n.inverse = inverse.data(), n.sums = sums.data(), n.products = products.data(), n.center = factors[0].data();
  n.scale = factors[1].data(), n.offset = factors[2].data(), n.x_scale = factors[3].data(),
  n.dx_offset = factors[4].data();
  kernels.norm.norm_factors(n, 0, columns);
  kernels.norm.batch_norm_backward_coefficients(n, 0, columns, rows);
  kernels.norm.scale_columns_to(x.data(), stride, rows, columns, n.center, n.scale, n.offset, y.data(), stride);
  kernels.norm.batch_norm_backward(slope.data(), stride, x.data(), stride, rows, columns, n.scale, n.center, n.x_scale,
                                   n.dx_offset);
  print_both("batch_norm");
  NormRows<T> r;
  r.rows = rows, r.columns = columns, r.x = x.data(), r.x_stride = stride, r.eps = 1e-5, r.weight = x.data();
  r.bias = x.data() + 9, r.normal = slope.data(), r.y = y.data(), r.stride = stride, r.inverse = inverse.data();
  kernels.norm.layer_norm(r), print_both("layer_norm");
  kernels.norm.layer_norm_backward(r), print_both("layer_norm_backward");
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
  draws<float>(table.f32);
  draws<double>(table.f64);
  cells<float>(table);
  cells<double>(table);
  layers<float>(table);
  layers<double>(table);
}
