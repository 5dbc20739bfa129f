// Fills the table's inner loops of elementwise ufuncs.
#include "../loops/crelu.hpp"
#include "../loops/map.hpp"
#include "../loops/maxout.hpp"
#include "../ops/activations.hpp"
#include "../ops/elementary.hpp"
#include "part.hpp"

SIMDNN_LEVEL_BEGIN

template <class F>
constexpr void set_loops(Loop (&loops)[kStorages]) {
  loops[kF16] = map<F, Half>;
  loops[kF32] = map<F, float>;
  loops[kF64] = map<F, double>;
}

template <class Op>
constexpr ActivationLoops activation_loops() {
  ActivationLoops loops{};
  loops.info = &Op::info;
  set_loops<Value<Op>>(loops.value);
  set_loops<Derivative<Op>>(loops.derivative);
  set_loops<Backward<Op>>(loops.backward);
  if constexpr (has_parameter_derivative<Op>) set_loops<ParameterBackward<Op>>(loops.parameter_backward);
  return loops;
}

template <class Op>
constexpr ElementaryLoops elementary_loops() {
  ElementaryLoops loops{};
  loops.info = &Op::info;
  set_loops<Value<Op>>(loops.value);
  return loops;
}

constexpr auto kActivationTable =
    table_of<ActivationLoops>(Activations{}, []<class Op>(List<Op>) { return activation_loops<Op>(); });
constexpr auto kElementaryTable =
    table_of<ElementaryLoops>(Elementary{}, []<class Op>(List<Op>) { return elementary_loops<Op>(); });

constexpr MaxoutLoops maxout_loops() {
  return {{maxout_value<Half>, maxout_value<float>, maxout_value<double>},
          {maxout_derivative<Half>, maxout_derivative<float>, maxout_derivative<double>},
          {maxout_backward<Half>, maxout_backward<float>, maxout_backward<double>}};
}

/// Inner loop that converts between half and single precision.
template <class From, class To>
void convert(char* const* args, const Index* dims, const Index* steps) {
  for (Index i = 0; i < dims[0]; i += kLanes) {
    float block[kLanes];  // float represents both types exactly
    const Index count = dims[0] - i < kLanes ? dims[0] - i : kLanes;
    gather<From>(args[0] + i * steps[0], steps[0], count, block);
    scatter<To>(block, count, args[1] + i * steps[1], steps[1]);
  }
}

SIMDNN_LEVEL_END

void simdnn::SIMDNN_OF_LEVEL(element_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  kernels.activations = kActivationTable.entries;
  kernels.activation_count = kActivationTable.count;
  kernels.elementary = kElementaryTable.entries;
  kernels.elementary_count = kElementaryTable.count;
  kernels.maxout = maxout_loops();
  kernels.crelu[kF16] = crelu_value<Half>;
  kernels.crelu[kF32] = crelu_value<float>;
  kernels.crelu[kF64] = crelu_value<double>;
  kernels.f16_to_f32 = convert<Half, float>;
  kernels.f32_to_f16 = convert<float, Half>;
}
