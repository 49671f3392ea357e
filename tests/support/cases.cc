#include "support/cases.h"

namespace tailrace::test {

const std::vector<Case>& cases() {
  static const std::vector<Case> table = [] {
    std::vector<Case> t;
    add_value_cases(t);
    add_combinator_cases(t);
    add_quorum_cases(t);
    add_hedge_cases(t);
    add_hedge_call_cases(t);
    add_staged_cases(t);
    add_each_cases(t);
    add_error_cases(t);
    add_request_cases(t);
    add_inlining_cases(t);
    add_admission_cases(t);
    add_waiting_cases(t);
    add_replace_cases(t);
    add_deadline_cases(t);
    add_cut_off_cases(t);
    add_anytime_cases(t);
    add_lifetime_cases(t);
    add_memory_cases(t);
    add_tick_cases(t);
    add_async_cases(t);
    add_station_cases(t);
    add_order_cases(t);
    add_overload_cases(t);
    add_batch_cases(t);
    add_batch_policy_cases(t);
    add_timing_cases(t);
    add_leaving_cases(t);
    add_building_cases(t);
    return t;
  }();
  return table;
}

}  // namespace tailrace::test
