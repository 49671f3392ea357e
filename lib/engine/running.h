#pragma once
#include <string>
#include <vector>

#include "engine/program.h"

namespace tailrace::detail {

// Adds the names of the stages that threads are in now, each once. A stage that begins or ends meanwhile may be missing
// or too many. REQUIRES: the program's frames stay where they are.
void add_running_stages(const Program& p, std::vector<std::string>& names);

}  // namespace tailrace::detail
