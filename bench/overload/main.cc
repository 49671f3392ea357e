// What is answered in time when more is asked than can be served.
#include <algorithm>
#include <cmath>

#include "overload/scenario.h"

namespace overload {
namespace {

using bench::Results, bench::text;

constexpr std::uint64_t simulated_requests = 100000, live_requests = 8000;
constexpr int live_rounds = 3;
constexpr double loads[] = {.5, .8, 1, 1.5, 2, 3};

void smoke() {
  for (const Wait wait : {Wait::stage, Wait::thread})
    for (const Service& service : services()) {
      const auto some = [&](const Arm& arm, double load) { return simulated(arm, service, wait, load, 20000); };
      if (some(arms[0], 2).goodput > .1) throw bench::WrongAnswer{"in order of arrival there is goodput"};
      if (some(arms[2], 2).goodput < .9) throw bench::WrongAnswer{"shedding gives less than 90 % of the capacity"};
      if (some(arms[2], .5).goodput < .48) throw bench::WrongAnswer{"shedding costs answers where there is room"};
    }
  const Fate cut = simulated_cascade(true, 2, 20000), whole = simulated_cascade(false, 2, 20000);
  if (cut.missed + cut.refused > .001 || cut.second < .4 || whole.refused < .4)
    throw bench::WrongAnswer{"a cascade with a cut-off leaves requests without an answer, or its second rung unused"};
  if (live(arms[2], services()[0], Wait::stage, .1, 50).goodput <= 0) throw bench::WrongAnswer{"nobody was answered"};
}

std::string milliseconds(double seconds) { return std::isfinite(seconds) ? text(1e3 * seconds, 1) : "none"; }

std::vector<std::string> row(const std::string& what, const Arm& arm, const Fate& f) {
  return {what,
          text(f.offered, 1),
          arm.name,
          text(f.goodput, 3),
          text(100 * f.refused, 1),
          text(100 * f.missed, 2),
          milliseconds(f.p99)};
}
const std::vector<std::string> columns = {"service",          "load",           "arm", "goodput", "given up, %",
                                          "kept and late, %", "p99 of kept, ms"};

void simulations(Results& r) {
  for (const Wait wait : {Wait::stage, Wait::thread}) {
    bench::Table table{"Simulated: " + name(wait),
                       std::to_string(simulated_requests) + " requests each, from an empty system on.",
                       columns,
                       {}};
    double least = 1, most_late = 0, fifo = 0;
    for (const Service& service : services())
      for (const double load : loads)
        for (const Arm& arm : arms) {
          const Fate f = simulated(arm, service, wait, load, simulated_requests);
          table.rows.push_back(row(service.name, arm, f));
          if (load != 2) continue;
          if (arm.shed)
            least = std::min(least, f.goodput), most_late = std::max(most_late, f.p99 / tr::to_seconds(goal));
          if (!arm.deadline) fifo = std::max(fifo, f.goodput);
        }
    r.tables.push_back(std::move(table));
    const std::string which = wait == Wait::stage ? "stage" : "threads";
    r.figures.push_back({"e10." + which + "_lost",
                         "simulated, " + name(wait) + ", twice the capacity: goodput that is missing, worst service",
                         1 - least, .1, "x", false});
    r.figures.push_back({"e10." + which + "_p99", "the same: p99 of those that were kept, in goals, worst service",
                         most_late, 1, "x", false});
    r.figures.push_back(
        {"e10." + which + "_fifo", "the same: goodput in order of arrival, best service", fifo, .1, "x", false});
  }
}

// What share of all requests gets a right answer in time, where the rungs are right that often.
double accuracy(const Fate& f) {
  constexpr double first = .90, second = .98;
  return (1 - f.refused) * (1 - f.missed) * (f.second * second + (1 - f.second) * first);
}

void cascades(Results& r) {
  bench::Table table{
      "Simulated: a cascade whose second rung is overloaded",
      "The first rung takes 0.2 ms and the second one 1 ms, exponential, two at a time. In time: answered "
      "within the goal. Right: in time, and right, with 0.90 for the first rung and 0.98 for the second.",
      {"load", "cut-off", "in time, %", "anytime, %", "by the second rung, %", "right, %"},
      {}};
  for (const double load : {.5, 1., 1.5, 2., 3., 4.})
    for (const bool cut_off : {true, false}) {
      const Fate f = simulated_cascade(cut_off, load, simulated_requests);
      const double in_time = (1 - f.refused) * (1 - f.missed);
      table.rows.push_back({text(load, 1), cut_off ? "yes" : "no", text(100 * in_time, 2), text(100 * f.anytime, 1),
                            text(100 * f.second, 1), text(100 * accuracy(f), 2)});
      if (load == 2 && cut_off)
        r.figures.push_back({"e10.cascade_unanswered",
                             "a cascade with a cut-off at twice its second rung's capacity: requests without an answer",
                             1 - in_time, .01, "x", false});
    }
  r.tables.push_back(std::move(table));
}

// Rounds of all arms, one after another; the median of each. Sleeps take longer than they should, so what can be served
// is what the arm that serves everybody serves, in the same round.
void lives(const bench::Options& options, Results& r) {
  bench::Table table{"Live",
                     std::to_string(live_requests) + " requests a run with sleeping stages; the last of " +
                         std::to_string(live_rounds) +
                         " rounds. Goodput is a share of what the first arm serves in all "
                         "at twice the capacity, in that round.",
                     columns,
                     {}};
  const Service service = services()[1];
  for (const Wait wait : {Wait::stage, Wait::thread}) {
    std::vector<Fate> last(arms.size());
    const auto once = [&](std::size_t arm) {
      last[arm] = live(arms[arm], service, wait, 2, live_requests);
      return arm == 0 ? last[arm].rate : last[arm].goodput * capacity;
    };
    auto rounds = options;
    rounds.rounds = std::min(options.rounds, live_rounds);  // seconds each
    const auto c = bench::take_turns(arms.size(), once, rounds);
    const double serves = last[0].rate / capacity;
    for (std::size_t arm = 0; arm < arms.size(); ++arm) {
      last[arm].goodput /= serves;
      table.rows.push_back(row(service.name + ", " + name(wait), arms[arm], last[arm]));
    }
    const std::string which = wait == Wait::stage ? "stage" : "threads";
    const double share = bench::stats(bench::divide(c.arms[2], c.arms[0])).median;
    r.figures.push_back({"e10.live_" + which + "_lost",
                         "live, " + name(wait) + ", exponential, twice the capacity: goodput that is missing",
                         1 - share, .1, "x", !c.quiet});
  }
  r.tables.push_back(std::move(table));
}

void measure(const bench::Options& options, Results& r) {
  simulations(r);
  cascades(r);
  lives(options, r);
}

}  // namespace
}  // namespace overload

int main(int argc, char** argv) {
  return bench::run_program({"overload", "Overload", overload::smoke, overload::measure}, argc, argv);
}
