#pragma once
#include <functional>
#include <string>

#include "support/measure.h"
#include "support/results.h"

namespace bench {

// One benchmark's program: `--smoke` compares answers and takes no times, `--json FILE` writes what was measured,
// `--attempts N` says how often to try to find the machine quiet, `--rounds N` how many rounds to take.
struct Program {
  std::string name;   // also of the results
  std::string title;  // for the page
  std::function<void()> smoke;
  std::function<void(const Options&, Results&)> measure;
};
int run_program(const Program& program, int argc, char** argv);

}  // namespace bench
