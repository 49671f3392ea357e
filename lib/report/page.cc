#include "tailrace/report/page.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/draw.h"
#include "report/style.h"
#include "tailrace/core/words.h"

namespace tailrace::report {
namespace {

// A cell with a number; `key` and `value` name it in the JSON report.
std::string number(const std::string& text, const std::string& key = {}, const std::string& value = {}) {
  if (key.empty()) return fmt::format("<td class=\"n\">{}</td>", text);
  return fmt::format("<td class=\"n\" data-key=\"{}\" data-value=\"{}\">{}</td>", escaped(key), value, text);
}
std::string number(std::uint64_t n, const std::string& key = {}) { return number(grouped(n), key, std::to_string(n)); }
std::string number(Duration t, const std::string& key = {}) { return number(exact(t), key, plain(to_seconds(t))); }
std::string words(std::string_view text) { return fmt::format("<td class=\"w\">{}</td>", escaped(text)); }
std::string row(const std::string& cells) { return "<tr>" + cells + "</tr>\n"; }
std::string share_of(std::uint64_t n, std::uint64_t all) {
  return fmt::format("{:.2f} %", all ? 100. * static_cast<double>(n) / static_cast<double>(all) : 0);
}
// Columns from the second on hold numbers where their name does not begin with '<'.
std::string table(std::string_view caption, const std::vector<std::string>& columns, const std::string& rows) {
  std::string head;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool text = i == 0 || columns[i].starts_with('<');
    head += fmt::format("<th{}>{}</th>", text ? "" : " class=\"n\"", text && i ? columns[i].substr(1) : columns[i]);
  }
  return fmt::format("<div class=\"scroll\"><table>{}<thead><tr>{}</tr></thead><tbody>\n{}</tbody></table></div>\n",
                     caption.empty() ? std::string() : fmt::format("<caption>{}</caption>", caption), head, rows);
}

// Both systems of a comparison, or the only one; keys of the first begin with nothing, or with "a.".
struct Side {
  const Run* run;
  std::string prefix, heading;
};
std::vector<Side> sides_of(const Page& page) {
  if (!page.other) return {{&page.run, "", ""}};
  return {{&page.run, "a.", "A, " + page.run.name}, {&*page.other, "b.", "B, " + page.other->name}};
}

std::string tile(const std::string& value, const std::string& what) {
  return fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>", value, what);
}
std::string tiles(const Page& page) {
  const load::DriveReport& r = page.run.report;
  std::string text = tile(grouped(r.requests), "requests") +
                     tile(share_of(r.count(Code::none), r.requests), "answered") +
                     tile(time_in_words(to_seconds(r.latency.at(.5))), "p50") +
                     tile(time_in_words(to_seconds(r.latency.at(.99))), "p99");
  if (r.goal > Duration{}) text += tile(share_of(r.good, r.requests), "within " + time_in_words(to_seconds(r.goal)));
  if (!page.ratios.empty())
    text +=
        tile(fmt::format("{:.3f}", page.ratios.front().median.value), "B's " + page.ratios.front().what + " by A's");
  return "<div class=\"tiles\">" + text + "</div>\n";
}

std::string latency_table(const Side& side) {
  const load::Latencies& l = side.run->report.latency;
  const std::string key = side.prefix + "latency.";
  std::string rows = row(words("mean") + number(l.mean, key + "mean") + number("") + number(""));
  for (const load::Quantile& q : l.quantiles) {
    const std::string name = fmt::format("p{:g}", 100 * q.share);
    rows += row(words(name) + number(q.value, key + name) + number(exact(q.low)) +
                number(q.high ? exact(*q.high) : "unknown"));
  }
  rows += row(words("max") + number(l.max, key + "max") + number("") + number(""));
  rows += row(words("answered with a value") + number(l.count, key + "count") + number("") + number(""));
  return table(escaped(side.heading), {"latency", "value", "95 % from", "to"}, rows);
}

std::string outcome_table(const Side& side) {
  const load::DriveReport& r = side.run->report;
  const auto line = [&](std::string_view what, std::uint64_t n, const std::string& key, std::string_view means) {
    return row(words(what) + number(n, side.prefix + key) + number(share_of(n, r.requests)) +
               fmt::format("<td class=\"e\">{}</td>", escaped(means)));
  };
  std::string rows = line("all", r.requests, "requests", "sent, without the warm-up");
  for (const auto& o : r.outcomes) {
    const std::string name(o.code == Code::none ? "answered" : tailrace::name(o.code));
    rows += line(name, o.requests, "outcomes." + name, o.code == Code::none ? "with a value" : meaning(o.code));
  }
  if (r.unanswered) rows += line("unanswered", r.unanswered, "unanswered", "no outcome came in time");
  rows += line("anytime", r.anytime, "anytime", "a deadline cut a cascade short, and its best answer so far was used");
  rows += line("fallback", r.fallback, "fallback", "a cascade's last rung failed, and an earlier answer was used");
  rows += line("late", r.late, "late", "answered past the deadline");
  if (r.goal > Duration{}) rows += line("good", r.good, "good", "answered within " + time_in_words(to_seconds(r.goal)));
  return table(escaped(side.heading), {"outcome", "requests", "share", "<"}, rows);
}

std::string stage_table(const Side& side) {
  if (side.run->stages.empty()) return {};
  std::string rows;
  for (const StageTime& s : side.run->stages) {
    const auto mean = [&](double all) {
      return number(s.calls ? time_in_words(all / static_cast<double>(s.calls)) : "", "", "");
    };
    rows += row(words(s.where) + number(s.calls ? grouped(s.calls) : "") + mean(s.running) + mean(s.queued) +
                number(time_in_words(s.running)) + number(time_in_words(s.queued)) +
                number(s.failures ? grouped(s.failures) : ""));
  }
  return table(fmt::format("{}{}of {} requests", escaped(side.heading), side.heading.empty() ? "" : ", ",
                           grouped(side.run->seen)),
               {"stage", "calls", "a call runs", "and queues", "all running", "all queued", "failed"}, rows);
}

std::string hedge_table(const Side& side) {
  std::string rows;
  for (const HedgeCount& h : side.run->hedges)
    rows += row(words(h.where) + number(h.fired) + number(h.won) + number(h.wasted) + number(h.refused));
  if (rows.empty()) return {};
  return table(escaped(side.heading),
               {"hedge", "second calls", "answered first", "for nothing", "refused by the budget"}, rows);
}

std::string left_table(const Side& side) {
  std::string rows;
  for (const LeftAt& l : side.run->left) {
    std::uint64_t all = 0;
    for (const auto n : l.arms) all += n;
    for (std::size_t k = 0; k < l.arms.size(); ++k) {
      const std::string share = share_of(l.arms[k], all);
      rows += row(words(fmt::format("{}[{}]", l.where, k)) + number(l.arms[k]) + number(share) +
                  fmt::format("<td><div class=\"meter\"><div style=\"width:{:.2f}%\"></div></div></td>",
                              all ? 100. * static_cast<double>(l.arms[k]) / static_cast<double>(all) : 0));
    }
  }
  if (rows.empty()) return {};
  return table(escaped(side.heading), {"answered by", "times", "share", "<"}, rows);
}

std::string ratio_table(const Page& page) {
  std::string rows;
  for (std::size_t i = 0; i < page.ratios.size(); ++i) {
    const load::Ratio& r = page.ratios[i];
    const std::string key = fmt::format("ratios.{}.", r.what);
    const auto ratio = [&](double x, const char* name) {
      return number(fmt::format("{:.4f}", x), key + name, plain(x));
    };
    rows += row(words(r.what) + ratio(r.median.value, "median") + ratio(r.median.low, "low") +
                ratio(r.median.high, "high") + number(std::uint64_t{r.rounds.size()}) +
                words(r.median.low > 1    ? "B is more"
                      : r.median.high < 1 ? "B is less"
                                          : "no difference shown"));
  }
  return table("", {"B by A", "median", "95 % from", "to", "rounds", "<"}, rows);
}

std::string trust_table(const Side& side) {
  const load::DriveReport& r = side.run->report;
  const std::string key = side.prefix + "lateness.";
  std::string rows = row(words("generator late, p50") + number(r.lateness.at(.5), key + "p50")) +
                     row(words("generator late, p99") + number(r.lateness.at(.99), key + "p99")) +
                     row(words("generator late, most") + number(r.lateness.max, key + "max"));
  rows += row(words("processor time of others, of the machine") +
              (r.foreign ? number(fmt::format("{:.2f} %", 100 * *r.foreign), side.prefix + "foreign", plain(*r.foreign))
                         : number("unknown")));
  return table(escaped(side.heading), {"what may have disturbed it", ""}, rows);
}

// The same table for each system; nothing where none has one.
template <class Make>
std::string section(const Page& page, std::string_view heading, std::string_view text, Make make) {
  std::string tables;
  for (const Side& side : sides_of(page)) tables += make(side);
  if (tables.empty()) return {};
  return fmt::format("<h2>{}</h2>\n{}{}", heading, text.empty() ? std::string() : fmt::format("<p>{}</p>\n", text),
                     tables);
}

std::string facts_table(const Page& page) {
  std::string rows;
  for (const auto& [what, value] : page.facts)
    rows += row(words(what) + fmt::format("<td class=\"v\">{}</td>", escaped(value)));
  return rows.empty() ? rows : "<h2>How it was done</h2>\n" + table("", {"", "<"}, rows);
}

std::string body(const Page& page) {
  const Run* other = page.other ? &*page.other : nullptr;
  std::string text = fmt::format("<h1>{}</h1>\n<p class=\"soft\">{}</p>\n", escaped(page.title), escaped(page.about));
  text += tiles(page);
  if (other)
    text += "<h2>Comparison</h2>\n<div class=\"charts\">" + ratio_chart(page.ratios) + "<div>" + ratio_table(page) +
            "</div></div>";
  text += "<h2>Under load</h2>\n<div class=\"charts\">\n" + latency_chart(page.run, other) +
          tail_chart(page.run, other) + timeline_chart(page.run) + stage_chart(page.run) + "</div>\n";
  if (page.plan) text += "<h2>The plan</h2>\n" + plan_picture(*page.plan, page.run);
  text += section(page, "Latencies",
                  page.live ? "From the time at which a request was to be sent to its answer. Intervals are those of "
                              "order statistics, for requests that do not depend on each other."
                            : "From a request's arrival to its answer. Intervals are those of order statistics, for "
                              "requests that do not depend on each other.",
                  latency_table);
  text += section(page, "Outcomes", "", outcome_table);
  text += section(page, "Where time went", "", stage_table);
  text += section(page, "Hedges", "Of all requests, those of the warm-up too.", hedge_table);
  text +=
      section(page, "Where cascades were left and races won", "Of all requests, those of the warm-up too.", left_table);
  if (page.live) text += section(page, "Trust", "", trust_table);
  return text + facts_table(page);
}

void collect_paths(const Graph& graph, const std::string& prefix, std::vector<std::string>& paths) {
  for (const Node& node : graph.nodes) {
    const std::string path = path_of(prefix, node);
    for (std::size_t k = 0; k < node.arms.size(); ++k) collect_paths(*node.arms[k].graph, arm_path(path, k), paths);
    paths.push_back(path);
  }
}

// Stages stand in the plan's order. A live run's time that no stage took is what threads and hand-overs were waited
// for; where stages run at the same time, it is more than can be told.
void complete(Run& run, const std::vector<std::string>& paths, bool live) {
  const auto place = [&](const StageTime& s) {
    return s.where.empty() ? paths.end() : std::find(paths.begin(), paths.end(), s.where);
  };
  std::stable_sort(run.stages.begin(), run.stages.end(),
                   [&](const StageTime& a, const StageTime& b) { return place(a) < place(b); });
  for (StageTime& s : run.stages)
    if (s.where.empty()) s.where = "waiting for a worker";
  if (!live || run.stages.empty()) return;
  double all = 0, told = 0;
  std::uint64_t outcomes = 0;
  for (const load::Sample& s : run.report.samples)
    if (!s.unanswered) all += to_seconds(s.latency), ++outcomes;
  all *= outcomes ? static_cast<double>(run.seen) / static_cast<double>(outcomes) : 0;
  for (const StageTime& s : run.stages) told += s.running + s.queued;
  if (all > told) run.stages.push_back({"waiting for a thread, and the rest", 0, 0, all - told, 0});
}

}  // namespace

std::string to_html(const Page& given) {
  Page page = given;
  std::vector<std::string> paths;
  if (page.plan) collect_paths(*page.plan->graph, {}, paths);
  complete(page.run, paths, page.live);
  if (page.other) complete(*page.other, paths, page.live);
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline';"
      "img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>{}</style></head>\n"
      "<body><main>\n{}</main></body></html>\n",
      escaped(page.title), style, body(page));
}

}  // namespace tailrace::report
