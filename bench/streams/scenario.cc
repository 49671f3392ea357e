#include "streams/scenario.h"

#include <algorithm>

#include "tailrace/core/random.h"
#include "tailrace/flow/flow.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/sim/service.h"

namespace streams {
namespace {

std::uint64_t stream_of(std::uint64_t n) { return tr::seed_of({seed, n}) % streams; }

}  // namespace

tr::Plan<int, int> plan() {
  const auto flow = tr::flow<int>("serve", [](tr::Stream<int> x) {
    const auto serve = tr::sim::service<int>(tr::sim::exponential(mean), {.seed = 3, .holds_worker = false});
    return x.then("serve", tr::stage(serve, {.limit = places}));
  });
  return tr::optimise(flow).value();
}

tr::load::Arrivals arrivals(double load) { return tr::load::Poisson{load * capacity}; }

tr::Request request_of(const Arm& arm, std::uint64_t n, tr::TimePoint due) {
  tr::Request request;
  request.stream = stream_of(n);
  request.stamp = due;
  request.id = tr::seed_of({seed, tr::number_of("frames")}) + n;
  request.ordered = arm.ordered;
  if (arm.latest) request.overload = tr::Overload::latest;
  return request;
}

Fate fate_of(const std::vector<Answer>& answers, std::uint64_t frames, double seconds) {
  Fate fate;
  std::vector<tr::TimePoint> newest(streams, tr::TimePoint::min());
  std::vector<double> ages;
  tr::TimePoint end = tr::TimePoint::min();
  for (const Answer& a : answers) end = std::max(end, a.due);
  for (const Answer& a : answers) {
    fate.superseded += a.code == tr::Code::superseded;
    fate.refused += a.code == tr::Code::overloaded;
    if (a.code != tr::Code::none) continue;
    tr::TimePoint& last = newest[stream_of(a.number)];
    fate.older += a.due < last;
    last = std::max(last, a.due);
    fate.fresh += a.at - a.due <= fresh;
    fate.rate += a.at <= end;
    ages.push_back(tr::to_seconds(a.at - a.due));
  }
  const double all = static_cast<double>(frames);
  fate.delivered = static_cast<double>(ages.size()) / all;
  fate.superseded /= all;
  fate.refused /= all;
  fate.lost = 1 - static_cast<double>(answers.size()) / all;
  fate.fresh /= seconds * capacity;
  fate.rate /= seconds * capacity;
  std::sort(ages.begin(), ages.end());
  if (ages.empty()) return fate;
  fate.p50 = ages[ages.size() / 2];
  fate.p99 = ages[(ages.size() - 1) * 99 / 100];
  return fate;
}

}  // namespace streams
