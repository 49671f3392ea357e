#include "tailrace/plan/model_stage.h"

namespace tailrace::detail {

void guard_row(RowCalls& calls, std::size_t i, void (*f)(void* context), void* context) noexcept {
  try {
    f(context);
  } catch (...) {
    calls.fail(i, thrown());
  }
}

}  // namespace tailrace::detail
