#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "report/draw.h"
#include "tailrace/core/words.h"

namespace tailrace::report {
namespace {

constexpr double left = 68, right = chart_width - 12;

std::vector<Duration> latencies_of(const Run& run) {
  std::vector<Duration> times;
  for (const load::Sample& s : run.report.samples)
    if (s.number >= run.report.warm_up && !s.unanswered && s.code == Code::none)
      times.push_back(std::max(s.latency, Duration(1)));
  std::sort(times.begin(), times.end());
  return times;
}
TimeAxis axis_of(const std::vector<Duration>& a, const std::vector<Duration>& b) {
  Duration least = a.empty() ? Duration(1000) : a.front(), most = a.empty() ? least : a.back();
  if (!b.empty()) {
    least = std::min(least, b.front());
    most = std::max(most, b.back());
  }
  return {least, most, left, right};
}
std::string percent(double share) { return fmt::format("{:.3g}%", 100 * share); }

// A round number not below, for the top of an axis.
double round_up(double value) {
  if (!(value > 0)) return 1;
  const double power = std::pow(10., std::floor(std::log10(value)));
  for (const double step : {1., 1.5, 2., 3., 4., 5., 6., 8.})
    if (value <= step * power * (1 + 1e-9)) return step * power;
  return 10 * power;
}
std::string value_axis(double top, double y0, double y1, const std::function<std::string(double)>& words) {
  std::string text;
  for (const double share : {0., .5, 1.}) {
    const double y = y0 + (y1 - y0) * share;
    text += line(left, y, right, y, "axis") + text_at(left - 6, y + 4.5, words(top * share), "s", "end");
  }
  return text;
}
std::string key(std::string_view css, std::string_view text) {
  return fmt::format("<span><i class=\"key {}\"></i>{}</span> ", css, escaped(text));
}
std::string keys(const Run& run, const Run* other) {
  return other ? key("k1", "A, " + run.name) + key("k2", "B, " + other->name) : std::string();
}

// Shares of the times in bins of one width on the axis.
std::vector<double> bins_of(const std::vector<Duration>& times, const TimeAxis& axis, std::size_t count) {
  std::vector<double> bins(count);
  for (const Duration t : times) {
    const double place = (axis.at(to_seconds(t)) - left) / (right - left);
    const auto bin = std::min(count - 1, static_cast<std::size_t>(place * static_cast<double>(count)));
    bins[bin] += 1 / static_cast<double>(times.size());
  }
  return bins;
}

std::string quantile_marks(const load::Latencies& l, const TimeAxis& axis, double top, double bottom) {
  std::string text;
  constexpr std::size_t rows = 4;
  double free[rows] = {};  // where a label may begin
  for (const load::Quantile& q : l.quantiles) {
    const double x = axis.at(to_seconds(q.value)), at = std::min(x, right - 22);
    std::size_t r = 0;
    while (r + 1 < rows && at - 24 < free[r]) ++r;
    const double y = top + 14 + 17 * static_cast<double>(r);
    text += line(x, y + 4, x, bottom, "mark") + text_at(at, y, fmt::format("p{:g}", 100 * q.share), "s", "middle");
    free[r] = at + 24;
  }
  return text;
}

}  // namespace

std::string latency_chart(const Run& run, const Run* other) {
  constexpr double top = 0, plot = 72, bottom = 250;
  constexpr std::size_t count = 60;
  const auto a = latencies_of(run), b = other ? latencies_of(*other) : std::vector<Duration>();
  const TimeAxis axis = axis_of(a, b);
  const auto bins = bins_of(a, axis, count), others = bins_of(b, axis, count);
  const double most =
      round_up(std::max(*std::max_element(bins.begin(), bins.end()), *std::max_element(others.begin(), others.end())));
  const double width = (right - left) / count;
  const auto x_of = [&](std::size_t i) { return left + width * static_cast<double>(i); };
  const auto y_of = [&](double share) { return bottom - (bottom - plot) * share / most; };
  std::string content = value_axis(most, bottom, plot, percent) + axis.drawn(bottom);
  for (std::size_t i = 0; i < count; ++i)
    if (bins[i] > 0)
      content += rectangle(x_of(i) + .5, y_of(bins[i]), width - 1, bottom - y_of(bins[i]), "f1",
                           fmt::format("{} to {}: {}", time_in_words(axis.time(static_cast<double>(i) / count)),
                                       time_in_words(axis.time(static_cast<double>(i + 1) / count)), percent(bins[i])));
  if (!b.empty()) {
    std::string path = fmt::format("M{:.1f} {:.1f}", left, bottom);
    for (std::size_t i = 0; i < count; ++i) path += fmt::format("V{:.1f}H{:.1f}", y_of(others[i]), x_of(i + 1));
    content += fmt::format("<path d=\"{}V{:.1f}\" class=\"l2\"/>", path, bottom);
  }
  content += quantile_marks(run.report.latency, axis, top, bottom);
  return figure("Latency", keys(run, other) + "Share of the answered requests, by time; both ends are the extremes.",
                278, content, "Histogram of latencies; the numbers stand in the table of latencies");
}

std::string tail_chart(const Run& run, const Run* other) {
  constexpr double plot = 10, bottom = 240;
  const auto a = latencies_of(run), b = other ? latencies_of(*other) : std::vector<Duration>();
  const TimeAxis axis = axis_of(a, b);
  const double n = static_cast<double>(std::max<std::size_t>({a.size(), b.size(), 10}));
  const double decades = std::ceil(std::log10(n) - 1e-9);
  const auto y_of = [&](double share) { return plot + (bottom - plot) * std::min(1., -std::log10(share) / decades); };
  std::string content = axis.drawn(bottom);
  for (int d = 0; d <= static_cast<int>(decades); ++d) {
    const double y = y_of(std::pow(10., -d));
    content += line(left, y, right, y, "axis") + text_at(left - 6, y + 4.5, percent(std::pow(10., -d)), "s", "end");
  }
  const auto curve = [&](const std::vector<Duration>& times, const char* css) {
    if (times.empty()) return std::string();
    std::string path;
    constexpr int points = 240;
    std::size_t last = times.size();
    for (int k = 0; k <= points; ++k) {  // evenly on the axis of shares
      const double above = std::pow(10., -std::log10(static_cast<double>(times.size())) * k / points);
      const auto i =
          std::min(times.size() - 1, static_cast<std::size_t>((1 - above) * static_cast<double>(times.size()) + .5));
      if (i == last) continue;
      last = i;
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", axis.at(to_seconds(times[i])), y_of(above));
    }
    return fmt::format("<path d=\"{}\" class=\"{}\"/>", path, css);
  };
  content += curve(a, "l1") + curve(b, "l2");
  return figure("The tail", keys(run, other) + "Share of the answered requests that took longer.", 268, content,
                "Share of requests slower than a time; the numbers stand in the table of latencies");
}

std::string timeline_chart(const Run& run) {
  constexpr double plot = 10, bottom = 240;
  constexpr std::size_t count = 60;
  enum { answered, failed, refused };
  struct Bin {
    double n[3] = {};
    double all() const { return n[0] + n[1] + n[2]; }
  };
  double end = 1e-6;
  for (const load::Sample& s : run.report.samples) end = std::max(end, to_seconds(s.arrival));
  const double seconds = end / count;
  std::vector<Bin> bins(count);
  for (const load::Sample& s : run.report.samples) {
    const auto bin = std::min(count - 1, static_cast<std::size_t>(to_seconds(s.arrival) / seconds));
    const bool out = s.code == Code::overloaded || s.code == Code::would_miss || s.code == Code::superseded;
    bins[bin].n[s.unanswered ? failed : s.code == Code::none ? answered : out ? refused : failed] += 1 / seconds;
  }
  double most = 0;
  for (const Bin& b : bins) most = std::max(most, b.all());
  most = round_up(most);
  const double width = (right - left) / count;
  std::string content = value_axis(most, bottom, plot, [](double rate) {
    return rate < 1e4 ? fmt::format("{:.4g}", rate) : fmt::format("{:.4g}k", rate / 1e3);
  });
  for (std::size_t i = 0; i < count; ++i) {
    double y = bottom;
    constexpr const char* css[] = {"good", "bad", "gone"};
    constexpr const char* what[] = {"answered", "late, failed or unanswered", "refused"};
    for (int k = 0; k < 3; ++k) {
      const double height = (bottom - plot) * bins[i].n[k] / most;
      if (height <= 0) continue;
      y -= height;
      content += rectangle(left + width * static_cast<double>(i) + .5, y, width - 1, height, css[k],
                           fmt::format("at {}: {:.4g} a second {}", time_in_words(seconds * static_cast<double>(i)),
                                       bins[i].n[k], what[k]));
    }
  }
  for (int k = 0; k <= 4; ++k)
    content += text_at(left + (right - left) * k / 4, bottom + 20, k ? fmt::format("{:.3g} s", end * k / 4) : "0", "s",
                       k == 0   ? "start"
                       : k == 4 ? "end"
                                : "middle");
  return figure("What came, and became of it",
                key("kgood", "answered") + key("kbad", "late, failed or unanswered") + key("kgone", "refused") +
                    "Requests a second, by arrival.",
                268, content, "Arrivals over time by outcome; the numbers stand in the table of outcomes");
}

std::string stage_chart(const Run& run) {
  const double requests = std::max<double>(1, static_cast<double>(run.seen));
  double most = 0;
  for (const StageTime& s : run.stages) most = std::max(most, (s.running + s.queued) / requests);
  if (!(most > 0)) return {};
  std::string content;
  double y = 0;
  for (const StageTime& s : run.stages) {
    const double running = s.running / requests, queued = s.queued / requests;
    const double scale = (chart_width - 8) / most;
    content += text_at(0, y + 16, shortened(s.where, 46));
    content += text_at(chart_width - 4, y + 16, time_in_words(running + queued), "s", "end");
    content += rectangle(0, y + 23, queued * scale, 14, "wait", "queued " + time_in_words(queued));
    content += rectangle(queued * scale, y + 23, running * scale, 14, "f1", "running " + time_in_words(running));
    y += 48;
  }
  return figure("Where time went", key("kwait", "queued") + key("k1", "running") + "Time of a request, on average.", y,
                content, "Time per stage; the numbers stand in the table of stages");
}

std::string ratio_chart(const std::vector<load::Ratio>& ratios) {
  double low = 1, high = 1;
  for (const load::Ratio& r : ratios)
    for (const double x : r.rounds) low = std::min(low, x), high = std::max(high, x);
  low = std::log(std::max(1e-6, low) / 1.05);
  high = std::log(high * 1.05);
  const auto x_of = [&](double ratio) { return 90 + (chart_width - 110) * (std::log(ratio) - low) / (high - low); };
  std::string content;
  double y = 10;
  for (const load::Ratio& r : ratios) {
    content += text_at(0, y + 15, escaped(r.what));
    for (const double x : r.rounds)
      content += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" class=\"gone\"/>", x_of(x), y + 10);
    if (std::isfinite(r.median.low) && std::isfinite(r.median.high))
      content += line(x_of(r.median.low), y + 10, x_of(r.median.high), y + 10, "l2");
    content += rectangle(x_of(r.median.value) - 2, y + 2, 4, 16, "f2", fmt::format("median {:.4f}", r.median.value));
    y += 32;
  }
  content = line(x_of(1), 4, x_of(1), y, "mark") + content;
  for (const double ratio : {.1, .2, .5, .8, .9, 1., 1.1, 1.25, 2., 5., 10.})
    if (std::log(ratio) > low && std::log(ratio) < high && (ratio == 1 || std::abs(x_of(ratio) - x_of(1)) > 40))
      content += text_at(x_of(ratio), y + 16, fmt::format("{:g}", ratio), "s", "middle");
  return figure("B by A", "Dots are rounds, the bar their median, the line its 95 % interval. Left of 1, B is less.",
                y + 24, content, "Ratios of the two systems; the numbers stand in the table of ratios");
}

}  // namespace tailrace::report
