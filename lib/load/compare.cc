#include "tailrace/load/compare.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "tailrace/core/random.h"

namespace tailrace::load {
namespace {

struct Figure {
  const char* what;
  double share;  // of a quantile; 0: see value_of
};
constexpr Figure figures[] = {{"p50", .5}, {"p90", .9}, {"p99", .99}, {"mean", 0}, {"goodput", 0}};

// 0: there is none.
double value_of(const Figure& figure, const DriveReport& r) {
  if (figure.what == std::string_view("goodput")) return r.goodput();
  if (figure.share == 0) return to_seconds(r.latency.mean);
  const bool known = (1 - figure.share) * static_cast<double>(r.latency.count) >= 5;
  return known ? to_seconds(r.latency.at(figure.share)) : 0;
}

// The rounds of one system.
struct Side {
  const System* system;
  std::vector<DriveReport> rounds{};

  DriveReport all(const CompareOptions& options) const {
    std::vector<Sample> samples;
    Duration time{};
    double foreign = 0, seconds = 0;
    for (const DriveReport& r : rounds) {
      for (Sample s : r.samples)
        if (s.number >= options.each.warm_up) {
          s.arrival += time;  // one round behind the other
          samples.push_back(s);
          samples.back().number = samples.size() - 1;
        }
      time += r.time;
      foreign += r.foreign.value_or(0) * to_seconds(r.time);
      seconds += r.foreign ? to_seconds(r.time) : 0;
    }
    DriveReport report = summarise(std::move(samples), 0, options.each.goal);
    report.seed = options.seed;
    report.time = time;
    report.end = rounds.back().end;
    for (const DriveReport& r : rounds) report.warm_up += r.warm_up;
    if (seconds > 0) report.foreign = foreign / seconds;
    return report;
  }
};

std::vector<Ratio> ratios_of(const Side& a, const Side& b) {
  std::vector<Ratio> ratios;
  for (const Figure& figure : figures) {
    Ratio ratio{figure.what, {}, {}};
    for (std::size_t i = 0; i < a.rounds.size(); ++i) {
      const double of_a = value_of(figure, a.rounds[i]), of_b = value_of(figure, b.rounds[i]);
      if (of_a > 0 && of_b > 0) ratio.rounds.push_back(of_b / of_a);
    }
    if (ratio.rounds.size() != a.rounds.size()) continue;
    ratio.median = median_of(ratio.rounds);
    ratios.push_back(std::move(ratio));
  }
  return ratios;
}

}  // namespace

Built<Comparison> compare(const System& a, const System& b, const Arrivals& arrivals, const CompareOptions& options) {
  if (options.rounds < 6)
    return Problems(Code::bad_value, "rounds",
                    "a comparison needs at least 6 rounds for its interval; got " + std::to_string(options.rounds));
  try {
    std::array<Side, 2> sides{Side{&a}, Side{&b}};
    for (unsigned round = 0; round <= options.rounds; ++round)
      for (unsigned k = 0; k < 2; ++k) {
        Side& side = sides[(round + k) % 2];
        DriveOptions each = options.each;
        each.seed = seed_of({options.seed, round});
        auto report = drive(arrivals, side.system->submit, each);
        if (!report) return std::move(report).error();
        if (report->requests == 0)
          return Problems(Code::bad_value, "rounds", "a round is too short: no request of it counts");
        if (round > 0) side.rounds.push_back(*std::move(report));
      }
    return Comparison{a.name, b.name, sides[0].all(options), sides[1].all(options), ratios_of(sides[0], sides[1])};
  } catch (const std::bad_alloc&) {
    return Problems(Code::out_of_memory, "requests", "there is not enough memory for what is kept of requests");
  }
}

}  // namespace tailrace::load
