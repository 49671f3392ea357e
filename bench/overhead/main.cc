#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "overhead/scenario.h"

namespace {

const char* const usage =
    "bench_overhead [--smoke | --list | --count SCENARIO N | --allocations | [--json FILE] [--attempts N]]\n"
    "  --smoke        compares all answers and counts allocations, takes no times\n"
    "  --list         names of what --count knows\n"
    "  --count S N    does the work of scenario S N times and nothing else, for callgrind\n"
    "  --allocations  allocations per request of every path\n"
    "  --json FILE    writes what was measured\n"
    "  --attempts N   tries so often to find the machine quiet (5)\n";

int fail(const std::string& why) {
  std::cerr << "bench_overhead: " << why << "\n";
  return 1;
}

int count(const std::string& name, long n) {
  for (const auto& scenario : overhead::counted())
    if (scenario.name == name) return scenario.make()(n), 0;
  return fail("no scenario " + name + "; --list names them");
}
int list() {
  for (const auto& scenario : overhead::counted()) std::cout << scenario.name << "\n";
  return 0;
}
// Lines of "name figure"; fails where `strict` and the library allocates.
int allocations(long requests, bool strict) {
  if (!bench::counts_allocations) return 0;
  int code = 0;
  for (const auto& f : overhead::count_allocations(requests)) {
    std::cout << f.name << " " << f.value << "\n";
    if (strict && f.value > .5) code = fail(f.name + " allocates " + bench::text(f.value) + " times per request");
  }
  return code;
}
int smoke() {
  overhead::check_all_answers();
  return allocations(100, true);
}
int measure(const bench::Options& options, const std::string& json) {
  bench::Results results{"overhead", "What the library adds to a request", {}, {}, {}};
  overhead::measure(options, results);
  bench::print(results);
  if (!json.empty()) bench::write(results, json);
  return 0;
}

int run(const std::vector<std::string>& args) {
  bench::Options options;
  std::string json;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const auto next = [&] {
      return i + 1 < args.size() ? args[++i] : throw std::runtime_error("incomplete\n" + std::string(usage));
    };
    if (args[i] == "--smoke") return smoke();
    if (args[i] == "--list") return list();
    if (args[i] == "--allocations") return allocations(2000, false);
    if (args[i] == "--count") {
      const std::string name = next();
      return count(name, std::atol(next().c_str()));
    }
    if (args[i] == "--json") json = next();
    else if (args[i] == "--attempts") options.attempts = std::atoi(next().c_str());
    else return std::cout << usage, args[i] == "--help" ? 0 : 2;
  }
  return measure(options, json);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const bench::WrongAnswer& wrong) {
    return fail("wrong answer: " + wrong.what);
  } catch (const std::exception& e) {
    return fail(e.what());
  }
}
