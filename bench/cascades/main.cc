// What a cut-off in the middle of a flow gives under load: answers in time, and which rung gave them.
#include <algorithm>
#include <cmath>
#include <sstream>
#include <vector>

#include "support/program.h"
#include "tailrace/exec/start.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/load/driver.h"
#include "tailrace/sim/service.h"
#include "tailrace/sim/simulate.h"

namespace cascades {
namespace {

using namespace std::chrono_literals;
using bench::Results, bench::text;
namespace tr = tailrace;

constexpr tr::Duration goal = 20ms, reserve = 2ms, first_takes = 500us, second_takes = 4ms, behind_takes = 500us;
constexpr unsigned places = 2;
constexpr std::uint64_t seed = 5;
constexpr double unsure = .75;  // the share of inputs that go on to the second rung
constexpr double right[] = {.90, .98};

auto take(tr::sim::Distribution time, std::uint64_t draws, double throws = 0) {
  tr::sim::ServiceOptions options{.seed = draws, .holds_worker = false, .looks_every = 500us};
  options.faults.throws = throws;
  return tr::stage(tr::sim::service<int>(std::move(time), options), {.limit = places});
}

enum class Form { cascade, staged };
constexpr Form forms[] = {Form::cascade, Form::staged};
const char* name(Form form) { return form == Form::cascade ? "cascade" : "staged"; }

bool sure(int n) { return n % 4 == 0; }

tr::Stream<int> rungs(tr::Stream<int> x, bool cut_off) {
  const auto first = tr::exit_if(take(tr::sim::constant(first_takes), 1), [](int n) { return sure(n); });
  const auto second = take(tr::sim::exponential(second_takes), 2, .02);
  return cut_off ? tr::cascade("rungs", x, tr::reserve(reserve), first, second)
                 : tr::cascade("rungs", x, first, second);
}
// One network in two parts; where its first is not sure it says what it would have answered.
tr::Stream<int> parts(tr::Stream<int> x, bool cut_off) {
  const auto first = tr::flow<int>("first", [](tr::Stream<int> y) {
    using Step = tr::AnytimeExit<int, int>;
    return y.then("take", take(tr::sim::constant(first_takes), 1)).then("exit", [](int n) {
      return sure(n) ? Step::leave(n) : Step::go_on(n, n);
    });
  });
  const auto second = take(tr::sim::exponential(second_takes), 2);
  return cut_off ? tr::staged("rungs", x, tr::reserve(reserve), first, second) : tr::staged("rungs", x, first, second);
}
tr::Plan<int, int> plan_of(Form form, bool cut_off) {
  const auto flow = tr::flow<int>("label", [&](tr::Stream<int> x) {
    const auto label = form == Form::cascade ? rungs(x, cut_off) : parts(x, cut_off);
    return label.then("behind", tr::sim::service<int>(tr::sim::constant(behind_takes), {.holds_worker = false}));
  });
  return tr::optimise(flow).value();
}

tr::load::Arrivals arrivals(double load) {
  return tr::load::Poisson{load * places / tr::to_seconds(second_takes) / unsure};
}
int input(std::uint64_t n) { return static_cast<int>(n); }

// Shares of all requests.
struct Fate {
  double in_time = 0, anytime = 0, fallback = 0, second = 0, right = 0, p99 = 0;
};
Fate fate_of(const std::vector<tr::load::Sample>& samples) {
  Fate f;
  std::vector<tr::Duration> times;
  for (const auto& s : samples) {
    if (s.unanswered || s.code != tr::Code::none) continue;
    times.push_back(s.latency);
    if (s.latency > goal + 1ms) continue;  // live, a callback comes a little later than its outcome
    f.in_time += 1;
    f.anytime += s.facts.anytime;
    f.fallback += s.facts.fallback;
    f.second += s.facts.rung == 1;
    f.right += right[std::clamp<int>(s.facts.rung, 0, 1)];
  }
  for (double* share : {&f.in_time, &f.anytime, &f.fallback, &f.second, &f.right})
    *share /= static_cast<double>(samples.size());
  f.p99 = tr::to_seconds(tr::load::summarise(std::move(times)).at(.99));
  return f;
}

Fate simulated(Form form, bool cut_off, double load, std::uint64_t requests) {
  std::ostringstream raw;
  (void)tr::sim::simulate(plan_of(form, cut_off),
                          tr::sim::Workload<int>{arrivals(load), input, tr::Request{.within = goal}},
                          {.seed = seed, .workers = 2, .requests = requests, .raw = &raw})
      .value();
  return fate_of(tr::load::read_samples(raw.str()).value());
}

Fate live(Form form, bool cut_off, double load, std::uint64_t requests) {
  auto engine = tr::start(plan_of(form, cut_off), {.threads = 2, .max_in_flight = 4096, .max_losers = 4096}).value();
  auto report = tr::load::drive(arrivals(load), tr::load::into(engine, input, tr::Request{.within = goal}),
                                {.seed = seed, .requests = requests, .goal = goal})
                    .value();
  return fate_of(report.samples);
}

void smoke() {
  for (const Form form : forms) {
    const Fate with = simulated(form, true, 1.2, 20000), without = simulated(form, false, 1.2, 20000);
    if (with.in_time < .99 || with.anytime < .05 || with.second < .3)
      throw bench::WrongAnswer{"a cut-off does not give answers in time, or not of both rungs"};
    if ((with.fallback > 0) != (form == Form::cascade)) throw bench::WrongAnswer{"failing rungs were not, or were"};
    if (without.in_time > with.in_time - .05 || without.anytime != 0)
      throw bench::WrongAnswer{"without a cut-off as much is in time"};
    if (live(form, true, .5, 100).in_time == 0) throw bench::WrongAnswer{"nobody was answered in time"};
  }
}

// The worst of all loads.
struct Worst {
  double missing = 0, missing_live = 0, apart = 0, gain = 1;
};
constexpr std::uint64_t many = 100000, live_requests = 3000;

void measure_load(Form form, double load, bench::Table& table, Worst& worst) {
  Fate arms[2];
  for (const bool cut_off : {false, true}) {
    const auto add = [&](const std::string& how, const Fate& f) {
      std::vector<std::string> cells{name(form), text(load, 1), cut_off ? "yes" : "no", how};
      for (const double share : {f.in_time, f.anytime, f.fallback, f.second, f.right})
        cells.push_back(text(100 * share, 1));
      cells.push_back(text(1e3 * f.p99, 1));
      table.rows.push_back(std::move(cells));
    };
    const Fate all = arms[cut_off] = simulated(form, cut_off, load, many);
    add("simulated", all);
    if (load > 1.5) continue;
    const Fate few = simulated(form, cut_off, load, live_requests), lived = live(form, cut_off, load, live_requests);
    add("simulated, the same", few);
    add("live", lived);
    worst.apart = std::max(worst.apart, 100 * std::abs(lived.right - few.right));
    if (cut_off && load > 1) worst.missing = 1 - all.in_time, worst.missing_live = 1 - lived.in_time;
  }
  if (load > 1) worst.gain = std::min(worst.gain, arms[1].right - arms[0].right);
}

void measure(const bench::Options&, Results& r) {
  bench::Table table{
      "A cut-off in the middle of a flow",
      "Shares of all requests, %: " + std::to_string(many) + " simulated, " + std::to_string(live_requests) +
          " of them live.",
      {"of", "load", "cut-off", "", "in time", "anytime", "fallback", "by the second rung", "right", "p99, ms"},
      {}};
  for (const Form form : forms) {
    Worst worst;
    const bench::ForeignLoad foreign;
    for (const double load : {.5, .9, 1.2, 2.}) measure_load(form, load, table, worst);
    const bool disturbed = foreign.share() > .01;
    const std::string of = name(form);
    r.figures.push_back({of + ".missing",
                         of + ": requests without an answer in time at 1.2 times the second rung's capacity",
                         100 * worst.missing, 1, "%", false});
    r.figures.push_back({of + ".missing_live", "the same live", 100 * worst.missing_live, 2, "%", disturbed});
    r.figures.push_back({of + ".gain",
                         "right answers that the cut-off adds above capacity, the least",
                         100 * worst.gain,
                         {},
                         "points",
                         false});
    r.figures.push_back({of + ".live", "share of right answers live off the simulator's of the same requests, worst",
                         worst.apart, 5, "points", disturbed});
  }
  r.tables.push_back(std::move(table));
}

}  // namespace
}  // namespace cascades

int main(int argc, char** argv) {
  return bench::run_program({"cascades", "Cascades and early exits under load", cascades::smoke, cascades::measure},
                            argc, argv);
}
