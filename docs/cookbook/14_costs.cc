// Costs: what stages take is measured, kept as JSON, and decides how the flow runs.
#include <tailrace/exec/pool.h>
#include <tailrace/tailrace.h>

#include <iostream>
#include <regex>
#include <thread>

namespace tr = tailrace;
using namespace std::chrono_literals;

// Two devices that are asked over a slow line, and functions that take next to nothing.
int ask(int answer) {
  std::this_thread::sleep_for(100ms);
  return answer;
}
int clean(const int& x) { return x < 0 ? 0 : x; }
int faces(const int& photo) { return ask(photo % 5); }
int trees(const int& photo) { return ask(photo % 7); }
std::string caption(const int& f, const int& t) {
  return std::to_string(f) + " faces, " + std::to_string(t) + " trees";
}
std::string shout(const std::string& s) { return s + "!"; }

// Times differ from run to run, this page must not: hides them, and joins lines that were broken for their length.
std::string masked(std::string text) {
  text = std::regex_replace(text, std::regex(R"(\n {11}(\S))"), " $1");
  text = std::regex_replace(text, std::regex(R"(measured on [^\n]*)"), "measured on DATE, MACHINE");
  text = std::regex_replace(text, std::regex(R"([0-9.e+-]+ (ns|us|ms|s)\b *)"), "TIME ");
  text = std::regex_replace(text, std::regex(R"((takes)  +)"), "$1 ");
  return std::regex_replace(text, std::regex(R"(( |TIME) (\n|:|;|,|\)))"), "$1$2");
}
// From where it says how the flow runs.
std::string how(const tr::Plan<int, std::string>& plan) {
  const std::string text = tr::explain(plan);
  return masked(text.substr(text.find("how it runs")));
}

int main() {
  auto flow = tr::flow<int>("describe", [](tr::Stream<int> photo) {
    auto cleaned = photo.then("clean", clean);
    auto both = tr::join_with("caption", caption, cleaned.then("faces", faces), cleaned.then("trees", trees));
    return both.then("shout", shout).then("length", [](const std::string& s) { return s.substr(0, 40); });
  });
  auto plan = tr::optimise(flow).value();
  std::cout << "---- nothing is known\n" << how(plan) << "\n";

  // Runs every stage over the samples. `executor` says how many threads the flow will have.
  const std::vector<int> samples = {12, 31};
  tr::MeasureOptions options{.rounds = 3, .warm_up = 1, .executor = tr::pool_executor(2).value()};
  tr::Profile profile = tr::measure(flow, samples, options).value();
  std::cout << "---- measured: ";
  for (const tr::Cost& cost : profile.costs) std::cout << (cost.where.empty() ? "the flow" : cost.where) << ", ";
  std::cout << "on " << profile.measured.threads << " threads\n";
  std::cout << "faces takes " << (profile.find("faces")->time.min > 0.05 ? "more" : "less") << " than 50 ms, clean "
            << (profile.find("clean")->time.min > 0.05 ? "more" : "less") << "\n";

  // A profile is plain data, and has a text to be kept.
  std::string text = tr::write_profile(profile).value();
  std::cout << "reads as written: " << (tr::read_profile(text).value() == profile ? "yes" : "no") << "\n";
  std::cout << tr::read_profile("{\"costs\": [{\"wher\": \"clean\"}]}").error().what() << "\n\n";

  // This page is checked on busy machines too, where rounds may differ much; explain would tell.
  for (tr::Cost& cost : profile.costs) cost.time.spread = 0;
  auto decided = tr::optimise(flow, {.profile = profile}).value();
  std::cout << "---- with the profile\n" << how(decided) << "\n";

  // No block is to take longer than this: what a frame loop asks for.
  auto capped = tr::optimise(flow, {.profile = profile, .max_block = 10ms, .without = {"fork"}}).value();
  std::cout << "---- no block above 10 ms, and no fork\n" << how(capped) << "\n";

  auto engine = tr::start(decided, {.executor = tr::pool_executor(2).value()}).value();
  std::cout << engine.run(12).value() << "\n";
}
