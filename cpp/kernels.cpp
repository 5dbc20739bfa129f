// Fills the table of one instruction-set level by folding over the registries. Compiled once per level.
#include "kernels.hpp"

#include "loops/map.hpp"
#include "loops/maxout.hpp"
#include "loops/product.hpp"
#include "loops/reduce.hpp"
#include "loops/update.hpp"
#include "ops/activations.hpp"
#include "ops/elementary.hpp"
#include "ops/losses.hpp"
#include "ops/softmax.hpp"

SIMDNN_LEVEL_BEGIN

template <class F>
constexpr void set_loops(Loop (&loops)[kStorages]) {
  loops[kHalf] = map<F, Half>;
  loops[kSingle] = map<F, float>;
  loops[kDouble] = map<F, double>;
}

template <class Op>
constexpr ActivationLoops activation_loops() {
  ActivationLoops loops{};
  loops.about = &Op::about;
  set_loops<Value<Op>>(loops.value);
  set_loops<Derivative<Op>>(loops.derivative);
  set_loops<Backward<Op>>(loops.backward);
  if constexpr (has_parameter_derivative<Op>) set_loops<ParameterBackward<Op>>(loops.parameter_backward);
  return loops;
}

template <class Op>
constexpr ElementaryLoops elementary_loops() {
  ElementaryLoops loops{};
  loops.about = &Op::about;
  set_loops<Value<Op>>(loops.value);
  return loops;
}

template <class Registry>
struct ActivationTables;

template <class... Op>
struct ActivationTables<List<Op...>> {
  static constexpr int count = sizeof...(Op);
  static constexpr ActivationLoops loops[] = {activation_loops<Op>()...};
  template <class T>
  static constexpr ActivationTiles<T> tiles[count] = {{infer_tile<Op, T>, train_tile<Op, T>, backward_tile<Op, T>}...};
};

template <class Registry>
struct ElementaryTables;

template <class... Op>
struct ElementaryTables<List<Op...>> {
  static constexpr int count = sizeof...(Op);
  static constexpr ElementaryLoops loops[] = {elementary_loops<Op>()...};
};

template <class Registry>
struct LossTables;

template <class... Loss>
struct LossTables<List<Loss...>> {
  static constexpr int count = sizeof...(Loss);
  static constexpr const LossDescription* about[] = {&Loss::about...};
  template <class T>
  static constexpr LossFunction<T> rows[count] = {Loss::template rows<T>...};
};

template <class Registry>
struct RuleTables;

template <class... Rule>
struct RuleTables<List<Rule...>> {
  static constexpr int count = sizeof...(Rule);
  static constexpr const RuleDescription* about[] = {&Rule::about...};
  template <class T>
  static constexpr Update<T> updates[count] = {update<Rule, T>...};
};

/// Half and single precision, element by element.
template <class From, class To>
void convert(char* const* args, const Index* dims, const Index* steps) {
  for (Index i = 0; i < dims[0]; i += kLanes) {
    float block[kLanes];  // holds either without loss
    const Index count = dims[0] - i < kLanes ? dims[0] - i : kLanes;
    gather<From>(args[0] + i * steps[0], steps[0], count, block);
    scatter<To>(block, count, args[1] + i * steps[1], steps[1]);
  }
}

template <class T>
constexpr TypedKernels<T> typed_kernels() {
  return {&product<T>,
          &transpose<T>,
          &softmax<T>,
          &log_softmax<T>,
          &row_sum<T>,
          &add_row<T>,
          ActivationTables<Activations>::template tiles<T>,
          LossTables<Losses>::template rows<T>,
          RuleTables<Rules>::template updates<T>};
}

#define SIMDNN_TEXT_(x) #x
#define SIMDNN_TEXT(x) SIMDNN_TEXT_(x)
constexpr Kernels kTable{SIMDNN_TEXT(SIMDNN_LEVEL),
                         ActivationTables<Activations>::loops,
                         ActivationTables<Activations>::count,
                         ElementaryTables<Elementary>::loops,
                         ElementaryTables<Elementary>::count,
                         maxout_loops(),
                         LossTables<Losses>::about,
                         LossTables<Losses>::count,
                         RuleTables<Rules>::about,
                         RuleTables<Rules>::count,
                         convert<Half, float>,
                         convert<float, Half>,
                         typed_kernels<float>(),
                         typed_kernels<double>()};

SIMDNN_LEVEL_END

#define SIMDNN_JOIN_(a, b) a##b
#define SIMDNN_JOIN(a, b) SIMDNN_JOIN_(a, b)
namespace simdnn {
const Kernels& SIMDNN_JOIN(kernels_, SIMDNN_LEVEL)() { return SIMDNN_LEVEL::kTable; }
}  // namespace simdnn
