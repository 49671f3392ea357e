#include <cmath>
#include <limits>
#include <sstream>

#include "overload/scenario.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/sim/service.h"
#include "tailrace/sim/simulate.h"

namespace overload {
namespace {

// A request as `--raw` tells of it.
struct Line {
  double latency = 0;  // seconds
  std::string outcome;
  int rung = -1;
  bool anytime = false;
};
std::vector<Line> lines_of(const std::string& raw) {
  std::istringstream in(raw);
  std::vector<Line> all;
  for (std::string row; std::getline(in, row);) {
    if (row.empty() || row[0] < '0' || row[0] > '9') continue;  // the columns' names
    std::istringstream cells(row);
    std::string number, arrival, latency, outcome, rung, winner, anytime;
    for (std::string* cell : {&number, &arrival, &latency, &outcome, &rung, &winner, &anytime})
      std::getline(cells, *cell, ',');
    all.push_back({std::stod(latency) * 1e-9, outcome, rung.empty() ? -1 : std::stoi(rung), anytime == "1"});
  }
  return all;
}

template <class Flow>
std::vector<Line> run(const Flow& flow, double load, std::uint64_t requests, unsigned workers, bool deadline, bool shed,
                      double& seconds) {
  std::ostringstream raw;
  tr::Request request;
  if (deadline) request.within = goal;
  const auto report =
      tr::sim::simulate(tr::optimise(flow).value(),
                        tr::sim::Workload<int>{tr::load::Poisson{load * capacity}, {}, request},
                        {.seed = 7, .workers = workers, .requests = requests, .shed = shed, .raw = &raw})
          .value();
  seconds = tr::to_seconds(report.time);
  return lines_of(raw.str());
}

}  // namespace

Fate simulated(const Arm& arm, const Service& service, Wait wait, double load, std::uint64_t requests) {
  const auto flow = tr::flow<int>("serve", [&](tr::Stream<int> x) {
    auto serve = tr::sim::service<int>(service.time, {.seed = 3, .holds_worker = wait == Wait::thread});
    if (wait == Wait::thread) return x.then("serve", serve);
    return x.then("serve", tr::stage(serve, {.limit = places}));
  });
  double seconds = 0;
  std::vector<double> latencies;
  const auto all = run(flow, load, requests, places, arm.deadline, arm.shed, seconds);
  for (const Line& line : all)
    latencies.push_back(line.outcome == "answered" ? line.latency
                        : line.outcome == "would_miss" || line.outcome == "overloaded"
                            ? -1
                            : std::numeric_limits<double>::infinity());
  return fate_of(std::move(latencies), load, seconds);
}

Fate simulated_cascade(bool cut_off, double load, std::uint64_t requests) {
  const auto flow = tr::flow<int>("cascade", [&](tr::Stream<int> x) {
    const auto quick = tr::sim::service<int>(tr::sim::exponential(mean / 5), {.seed = 3, .holds_worker = false});
    const auto good = tr::sim::service<int>(tr::sim::exponential(mean), {.seed = 4, .holds_worker = false});
    const auto never_sure = [](const int&) { return false; };
    const auto answer = tr::cascade("label", x, tr::exit_if(tr::stage(quick, {.limit = places}), never_sure),
                                    tr::stage(good, {.limit = places}));
    // What something follows has no cut-off of its own.
    return cut_off ? answer : answer.then("last", [](int y) { return y; });
  });
  double seconds = 0;
  std::vector<double> latencies;
  double anytime = 0, second = 0, answered = 0;
  for (const Line& line : run(flow, load, requests, places, true, true, seconds)) {
    const bool has_answer = line.outcome == "answered";
    latencies.push_back(has_answer ? line.latency
                        : line.outcome == "would_miss" || line.outcome == "overloaded"
                            ? -1
                            : std::numeric_limits<double>::infinity());
    answered += has_answer;
    anytime += has_answer && line.anytime;
    second += has_answer && line.rung == 1;
  }
  Fate fate = fate_of(std::move(latencies), load, seconds);
  fate.anytime = answered > 0 ? anytime / answered : 0;
  fate.second = answered > 0 ? second / answered : 0;
  return fate;
}

}  // namespace overload
