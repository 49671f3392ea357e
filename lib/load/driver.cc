#include "tailrace/load/driver.h"

#include <algorithm>
#include <map>
#include <new>
#include <thread>

#include "load/ledger.h"
#include "tailrace/load/foreign.h"

namespace tailrace::load {
namespace {

using namespace std::chrono_literals;
using Ledger = Done::Ledger;
using End = DriveReport::End;

Problems check(const Arrivals& arrivals, const Submit& submit, const DriveOptions& o) {
  Problems problems = check(arrivals);
  const auto wrong = [&](const char* where, const char* what) { problems.add(Code::bad_value, where, what); };
  if (!submit) wrong("submit", "there is nothing to submit to");
  if (o.requests == 0) wrong("requests", "a drive needs at least 1 request; got 0");
  if (o.requests + o.warm_up < o.requests || o.requests + o.warm_up > 1'000'000'000)
    wrong("requests", "a drive has at most 1e9 requests, with those of the warm-up");
  if (o.until < Duration{}) wrong("until", "the time of the last request is 0 or more");
  if (!(o.precise >= 0 && o.precise <= 1)) wrong("precise", "how narrow the interval of the p99 is to be is a share");
  if (o.goal < Duration{} || o.patience < Duration{} || o.spin < Duration{})
    wrong("options", "goal, patience and spin are times of 0 or more");
  return problems;
}

TimePoint later(TimePoint from, Duration by) noexcept { return by < never - from ? from + by : never; }

// One run. The ledger is let go of when it ends.
class Drive {
 public:
  Drive(const Arrivals& arrivals, const Submit& submit, const DriveOptions& options)
      : submit_(submit), options_(options), closed_(std::get_if<Closed>(&arrivals)) {
    const std::uint64_t most = options.requests + options.warm_up;
    if (closed_) {
      ledger_ = new Ledger(options.seed, options.warm_up, most, options.precise > 0);
      return;
    }
    std::vector<Duration> times;
    for (ArrivalTimes process(arrivals, options.seed); times.size() < most; times.push_back(last_)) {
      last_ = process.next();
      if (last_ == Duration::max() || last_ > options.until) break;
    }
    if (times.size() < most) end_ = last_ == Duration::max() ? End::arrivals : End::until;
    ledger_ = new Ledger(options.seed, options.warm_up, times.size(), options.precise > 0);
    for (std::size_t i = 0; i < times.size(); ++i) ledger_->plan(i, times[i]);
  }
  ~Drive() { ledger_->leave(); }
  Drive(const Drive&) = delete;

  // Throws what submitting throws.
  void send() {
    const TimePoint start = Clock::now() + 1ms;
    if (closed_) ledger_->begin_clients(*closed_, options_.seed, start);
    ledger_->start(start);
    looked_ = start;
    while (sent_ < ledger_->lines() && !is_over() && wait_for_next()) {
      ledger_->send(sent_);
      try {
        submit_(Done(*ledger_, sent_++));
      } catch (...) {
        ledger_->leave();  // for the Done
        throw;
      }
    }
    wait_for_answers();
  }
  DriveReport report() const {
    std::vector<Sample> samples;
    samples.reserve(sent_);
    for (std::uint64_t i = 0; i < sent_; ++i) samples.push_back(ledger_->sample(i));
    DriveReport r = summarise(std::move(samples), options_.warm_up, options_.goal);
    r.seed = options_.seed;
    r.end = end_;
    return r;
  }

 private:
  bool is_over() noexcept {
    if (options_.precise == 0 || Clock::now() - looked_ < 50ms) return false;
    looked_ = Clock::now();
    if (!ledger_->settled(options_.precise)) return false;
    end_ = End::precise;
    return true;
  }
  // False: nothing is sent any more.
  bool wait_for_next() noexcept {
    if (closed_) {
      const TimePoint end = later(ledger_->start(), options_.until), due = ledger_->next_client(end);
      if (due > end) return end_ = End::until, false;
      ledger_->plan(sent_, due - ledger_->start());
      return true;
    }
    const TimePoint due = ledger_->start() + ledger_->intended(sent_);
    if (due - Clock::now() > options_.spin) std::this_thread::sleep_until(due - options_.spin);
    while (Clock::now() < due) {
    }
    return true;
  }
  void wait_for_answers() const {
    const TimePoint end = later(Clock::now(), options_.patience);
    while (ledger_->open() > 0 && Clock::now() < end) std::this_thread::sleep_for(200us);
  }

  const Submit& submit_;
  const DriveOptions& options_;
  const Closed* const closed_;
  Ledger* ledger_ = nullptr;
  Duration last_{};
  TimePoint looked_{};
  std::uint64_t sent_ = 0;
  End end_ = End::requests;
};

}  // namespace

Built<DriveReport> drive(const Arrivals& arrivals, const Submit& submit, const DriveOptions& options) {
  try {
    if (Problems problems = check(arrivals, submit, options); !problems.empty()) return problems;
    Drive drive(arrivals, submit, options);
    const ForeignLoad foreign;
    try {
      drive.send();
    } catch (...) {
      const Error error = detail::thrown();
      return Problems(error.code(), "submit", std::string(error.what()));
    }
    const auto share = foreign.share();
    DriveReport report = drive.report();
    report.foreign = share;
    return report;
  } catch (const std::bad_alloc&) {
    return Problems(Code::out_of_memory, "requests", "there is not enough memory for what is kept of requests");
  }
}

DriveReport summarise(std::vector<Sample> samples, std::uint64_t warm_up, Duration goal) {
  DriveReport r;
  std::map<Code, std::uint64_t> outcomes;
  std::vector<Duration> latencies, lateness;
  Duration first = Duration::max(), last{};
  for (const Sample& s : samples) {
    if (s.number < warm_up) {
      ++r.warm_up;
      continue;
    }
    ++r.requests;
    first = std::min(first, s.arrival);
    last = std::max(last, s.arrival);
    lateness.push_back(s.lateness);
    if (s.unanswered) {
      ++r.unanswered;
      continue;
    }
    ++outcomes[s.code];
    r.anytime += s.facts.anytime;
    r.fallback += s.facts.fallback;
    r.late += s.facts.late;
    if (s.code != Code::none) continue;
    latencies.push_back(s.latency);
    last = std::max(last, s.arrival + s.latency);
    r.good += goal == Duration{} || s.latency <= goal;
  }
  for (const auto& [code, n] : outcomes) r.outcomes.push_back({code, n});
  r.time = r.requests ? last - first : Duration{};
  r.goal = goal;
  r.latency = summarise(std::move(latencies));
  r.lateness = summarise(std::move(lateness));
  r.samples = std::move(samples);
  return r;
}

std::uint64_t DriveReport::count(Code code) const noexcept {
  for (const Outcomes& o : outcomes)
    if (o.code == code) return o.requests;
  return 0;
}
double DriveReport::rate() const noexcept {
  return time > Duration{} ? static_cast<double>(requests) / to_seconds(time) : 0;
}
double DriveReport::goodput() const noexcept {
  return time > Duration{} ? static_cast<double>(good) / to_seconds(time) : 0;
}

std::string_view name(DriveReport::End end) noexcept {
  switch (end) {
    case End::requests: return "requests";
    case End::until: return "until";
    case End::arrivals: return "arrivals";
    case End::precise: return "precise";
  }
  return "";
}

}  // namespace tailrace::load
