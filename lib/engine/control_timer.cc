#include "engine/control_timer.h"

namespace tailrace::detail {

void leave_timers(Frame& f, std::uint32_t first, std::uint32_t last) noexcept {
  for (const Control& c : f.program->controls) {
    if (!has_timer(c) || c.around->first < first || c.around->first >= last) continue;
    if (f.words(c).b.load(std::memory_order_acquire) & timer_armed) disarm(f.at<ControlTimer>(c.gather));
  }
}

}  // namespace tailrace::detail
