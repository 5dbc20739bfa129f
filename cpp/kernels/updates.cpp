// Update rules.
#include "../loops/update.hpp"
#include "../ops/optimizers.hpp"
#include "part.hpp"

SIMDNN_LEVEL_BEGIN

template <class Registry>
struct RuleTables;

template <class... Rule>
struct RuleTables<List<Rule...>> {
  static constexpr int count = sizeof...(Rule);
  static constexpr const RuleDescription* about[] = {&Rule::about...};
  template <class T>
  static constexpr Update<T> updates[] = {update<Rule, T>...};
};

SIMDNN_LEVEL_END

void simdnn::SIMDNN_OF_LEVEL(update_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  kernels.rules = RuleTables<Rules>::about;
  kernels.rule_count = RuleTables<Rules>::count;
  kernels.single.updates = RuleTables<Rules>::updates<float>;
  kernels.real.updates = RuleTables<Rules>::updates<double>;
}
