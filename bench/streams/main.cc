// Of which frames there is an answer, and how old it is, when more come than can be served.
#include <algorithm>

#include "streams/scenario.h"

namespace streams {
namespace {

using bench::Results, bench::text;

constexpr std::uint64_t simulated_frames = 200000, live_frames = 16000;
constexpr double loads[] = {.8, 2};

void check(const Fate& f, const Arm& arm) {
  if (f.lost != 0) throw bench::WrongAnswer{"a frame has no outcome, or two"};
  if (arm.ordered && f.older > 0) throw bench::WrongAnswer{"an answer came behind a later one of its stream"};
}

void smoke() {
  for (const Arm& arm : arms)
    for (const double load : loads) check(simulated(arm, load, 20000), arm);
  const Fate waits = simulated(arms[0], 2, 20000), latest = simulated(arms[2], 2, 20000);
  if (waits.older == 0) throw bench::WrongAnswer{"nothing comes out of order, so that order costs nothing"};
  if (latest.superseded < .2 || latest.fresh < .9 || waits.fresh > .2)
    throw bench::WrongAnswer{"the latest frames are not what is answered"};
  if (live(arms[2], .2, 100).delivered < .5) throw bench::WrongAnswer{"nobody was answered"};
}

std::vector<std::string> row(const std::string& how, double load, const Arm& arm, const Fate& f) {
  return {how,
          text(load, 1),
          arm.name,
          text(100 * f.delivered, 1),
          text(100 * f.superseded, 1),
          text(100 * f.refused, 1),
          text(f.fresh, 3),
          text(1e3 * f.p50, 1),
          text(1e3 * f.p99, 1),
          std::to_string(f.older)};
}
const std::vector<std::string> columns = {
    "",        "load", "arm", "delivered, %", "superseded, %", "refused, %", "fresh", "p50 of the age, ms",
    "p99, ms", "older"};

void simulations(Results& r) {
  bench::Table table{
      "Simulated", std::to_string(simulated_frames) + " frames each, from an empty system on.", columns, {}};
  double older = 0, delivered = 0;
  for (const double load : loads)
    for (const Arm& arm : arms) {
      const Fate f = simulated(arm, load, simulated_frames);
      check(f, arm);
      table.rows.push_back(row("simulated", load, arm, f));
      if (arm.ordered) older += static_cast<double>(f.older);
      if (!arm.latest) {
        delivered = f.delivered;
        continue;
      }
      if (load < 1) {
        r.figures.push_back({"streams.given_up",
                             "0.8 times the capacity: frames that waiting, ordered, delivers and latest does not",
                             100 * (delivered - f.delivered), .1, "%", false});
      } else {
        r.figures.push_back({"streams.not_fresh", "latest, twice the capacity: capacity that gives no fresh answer",
                             1 - f.fresh, .1, "x", false});
        r.figures.push_back({"streams.age", "the same: p99 of the age", 1e3 * f.p99, 50, "ms", false});
      }
    }
  r.figures.push_back({"streams.older", "ordered: answers behind a later one of their stream", older, 0, "", false});
  r.tables.push_back(std::move(table));
}

void lives(Results& r) {
  bench::Table table{"Live", std::to_string(live_frames) + " frames each, with sleeping stages.", columns, {}};
  const bench::ForeignLoad foreign;
  double served = 0, share = 0, age = 0;
  for (const double load : loads)
    for (const Arm& arm : arms) {
      const Fate f = live(arm, load, live_frames);
      if (f.lost != 0) throw bench::WrongAnswer{"a frame has no outcome, or two"};
      table.rows.push_back(row("live", load, arm, f));
      if (load < 1) continue;
      // Sleeps take longer than they should: what can be served is what is served where nobody is given up.
      if (!arm.latest) served = std::max(served, f.rate);
      else share = f.fresh, age = f.p99;
    }
  const bool disturbed = foreign.share() > .01;
  r.figures.push_back({"streams.live_not_fresh", "live, latest, twice the capacity: of what can be served, not fresh",
                       1 - share / std::max(served, share), .1, "x", disturbed});
  r.figures.push_back({"streams.live_age", "the same: p99 of the age", 1e3 * age, 60, "ms", disturbed});
  r.tables.push_back(std::move(table));
}

void measure(const bench::Options&, Results& r) {
  simulations(r);
  lives(r);
}

}  // namespace
}  // namespace streams

int main(int argc, char** argv) {
  return bench::run_program({"streams", "Streams of which the latest counts", streams::smoke, streams::measure}, argc,
                            argv);
}
