// Fills the table's update rules, norms and schedules.
#include "../loops/norm.hpp"
#include "../loops/update.hpp"
#include "../ops/optimizers.hpp"
#include "../ops/schedules.hpp"
#include "part.hpp"

SIMDNN_LEVEL_BEGIN

template <class Rule>
constexpr Advance advance_of() {
  if constexpr (requires { &Rule::advance; }) {
    return Rule::advance;
  } else {
    return nullptr;
  }
}

template <class Registry>
struct RuleTables;

template <class... Rule>
struct RuleTables<List<Rule...>> {
  static constexpr int count = sizeof...(Rule);
  static constexpr const RuleDescription* info[] = {&Rule::info...};
  static constexpr Advance advances[] = {advance_of<Rule>()...};
  template <class T>
  static constexpr Update<T> updates[] = {update<Rule, T>...};
};

template <class T>
void fill(TypedKernels<T>& kernels) {
  kernels.updates = RuleTables<Rules>::updates<T>;
  kernels.all_finite = all_finite<T>;
  kernels.add_column_squares = add_column_squares<T>;
  kernels.scale_columns = scale_columns<T>;
}

SIMDNN_LEVEL_END

void simdnn::SIMDNN_OF_LEVEL(update_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  kernels.rules = RuleTables<Rules>::info;
  kernels.advances = RuleTables<Rules>::advances;
  kernels.rule_count = RuleTables<Rules>::count;
  kernels.schedules = ScheduleTable<Schedules>::info;
  kernels.schedule_count = ScheduleTable<Schedules>::count;
  kernels.schedule = schedule;
  fill(kernels.f32);
  fill(kernels.f64);
}
