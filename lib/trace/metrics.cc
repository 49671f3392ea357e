#include "tailrace/trace/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <vector>

namespace tailrace::trace {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

// What a series counts. The order is that of the text.
enum class Family : std::uint8_t {
  requests,         // by code
  request_seconds,  // by code
  late,
  stage_seconds,   // by stage
  stage_failures,  // by stage and code
  stage_stopped,   // by stage
  wait_seconds,    // by stage
  batch_rows,      // by stage
  winners,         // by race and arm
  hedges,          // by hedge and what happened
  exits,           // by cascade and rung
  callback_failures,
};
struct FamilyText {
  const char *name, *type, *help, *label, *second;
};
constexpr FamilyText families[] = {
    {"tailrace_requests", "counter", "Requests by outcome; ok for an answer.", "code", ""},
    {"tailrace_request_seconds", "histogram", "From admission to outcome.", "code", ""},
    {"tailrace_late_answers", "counter", "Answers that came after their deadline.", "", ""},
    {"tailrace_stage_seconds", "histogram", "Calls of stages that gave a value.", "stage", ""},
    {"tailrace_stage_failures", "counter", "Calls of stages that failed.", "stage", "code"},
    {"tailrace_stage_stopped", "counter", "Calls of stages that came back to nobody.", "stage", ""},
    {"tailrace_wait_seconds", "histogram", "Waiting for a turn at a stage.", "stage", ""},
    {"tailrace_batch_rows", "histogram", "Requests answered by one call.", "stage", ""},
    {"tailrace_winners", "counter", "Races and quorums by the arm that won.", "race", "arm"},
    {"tailrace_hedges", "counter", "Second calls of hedges: fired, and of these won or wasted; refused by the budget.",
     "hedge", "event"},
    {"tailrace_exits", "counter", "Cascades and stageds by where they were left.", "cascade", "rung"},
    {"tailrace_callback_failures", "counter", "Callbacks that threw.", "", ""},
};
bool is_histogram(Family f) { return families[static_cast<std::size_t>(f)].type[0] == 'h'; }

// Upper bounds of buckets: 1, 2 and 5 times powers of ten from a microsecond to 50 seconds, in nanoseconds; for rows,
// powers of two.
constexpr auto time_bounds = [] {
  std::array<std::uint64_t, 24> bounds{};
  std::uint64_t power = 1000;
  for (std::size_t i = 0; i < bounds.size(); i += 3, power *= 10)
    bounds[i] = power, bounds[i + 1] = 2 * power, bounds[i + 2] = 5 * power;
  return bounds;
}();
// For numbers of so many bits, the first bucket that one of them may be in: at most one bound lies among them, since
// each is at least twice the one before.
constexpr auto first_buckets = [] {
  std::array<std::uint8_t, 65> first{};
  for (std::size_t bits = 1, i = 0; bits < first.size(); ++bits) {
    while (i < time_bounds.size() && time_bounds[i] < std::uint64_t{1} << (bits - 1)) ++i;
    first[bits] = static_cast<std::uint8_t>(i);
  }
  return first;
}();
std::size_t bucket_of_time(std::uint64_t nanoseconds) {
  const std::size_t first = first_buckets[static_cast<std::size_t>(std::bit_width(nanoseconds))];
  return first + (first < time_bounds.size() && nanoseconds > time_bounds[first]);
}
constexpr std::size_t row_buckets = 12;  // 1, 2, 4 … 2048
std::size_t bucket_of_rows(std::uint64_t rows) {
  return std::min<std::size_t>(rows > 1 ? static_cast<std::size_t>(std::bit_width(rows - 1)) : 0, row_buckets);
}

struct Key {
  Family family;
  std::uint32_t number;  // code, arm or rung; 0 where there is none
  std::string_view name;
  bool operator==(const Key&) const = default;
};
// By where the name stands, not by what it says: quick, and enough for a guess.
std::size_t guess_of(const Key& k) {
  const auto place = reinterpret_cast<std::uintptr_t>(k.name.data());
  return ((place >> 4) ^ place ^ (static_cast<std::size_t>(k.family) << 3) ^ k.number) * 0x9e3779b97f4a7c15u;
}
std::size_t hash_of(const Key& k) {
  return std::hash<std::string_view>()(k.name) ^ (static_cast<std::size_t>(k.family) * 0x9e3779b97f4a7c15u) ^
         (k.number * 0xc2b2ae3d27d4eb4fu);
}

struct Series {
  Family family;
  std::uint32_t number;
  std::string name;
  std::atomic<std::uint64_t> count{0}, sum{0};  // of histograms, the sum of values; of counters, `count` alone
  std::array<std::atomic<std::uint64_t>, time_bounds.size() + 1> buckets{};
  Key key() const { return {family, number, name}; }
};

constexpr std::string_view hedge_events[] = {"fired", "won", "wasted", "refused"};

std::string_view code_name(std::uint32_t code) { return code ? name(static_cast<Code>(code)) : "ok"; }

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') out += "\\n";
    else out += c;
  }
  return out;
}

