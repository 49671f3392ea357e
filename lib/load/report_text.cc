// Reports of drives and comparisons for people.
#include <fmt/format.h>

#include <cmath>

#include "tailrace/core/words.h"
#include "tailrace/load/compare.h"

namespace tailrace::load {
namespace {

std::string words(Duration time) {
  return time < Duration{} ? "-" + time_in_words(-to_seconds(time)) : time_in_words(to_seconds(time));
}

std::string line_of(std::string_view what, const Latencies& l) {
  std::string text = fmt::format("  {}: mean {}", what, words(l.mean));
  for (const Quantile& q : l.quantiles)
    text += fmt::format(", p{:g} {} ({} to {})", 100 * q.share, words(q.value), words(q.low),
                        q.high ? words(*q.high) : "unknown");
  return text + fmt::format(", max {}\n", words(l.max));
}

std::string why(const DriveReport& r) {
  switch (r.end) {
    case DriveReport::End::requests: return "as many as asked for";
    case DriveReport::End::until: return "until the time given";
    case DriveReport::End::arrivals: return "all arrivals";
    case DriveReport::End::precise: return "until the p99 was known";
  }
  return {};
}

}  // namespace

std::string to_text(const DriveReport& r, std::string_view name) {
  std::string text = fmt::format("{}: {} requests in {}, {}\n", name, r.requests, words(r.time), why(r));
  const auto line = [&](std::string_view what, std::uint64_t n) {
    text += fmt::format("  {:<16} {:>12} {:>7.2f} %\n", what, n,
                        r.requests ? 100. * static_cast<double>(n) / static_cast<double>(r.requests) : 0);
  };
  for (const auto& o : r.outcomes) line(o.code == Code::none ? "answered" : tailrace::name(o.code), o.requests);
  if (r.unanswered) line("unanswered", r.unanswered);
  for (const auto& [what, n] : {std::pair("anytime", r.anytime), {"fallback", r.fallback}, {"late", r.late}})
    if (n) line(what, n);
  text += line_of("latency", r.latency);
  text += fmt::format("  {:.1f} requests a second, {:.1f} of them good{}\n", r.rate(), r.goodput(),
                      r.goal > Duration{} ? " (within " + words(r.goal) + ")" : "");
  text += fmt::format("  generator late: p50 {}, p99 {}; others used {} of the machine\n", words(r.lateness.at(.5)),
                      words(r.lateness.at(.99)),
                      r.foreign ? fmt::format("{:.1f} %", 100 * *r.foreign) : std::string("an unknown share"));
  return text;
}

std::string to_text(const Comparison& c) {
  std::string text = to_text(c.of_a, "A, " + c.a) + to_text(c.of_b, "B, " + c.b);
  text += fmt::format("B by A, median of {} rounds and its 95 % interval\n",
                      c.ratios.empty() ? 0 : c.ratios.front().rounds.size());
  for (const Ratio& r : c.ratios)
    text += fmt::format("  {:<8} {:.3f}  {:.3f} to {:.3f}{}\n", r.what, r.median.value, r.median.low, r.median.high,
                        c.differ(r) ? "" : "  no difference shown");
  return text;
}

}  // namespace tailrace::load
