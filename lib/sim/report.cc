#include "tailrace/sim/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tailrace/plan/profile.h"

namespace tailrace::sim {

Latencies summarise(std::vector<Duration> times) {
  if (times.empty()) return {};
  const auto n = times.size();
  double sum = 0;
  for (const Duration t : times) sum += static_cast<double>(t.count());
  // The time that so many thousandths of them are above: from the largest down, each among what is left below.
  auto end = times.end();
  const auto above = [&](std::size_t thousandths) {
    const auto place = times.end() - 1 - static_cast<std::ptrdiff_t>(n * thousandths / 1000);
    if (place < end) {
      std::nth_element(times.begin(), place, end);
      end = place;
    }
    return *place;
  };
  Latencies l;
  l.count = n;
  l.mean = Duration(static_cast<Duration::rep>(std::floor(sum / static_cast<double>(n) + .5)));
  l.max = above(0);
  l.p999 = above(1);
  l.p99 = above(10);
  l.p90 = above(100);
  l.p50 = above(500);
  return l;
}

std::uint64_t Report::count(Code code) const noexcept {
  std::uint64_t sum = 0;
  for (const Outcomes& o : outcomes) sum += o.code == code ? o.requests : 0;
  return sum;
}

double Report::wasted() const noexcept {
  double all = 0, lost = 0;
  for (const Stage& s : stages) {
    all += s.running;
    lost += s.wasted;
  }
  return all > 0 ? lost / all : 0;
}

namespace {

std::string words(Duration time) { return time_in_words(to_seconds(time)); }

std::string outcome_lines(const Report& r) {
  std::string text;
  for (const auto& o : r.outcomes) {
    text += fmt::format("  {:<16} {:>12} {:>7.2f} %", o.code == Code::none ? "answered" : name(o.code), o.requests,
                        100. * static_cast<double>(o.requests) / static_cast<double>(r.requests));
    text += o.example.empty() ? "\n" : "   " + o.example + "\n";
  }
  for (const auto& [what, n] : {std::pair("anytime", r.anytime), {"fallback", r.fallback}, {"late", r.late}})
    if (n) text += fmt::format("  {:<16} {:>12}\n", what, n);
  return text;
}

}  // namespace

std::string to_text(const Report& r) {
  std::string text = fmt::format("{}: {} requests in {} of simulated time, {} worker{}, seed {}\n", r.flow, r.requests,
                                 words(r.time), r.workers, r.workers == 1 ? "" : "s", r.seed);
  text += outcome_lines(r);
  const Latencies& l = r.latency;
  text += fmt::format("  latency: mean {}, p50 {}, p90 {}, p99 {}, p99.9 {}, max {}\n", words(l.mean), words(l.p50),
                      words(l.p90), words(l.p99), words(l.p999), words(l.max));
  text += fmt::format("  in flight: mean {:.3f}, most {}; workers busy {:.1f} %\n", r.in_flight, r.most_in_flight,
                      100 * r.worker_utilisation());
  if (r.copies || r.copies_refused)
    text += fmt::format("  copies: {}, {:.2f} % of the requests; {} won, {} refused\n", r.copies, 100 * r.duplicates(),
                        r.copies_won, r.copies_refused);
  if (const double wasted = r.wasted(); wasted > 0) text += fmt::format("  work wasted: {:.2f} %\n", 100 * wasted);
  for (const auto& s : r.stages) {
    text += fmt::format("  stage {}: {} calls, {:.3f} at a time", s.where, s.calls, s.running);
    text += s.places ? fmt::format(", {:.1f} % of {}\n", 100 * s.utilisation(), s.places) : "\n";
  }
  for (const auto& q : r.queues)
    text += fmt::format("  waiting {}: mean {:.3f}, most {}\n", q.where.empty() ? "for a worker" : "at " + q.where,
                        q.mean, q.most);
  return text;
}

}  // namespace tailrace::sim
