#include "tailrace/report/times_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/draw.h"
#include "tailrace/core/words.h"

namespace tailrace::report {

namespace {

constexpr double width = 720, height = 380, left = 84, right = width - 20, top = 64, bottom = height - 48;

constexpr const char* look = R"(<style>
svg{background:#fff}text{font:14px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#1b1f24}
.h{font-weight:600;font-size:16px}.s{fill:#59636e;font-size:12.5px}.axis{stroke:#d5dae0}
.band{fill:#2f6fb7;opacity:.18}.p50{fill:none;stroke:#2f6fb7;stroke-width:2}.dot{fill:#2f6fb7}
.odd{fill:#fff;stroke:#b83245;stroke-width:2}.fit{stroke:#c2711f;stroke-width:1.6;stroke-dasharray:6 4}
</style>)";

// The smallest of 1, 2 and 5 times a power of ten that is not below.
double round_step(double value) {
  const double power = std::pow(10., std::floor(std::log10(value)));
  for (const double step : {1., 2., 5.})
    if (value <= step * power * (1 + 1e-9)) return step * power;
  return 10 * power;
}

// "6 us", " + 0.9 us b", " - 2 ns b".
std::string fit_in_words(double seconds, std::string_view factor = {}) {
  if (std::abs(seconds) < 1e-12) seconds = 0;  // rounding of the fit
  const std::string size = time_in_words(std::abs(seconds));
  if (factor.empty()) return (seconds < 0 ? "-" : "") + size;
  return fmt::format(" {} {} {}", seconds < 0 ? "-" : "+", size, factor);
}

class Panel {
 public:
  Panel(const ModelProfile& p, double y) : p_(p), times_(p.times.times), y_(y) {
    for (const BatchTime& t : times_) most_ = std::max(most_, t.p50 * 1.25);
    for (const BatchTime& t : times_) most_ = std::max(most_, std::min(t.p99, 1.6 * t.p50) * 1.05);
    rows_ = times_.back().rows;
  }

  std::string drawn() const { return heading() + axes() + band() + fit() + medians() + key(); }

 private:
  double x(double rows) const { return left + (right - left) * rows / rows_; }
  double y(double seconds) const { return y_ + bottom - (bottom - top) * std::min(seconds / most_, 1.); }

  std::string heading() const {
    const std::string threads = p_.threads == 1 ? "1 thread" : fmt::format("{} threads", p_.threads);
    const BatchFit f = p_.times.fit();
    return text_at(
               left, y_ + 24,
               shortened(fmt::format("{}, {} on {}, {} a call", p_.model, p_.variant, name(p_.device), threads), 90),
               "h") +
           text_at(
               left, y_ + 44,
               fmt::format("t(b) = {}{}, at most {:.0f} % off{}{}", fit_in_words(f.base), fit_in_words(f.per_row, "b"),
                           100 * f.worst, p_.date.empty() ? "" : "; measured on " + shortened(p_.date, 20),
                           p_.steady() ? "" : "; disturbed"),
               "s");
  }
  std::string axes() const {
    std::string text;
    const double step = round_step(most_ / 5);
    for (double t = 0; t <= most_; t += step)
      text += line(left, y(t), right, y(t), "axis") + text_at(left - 8, y(t) + 4.5, time_in_words(t), "s", "end");
    const double every = std::max(1., round_step(rows_ / 8.));
    for (double n = every; n <= rows_; n += every)
      text += text_at(x(n), y_ + bottom + 20, fmt::format("{:g}", n), "s", "middle");
    return text + text_at(right, y_ + bottom + 38, "rows of a call", "s", "end");
  }
  std::string band() const {
    std::string points;
    for (const BatchTime& t : times_) points += fmt::format("{:.1f},{:.1f} ", x(t.rows), y(t.p99));
    for (auto t = times_.rbegin(); t != times_.rend(); ++t)
      points += fmt::format("{:.1f},{:.1f} ", x(t->rows), y(t->min));
    return fmt::format("<polygon class=\"band\" points=\"{}\"/>\n", points);
  }
  std::string fit() const {
    const BatchFit f = p_.times.fit();
    const auto at = [&](double rows) { return std::max(0., f.base + f.per_row * rows); };
    const double first = times_.front().rows;
    return line(x(first), y(at(first)), x(rows_), y(at(rows_)), "fit");
  }
  std::string medians() const {
    std::string points, dots;
    for (const BatchTime& t : times_) {
      points += fmt::format("{:.1f},{:.1f} ", x(t.rows), y(t.p50));
      dots += fmt::format(
          "<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"><title>{} rows: p50 {}, p99 {}, least {}, {} "
          "calls</title></circle>\n",
          t.steady ? "dot" : "odd", x(t.rows), y(t.p50), t.steady ? "3" : "4", t.rows, time_in_words(t.p50),
          time_in_words(t.p99), time_in_words(t.min), t.calls);
    }
    return fmt::format("<polyline class=\"p50\" points=\"{}\"/>\n", points) + dots;
  }
  std::string key() const {
    const double at = y_ + bottom + 34;
    std::string text = fmt::format("<circle class=\"dot\" cx=\"{}\" cy=\"{}\" r=\"3\"/>\n", left + 4, at) +
                       text_at(left + 14, at + 4.5, "p50", "s") + rectangle(left + 58, at - 6, 18, 12, "band") +
                       text_at(left + 82, at + 4.5, "least to p99", "s") + line(left + 176, at, left + 200, at, "fit") +
                       text_at(left + 206, at + 4.5, "the line", "s");
    if (std::all_of(times_.begin(), times_.end(), [](const BatchTime& t) { return t.steady; })) return text;
    return text + fmt::format("<circle class=\"odd\" cx=\"{}\" cy=\"{}\" r=\"4\"/>\n", left + 276, at) +
           text_at(left + 286, at + 4.5, "rounds differ", "s");
  }

  const ModelProfile& p_;
  const std::vector<BatchTime>& times_;
  const double y_;
  double most_ = 0, rows_ = 1;
};

}  // namespace

std::string times_picture(std::span<const ModelProfile> profiles) {
  std::string panels;
  double y = 0;
  for (const ModelProfile& p : profiles) {
    if (!p.times.known()) continue;
    panels += Panel(p, y).drawn();
    y += height;
  }
  if (panels.empty()) {
    y = 60;
    panels = text_at(20, 36, "no times were measured");
  }
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
             "role=\"img\">\n",
             width, y) +
         look + "<title>What calls take by their number of rows</title>\n" + panels + "</svg>\n";
}

}  // namespace tailrace::report
