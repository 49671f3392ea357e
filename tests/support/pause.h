#pragma once
#include <functional>

#include "support/settings.h"

namespace tailrace::test {

// Lets that much time of the setting's clock pass. REQUIRES: no other thread uses the executor where it is virtual.
void pause(const Setting& setting, Duration duration);

// Calls `f` that much later: on virtual time as a task, live on a thread that is no executor's.
void after(const Setting& setting, Duration duration, std::function<void()> f);

}  // namespace tailrace::test