// `{stage="label",code="stage_failed"}`, with `more` in it; empty without labels.
std::string labels(const Series& s, std::string more = "") {
  const FamilyText& f = families[static_cast<std::size_t>(s.family)];
  std::string text;
  const auto add = [&](std::string_view label, std::string_view value) {
    fmt::format_to(std::back_inserter(text), "{}{}=\"{}\"", text.empty() ? "" : ",", label, escaped(value));
  };
  const std::string_view label = f.label, second = f.second;
  if (label == "code") add(label, code_name(s.number));
  else if (!label.empty()) add(label, s.name);
  if (second == "code") add(second, code_name(s.number));
  else if (second == "event") add(second, hedge_events[s.number]);
  else if (!second.empty()) add(second, std::to_string(s.number));
  if (!more.empty()) text += (text.empty() ? "" : ",") + more;
  return text.empty() ? "" : "{" + text + "}";
}

void append_histogram(std::string& out, const Series& s) {
  const FamilyText& f = families[static_cast<std::size_t>(s.family)];
  const bool rows = s.family == Family::batch_rows;
  const std::size_t count = rows ? row_buckets : time_bounds.size();
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < count; ++i) {
    below += s.buckets[i].load(relaxed);
    const double bound = rows ? static_cast<double>(std::uint64_t{1} << i) : static_cast<double>(time_bounds[i]) * 1e-9;
    fmt::format_to(std::back_inserter(out), "{}_bucket{} {}\n", f.name, labels(s, fmt::format("le=\"{:.6g}\"", bound)),
                   below);
  }
  below += s.buckets[count].load(relaxed);  // the total is that of the buckets, so that the two agree at every moment
  const double sum = static_cast<double>(s.sum.load(relaxed)) * (rows ? 1 : 1e-9);
  fmt::format_to(std::back_inserter(out), "{}_bucket{} {}\n{}_sum{} {:.9g}\n{}_count{} {}\n", f.name,
                 labels(s, "le=\"+Inf\""), below, f.name, labels(s), sum, f.name, labels(s), below);
}

}  // namespace

// Open addressing: slots are filled once and never change, so that readers need no lock.
struct Metrics::Table {
  explicit Table(std::size_t max_series)
      : room(std::max<std::size_t>(max_series, 16)), slots(std::bit_ceil(2 * (room + std::size(families)))) {}

  const std::size_t room;
  std::vector<std::atomic<Series*>> slots;
  std::mutex mutex;
  std::deque<Series> series;

  // Null: there is no memory for it.
  Series* find(const Key& key) noexcept {
    std::atomic<Series*>& guess = guesses[guess_of(key) >> (64 - guess_bits)];
    if (Series* const s = guess.load(std::memory_order_acquire); s && s->key() == key) return s;
    Series* const found = look_up(key);
    guess.store(found, std::memory_order_release);
    return found;
  }

 private:
  // What was found last for names that stand at such places. An engine's names do not move, so that nearly every guess
  // is right; what stands there later is another name, which is seen when the two are compared.
  static constexpr unsigned guess_bits = 10;
  std::array<std::atomic<Series*>, 1u << guess_bits> guesses{};

  Series* look_up(const Key& key) noexcept {
    const std::size_t mask = slots.size() - 1;
    for (std::size_t i = hash_of(key) & mask;; i = (i + 1) & mask) {
      Series* s = slots[i].load(std::memory_order_acquire);
      if (!s) return add(key);
      if (s->key() == key) return s;
    }
  }

