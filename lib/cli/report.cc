#include <fmt/format.h>

#include <cmath>

#include "cli/demo.h"

namespace tailrace::cli {

namespace {

void add(ArmFigures& sum, const ArmFigures& a) {
  sum.accuracy += a.accuracy;
  sum.share_large += a.share_large;
  sum.p50_us += a.p50_us;
  sum.p99_us += a.p99_us;
  sum.per_second += a.per_second;
}
void divide(ArmFigures& sum, double n) {
  for (double* x : {&sum.accuracy, &sum.share_large, &sum.p50_us, &sum.p99_us, &sum.per_second}) *x /= n;
}

// 12345.6 as "12,300": three digits tell enough.
std::string thousands(double x) {
  double unit = 1;
  while (x / unit >= 1000) unit *= 10;
  std::string text = fmt::format("{:.0f}", std::round(x / unit) * unit);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}
std::string microseconds(double us) { return us < 100 ? fmt::format("{:.1f} us", us) : fmt::format("{:.0f} us", us); }
std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string row(const char* name, const ArmFigures& a) {
  return fmt::format("  {:<14}{:>10}{:>14}{:>12}{:>12}{:>12}\n", name, percent(a.accuracy), percent(a.share_large),
                     microseconds(a.p50_us), microseconds(a.p99_us), thousands(a.per_second));
}

std::string table(const SeedFigures& s) {
  return fmt::format("  {:<14}{:>10}{:>14}{:>12}{:>12}{:>12}\n", "", "accuracy", "large ran on", "p50", "p99",
                     "images/s") +
         row("tiny alone", s.tiny) + row("large alone", s.large) + row("cascade", s.cascade);
}

std::string summary(const SeedFigures& s, unsigned threads) {
  const double gap = 100 * (s.large.accuracy - s.cascade.accuracy);
  const std::string against = gap > 0.05    ? fmt::format("{:.1f} points below large alone", gap)
                              : gap < -0.05 ? fmt::format("{:.1f} points above large alone", -gap)
                                            : "as accurate as large alone";
  return fmt::format("  {} of the images left early, answered by the tiny network; {}.\n",
                     percent(1 - s.cascade.share_large), against) +
         fmt::format(
             "  {:.1f} times as many images a second as large alone in a plain loop (expected: {:.1f} or more).\n",
             s.speed_up, s.bound) +
         fmt::format("  With many images under way on {} thread{}: {} images/s.\n", threads, threads == 1 ? "" : "s",
                     thousands(s.many_per_second));
}

std::string seeds_table(const std::vector<SeedFigures>& seeds) {
  std::string text = fmt::format("  {:<6}{:>11}{:>8}{:>9}{:>10}{:>14}{:>10}\n", "seed", "threshold", "tiny", "large",
                                 "cascade", "large ran on", "speed-up");
  for (const auto& s : seeds)
    text += fmt::format("  {:<6}{:>11.2f}{:>8}{:>9}{:>10}{:>14}{:>10}\n", s.seed, s.threshold, percent(s.tiny.accuracy),
                        percent(s.large.accuracy), percent(s.cascade.accuracy), percent(s.cascade.share_large),
                        fmt::format("{:.1f} x", s.speed_up));
  return text;
}

}  // namespace

SeedFigures mean(const std::vector<SeedFigures>& seeds) {
  SeedFigures m;
  for (const auto& s : seeds) {
    add(m.tiny, s.tiny);
    add(m.large, s.large);
    add(m.cascade, s.cascade);
    m.threshold += s.threshold;
    m.many_per_second += s.many_per_second;
    m.speed_up += s.speed_up;
    m.bound += s.bound;
  }
  const auto n = static_cast<double>(seeds.size());
  for (auto* arm : {&m.tiny, &m.large, &m.cascade}) divide(*arm, n);
  for (double* x : {&m.threshold, &m.many_per_second, &m.speed_up, &m.bound}) *x /= n;
  return m;
}

std::string report_begin(const DemoFigures& figures) {
  return fmt::format(
      "Handwritten digits: {} grey images of 8 by 8 pixels; {} to train, {} to choose the exit threshold, {} to test.\n"
      "A tiny network answers when it is sure; the other images go on to a large one.\n",
      figures.train + figures.validation + figures.test, figures.train, figures.validation, figures.test);
}

namespace {

std::string indented(const std::string& lines) {
  std::string text;
  for (std::size_t at = 0; at < lines.size();) {
    const auto end = std::min(lines.find('\n', at), lines.size());
    if (end > at) text += "  " + lines.substr(at, end - at);
    text += "\n";
    at = end + 1;
  }
  return text;
}

}  // namespace

std::string report_end(const DemoFigures& figures) {
  const auto& first = figures.seeds.front();
  std::string text = fmt::format(
      "\nThe flow, with {:.2f} as its exit threshold: the highest that sends at most {:.0f} % of the validation images "
      "on.\n"
      "  {}\n\nThe plan made from it:\n\n{}\n",
      first.threshold, 100 * most_large, first.flow, indented(first.explanation));
  if (figures.seeds.size() == 1)
    return text + fmt::format("{} test images, one after another:\n\n", figures.test) + table(first) + "\n" +
           summary(first, figures.threads);
  const auto m = mean(figures.seeds);
  return text + fmt::format("{} test images, networks from {} seeds:\n\n", figures.test, figures.seeds.size()) +
         seeds_table(figures.seeds) + "\nIn the mean, one image after another:\n\n" + table(m) + "\n" +
         summary(m, figures.threads);
}

}  // namespace tailrace::cli
