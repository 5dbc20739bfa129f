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

constexpr auto kRuleTable =
    table_of<const RuleDescription*>(Rules{}, []<class Rule>(List<Rule>) { return &Rule::info; });
constexpr auto kAdvances = table_of<Advance>(Rules{}, []<class Rule>(List<Rule>) { return advance_of<Rule>(); });
template <class T>
constexpr auto kUpdates =
    table_of<Update<T>>(Rules{}, []<class Rule>(List<Rule>) { return Update<T>(update<Rule, T>); });

template <class T>
void fill(TypedKernels<T>& kernels) {
  kernels.updates = kUpdates<T>.entries;
  kernels.all_finite = all_finite<T>;
  kernels.add_column_squares = add_column_squares<T>;
  kernels.scale_columns = scale_columns<T>;
}

SIMDNN_LEVEL_END

void simdnn::SIMDNN_OF_LEVEL(update_kernels)(Kernels& kernels) {
  using namespace SIMDNN_LEVEL;
  kernels.rules = kRuleTable.entries;
  kernels.advances = kAdvances.entries;
  kernels.rule_count = kRuleTable.count;
  kernels.schedules = kScheduleTable.entries;
  kernels.schedule_count = kScheduleTable.count;
  kernels.schedule = schedule;
  fill(kernels.f32);
  fill(kernels.f64);
}