  Series* add(Key key) noexcept try {
    const std::lock_guard lock(mutex);
    if (series.size() >= room) key = {key.family, 0, "(other)"};
    const std::size_t mask = slots.size() - 1;
    std::size_t i = hash_of(key) & mask;
    for (Series* s; (s = slots[i].load(relaxed)); i = (i + 1) & mask)
      if (s->key() == key) return s;
    Series& fresh = series.emplace_back();
    fresh.family = key.family;
    fresh.number = key.number;
    fresh.name = key.name;
    slots[i].store(&fresh, std::memory_order_release);
    return &fresh;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
};

Metrics::Metrics(std::size_t max_series) : table_(std::make_unique<Table>(max_series)) {}
Metrics::~Metrics() = default;

void Metrics::on_event(const Event& e) noexcept {
  const auto count = [&](Family family, std::uint32_t number = 0, std::string_view of = {}) {
    if (Series* s = table_->find({family, number, of})) s->count.fetch_add(1, relaxed);
  };
  const auto record = [&](Family family, std::uint32_t number, std::string_view of) {
    const auto took = static_cast<std::uint64_t>(std::max<std::int64_t>(0, Duration(e.at - e.began).count()));
    Series* s = table_->find({family, number, of});
    if (!s) return;
    s->buckets[bucket_of_time(took)].fetch_add(1, relaxed);
    s->sum.fetch_add(took, relaxed);
  };
  const auto code = static_cast<std::uint32_t>(e.code);
  switch (e.kind) {
    case Event::Kind::refused: return count(Family::requests, code);
    case Event::Kind::begun: return;
    case Event::Kind::answered: return count(Family::requests, code), record(Family::request_seconds, code, {});
    case Event::Kind::stage_failed: return count(Family::stage_failures, code, e.where);
    case Event::Kind::arm_won: return count(Family::winners, e.arm, e.where);
    case Event::Kind::hedge_fired: return count(Family::hedges, 0, e.where);
    case Event::Kind::hedge_won: return count(Family::hedges, 1, e.where);
    case Event::Kind::hedge_wasted: return count(Family::hedges, 2, e.where);
    case Event::Kind::hedge_refused: return count(Family::hedges, 3, e.where);
    case Event::Kind::rung_left: return count(Family::exits, e.arm, e.where);
    case Event::Kind::late: return count(Family::late);
    case Event::Kind::callback_failed: return count(Family::callback_failures);
    case Event::Kind::waited: return record(Family::wait_seconds, 0, e.where);
    case Event::Kind::stage_ran:
    case Event::Kind::completed:
      if (e.code != Code::none) return count(Family::stage_stopped, 0, e.where);
      return record(Family::stage_seconds, 0, e.where);
    case Event::Kind::batched:
      if (Series* s = table_->find({Family::batch_rows, 0, e.where})) {
        s->buckets[bucket_of_rows(e.arm)].fetch_add(1, relaxed);
        s->sum.fetch_add(e.arm, relaxed);
      }
  }
}

std::string Metrics::text(Format format) const {
  std::vector<const Series*> sorted;
  {
    const std::lock_guard lock(table_->mutex);
    for (const Series& s : table_->series) sorted.push_back(&s);
  }
  std::sort(sorted.begin(), sorted.end(), [](const Series* a, const Series* b) {
    return std::tie(a->family, a->name, a->number) < std::tie(b->family, b->name, b->number);
  });
  std::string out;
  const Series* before = nullptr;
  for (const Series* s : sorted) {
    const FamilyText& f = families[static_cast<std::size_t>(s->family)];
    const bool histogram = is_histogram(s->family);
    // The older format names a counter as its samples, OpenMetrics without the suffix.
    const char* const suffix = !histogram && format == Format::prometheus ? "_total" : "";
    if (!before || before->family != s->family)
      fmt::format_to(std::back_inserter(out), "# HELP {}{} {}\n# TYPE {}{} {}\n", f.name, suffix, f.help, f.name,
                     suffix, f.type);
    before = s;
    if (histogram) append_histogram(out, *s);
    else fmt::format_to(std::back_inserter(out), "{}_total{} {}\n", f.name, labels(*s), s->count.load(relaxed));
  }
  if (format == Format::open_metrics) out += "# EOF\n";
  return out;
}

}  // namespace tailrace::trace
