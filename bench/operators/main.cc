#include <algorithm>
#include <thread>

#include "operators/scenario.h"
#include "support/program.h"

namespace operators {
namespace {

using namespace std::chrono_literals;
using bench::Comparison, bench::Results, bench::Series, bench::text;
using Nanoseconds = std::chrono::nanoseconds;
using Chain = std::array<Operator, count>;

struct Rival {
  const char* name;
  Make make;
};
std::vector<Rival> systems() {
  std::vector<Rival> all = {{"loop", loop}, {"tailrace", tailrace_flow}};
#if TAILRACE_HAS_TBB
  all.push_back({"flow graph", flow_graph});
#endif
  return all;
}
unsigned workers() { return std::max(2u, std::thread::hardware_concurrency()) - 1; }

std::vector<bench::Requests> clients(const Chain& chain) {
  std::vector<bench::Requests> all;
  for (const Rival& rival : systems()) {
    std::shared_ptr<System> system = rival.make(chain, 1, [](std::uint32_t) {});
    all.push_back({rival.name, [system](std::uint32_t seed) { return system->answer(seed); }});
  }
  return all;
}

// This share of what the workers can do.
Load under_load(Make make, const Chain& chain, std::size_t n, double request_ns, double share) {
  const double rate = share * workers() * 1e9 / request_ns;
  return run_load([&](Done done) { return make(chain, workers(), std::move(done)); }, rate, n);
}

void smoke() {
  const Chain chain = operators_of(2us);
  bench::check_answers(clients(chain));
  for (const Rival& rival : systems())
    for (const double latency : under_load(rival.make, chain, 200, 20000, .6).latencies)
      if (latency <= 0) throw bench::WrongAnswer{"an answer came before its request"};
}

std::string share(double value) { return text(value, 3); }

void add_figures(Results& r, const std::string& name, const std::string& what, const std::vector<Series>& arms,
                 bool quiet) {
  const auto ratio = [&](std::size_t by) { return bench::stats(bench::divide(arms[1], arms[by])).median; };
  r.figures.push_back({"e1." + name + "_loop", what + ", against the loop", ratio(0), 1.02, "x", !quiet});
  if (arms.size() > 2)
    r.figures.push_back({"e1." + name + "_graph", what + ", against the flow graph", ratio(2), 1., "x", !quiet});
}

// Gives what a request takes.
double closed(Nanoseconds size, const Chain& chain, const bench::Options& options, Results& r, bench::Table& table) {
  const auto all = clients(chain);
  bench::check_answers(all);
  const int per_round = std::clamp(static_cast<int>(50ms / (10 * size)), 5, 1000);
  const Comparison c = bench::time_requests(all, per_round, 0ns, options);
  for (std::size_t i = 0; i < all.size(); ++i)
    table.rows.push_back({bench::in_words(size), all[i].name, text(bench::stats(c.arms[i]).median / 1000, 1),
                          share(bench::stats(bench::divide(c.arms[i], c.arms[0])).median), c.quiet ? "" : "void"});
  add_figures(r, "closed_" + std::to_string(size / 1us) + "us",
              "median request, one client, operators of " + bench::in_words(size), c.arms, c.quiet);
  return bench::stats(c.arms[0]).median;
}

void open(Nanoseconds size, const Chain& chain, double request_ns, const bench::Options& options, Results& r,
          bench::Table& table) {
  const auto all = systems();
  const auto n = static_cast<std::size_t>(std::clamp(1e9 / request_ns, 100., 2000.));
  std::vector<Series> medians(all.size()), latencies(all.size()), lateness(all.size());
  const bench::ForeignLoad foreign;
  for (int round = 0; round < options.rounds; ++round)
    for (std::size_t k = 0; k < all.size(); ++k) {
      const std::size_t i = round % 2 ? all.size() - 1 - k : k;
      const Load load = under_load(all[i].make, chain, n, request_ns, .6);
      medians[i].push_back(bench::stats(load.latencies).median);
      latencies[i].insert(latencies[i].end(), load.latencies.begin(), load.latencies.end());
      lateness[i].push_back(load.lateness);
    }
  const bool quiet = foreign.share() <= options.most_foreign;
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::sort(latencies[i].begin(), latencies[i].end());
    const auto p99 = latencies[i][latencies[i].size() * 99 / 100];
    table.rows.push_back({bench::in_words(size), all[i].name, text(bench::stats(medians[i]).median / 1000, 1),
                          text(p99 / 1000, 1), std::to_string(latencies[i].size()),
                          text(bench::stats(lateness[i]).median / 1000, 1),
                          share(bench::stats(bench::divide(medians[i], medians[0])).median), quiet ? "" : "void"});
  }
  add_figures(r, "open_" + std::to_string(size / 1us) + "us",
              "median request at 60 % load, operators of " + bench::in_words(size), medians, quiet);
}

void measure(const bench::Options& options, Results& r) {
  bench::Table one{
      "e1: one client", "Medians of requests and rounds.", {"operators", "system", "p50, us", "x loop", ""}, {}};
  bench::Table many{"e1: 60 % load",
                    std::to_string(workers()) + " workers; times from the intended arrival.",
                    {"operators", "system", "p50, us", "p99, us", "requests", "sender late, us", "x loop", ""},
                    {}};
  for (const Nanoseconds size : {Nanoseconds(10us), Nanoseconds(100us), Nanoseconds(1ms)}) {
    const Chain chain = operators_of(size);
    const double request_ns = closed(size, chain, options, r, one);
    open(size, chain, request_ns, options, r, many);
  }
  r.tables.push_back(std::move(one));
  r.tables.push_back(std::move(many));
}

}  // namespace
}  // namespace operators

int main(int argc, char** argv) {
  return bench::run_program({"operators", "Ten real operators", operators::smoke, operators::measure}, argc, argv);
}
