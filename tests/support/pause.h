#pragma once
#include "support/settings.h"

namespace tailrace::test {

// Lets that much time of the setting's clock pass. REQUIRES: no other thread uses the executor where it is virtual.
void pause(const Setting& setting, Duration duration);

}  // namespace tailrace::test
