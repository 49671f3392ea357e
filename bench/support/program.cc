#include "support/program.h"

#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <vector>

namespace bench {
namespace {

int run(const Program& program, const std::vector<std::string>& args) {
  Options options;
  std::string json;
  for (std::size_t i = 0; i < args.size(); i += 2) {
    if (args[i] == "--smoke") return program.smoke(), 0;
    const bool known = args[i] == "--json" || args[i] == "--attempts" || args[i] == "--rounds";
    if (!known || i + 1 == args.size()) {
      std::cout << "bench_" << program.name << " [--smoke | [--json FILE] [--attempts N] [--rounds N]]\n";
      return args[i] == "--help" ? 0 : 2;
    }
    if (args[i] == "--json") json = args[i + 1];
    else (args[i] == "--rounds" ? options.rounds : options.attempts) = std::max(1, std::atoi(args[i + 1].c_str()));
  }
  Results results{program.name, program.title, {}, {}, {}};
  program.smoke();
  program.measure(options, results);
  print(results);
  if (!json.empty()) write(results, json);
  return 0;
}

}  // namespace

int run_program(const Program& program, int argc, char** argv) {
  try {
    return run(program, {argv + 1, argv + argc});
  } catch (const WrongAnswer& wrong) {
    std::cerr << "bench_" << program.name << ": wrong answer: " << wrong.what << "\n";
  } catch (const std::exception& e) {
    std::cerr << "bench_" << program.name << ": " << e.what() << "\n";
  }
  return 1;
}

}  // namespace bench
