// Driving: intended times, outcomes, intervals of quantiles, ends, and two systems in turns.
#include "tailrace/load/driver.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <deque>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "support/steps.h"
#include "tailrace/load/compare.h"
#include "tailrace/load/foreign.h"

// Counts what is taken from the heap, where nobody else stands in for it.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS_HEAP 1
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef COUNTS_HEAP
#endif
#endif
#endif

namespace {
std::atomic<long> taken{0};
}
#ifdef COUNTS_HEAP
extern "C" {
void* __libc_malloc(std::size_t);
void* malloc(std::size_t n) { return ++taken, __libc_malloc(n); }
}
#endif

using namespace tailrace;
using namespace tailrace::load;
using namespace std::chrono_literals;

namespace {

// Answers each request a fixed time after the one before, or after it was sent: a queue with one server, on a thread.
class Server {
 public:
  explicit Server(Duration takes) : takes_(takes), thread_([this](const std::stop_token& stop) { serve(stop); }) {}
  Submit submit() {
    return [this](Done done) {
      const std::lock_guard lock(mutex_);
      open_.push_back(done);
    };
  }

 private:
  void serve(const std::stop_token& stop) {
    TimePoint free{};
    while (!stop.stop_requested()) {
      std::optional<Done> next;
      {
        const std::lock_guard lock(mutex_);
        if (!open_.empty()) {
          next = open_.front();
          open_.pop_front();
        }
      }
      if (!next) {
        std::this_thread::sleep_for(50us);
        continue;
      }
      free = std::max(free, Clock::now()) + takes_;
      std::this_thread::sleep_until(free);
      (*next)();
    }
  }
  const Duration takes_;
  std::mutex mutex_;
  std::deque<Done> open_;
  std::jthread thread_;
};

const Submit at_once = [](Done done) { done(); };
Recorded every(Duration gap, int n) {
  Recorded r;
  for (int i = 0; i < n; ++i) r.times.push_back(gap * i);
  return r;
}
std::string mistake(const Arrivals& arrivals, const Submit& submit, const DriveOptions& options) {
  const auto r = drive(arrivals, submit, options);
  return r ? "none" : r.error().what();
}

// P(low <= B < high) by adding up, for comparison.
double coverage(std::uint64_t n, double share, const Ranks& ranks) {
  long double sum = 0, p = std::pow(1 - static_cast<long double>(share), static_cast<long double>(n));
  for (std::uint64_t k = 0; k <= n; ++k) {
    if (k >= ranks.low && k < ranks.high) sum += p;
    p *= static_cast<long double>(n - k) / static_cast<long double>(k + 1) * share / (1 - share);
  }
  return static_cast<double>(sum);
}

}  // namespace

TEST_CASE("quantiles: ranks of intervals are those of tables, and cover what they say") {
  CHECK(interval_ranks(6, .5) == Ranks{1, 6});  // 1 - 2 / 64
  CHECK(interval_ranks(5, .5) == Ranks{0, 6});  // 1 - 2 / 32 is too little
  CHECK(interval_ranks(20, .5) == Ranks{6, 15});
  CHECK(interval_ranks(0, .5) == Ranks{0, 1});
  CHECK(interval_ranks(100, .99).high == 101);  // there is no upper bound
  for (const std::uint64_t n : {10u, 73u, 500u})
    for (const double share : {.5, .9, .99}) {
      const Ranks ranks = interval_ranks(n, share);
      INFO(n << " " << share << ": " << ranks.low << " " << ranks.high);
      CHECK(coverage(n, share, ranks) >= .95);
      CHECK((ranks.low == 0 || coverage(n, share, {ranks.low + 1, n + 1}) < .975));
      CHECK((ranks.high > n || coverage(n, share, {0, ranks.high - 1}) < .975));
    }
  const Ranks many = interval_ranks(10'000'000, .99);  // the normal approximation is good here
  CHECK(many.low == Approx(9'900'000 - 1.96 * std::sqrt(99000)).margin(3));
  CHECK(many.high == Approx(9'900'000 + 1.96 * std::sqrt(99000)).margin(3));
}

TEST_CASE("quantiles: values that occurred, and the median with its interval") {
  std::vector<Duration> times;
  for (int i = 1000; i >= 1; --i) times.push_back(i * 1us);
  const Latencies l = summarise(times);
  CHECK((l.count == 1000 && l.max == 1ms && l.mean == 500500ns));
  CHECK((l.at(.5) == 500us && l.at(.9) == 900us && l.at(.99) == 990us && l.at(.999) == 999us));
  CHECK((l.quantiles[2].low < 990us && l.quantiles[2].high > 990us && !l.quantiles[3].high));
  CHECK(summarise(std::vector<Duration>()).quantiles.empty());
  CHECK(summarise(std::vector<Duration>{3us}).at(.99) == 3us);
  const Median m = median_of({6, 1, 5, 2, 4, 3});
  CHECK((m.value == 3.5 && m.low == 1 && m.high == 6));
  CHECK(std::isinf(median_of({1, 2}).high));
}

TEST_CASE("quantiles: intervals hold the true quantile as often as they say") {
  int held = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Random random(seed);
    std::vector<Duration> times;
    for (int i = 0; i < 500; ++i) times.push_back(to_duration(1e-3 * random.exponential()));
    const Quantile p90 = summarise(std::move(times)).quantiles[1];
    const double truth = 1e-3 * std::log(10.);
    held += to_seconds(p90.low) <= truth && truth <= to_seconds(*p90.high);
  }
  CHECK(held >= 370);  // 380 on average, with a deviation of 4.4
}

TEST_CASE("drive: a stall is charged to all who were to be sent meanwhile") {
  // The submitting thread itself is held up for 20 ms by the first request; the other nine were due within 9 ms.
  const Submit stalls = [](Done done) {
    if (done.number() == 0) std::this_thread::sleep_for(20ms);
    done();
  };
  const auto r = drive(every(1ms, 10), stalls).value();
  REQUIRE(r.samples.size() == 10);
  for (std::size_t i = 1; i < 10; ++i) {
    CHECK(r.samples[i].arrival == i * 1ms);
    CHECK(r.samples[i].latency >= 20ms - i * 1ms);
    CHECK(r.samples[i].lateness >= 20ms - i * 1ms);
  }
  CHECK((r.latency.at(.5) >= 14ms && r.lateness.at(.5) >= 14ms));
}

TEST_CASE("drive: latencies of a queue grow by what its server is behind") {
  Server server(2ms);
  const auto r = drive(every(1ms, 20), server.submit()).value();
  CHECK((r.requests == 20 && r.count(Code::none) == 20 && r.unanswered == 0));
  for (std::size_t i = 0; i < 20; ++i) CHECK(r.samples[i].latency >= 2ms + i * 1ms);
  CHECK(r.end == DriveReport::End::arrivals);
  CHECK(r.time >= 40ms);
}

TEST_CASE("drive: outcomes are counted by code, facts too, and good ones within the goal") {
  const Submit mixed = [](Done done) {
    switch (done.number() % 5) {
      case 0: return done(Code::deadline_missed);
      case 1: return done(Code::none, {.rung = 1, .anytime = true});
      case 2: return done(Outcome<int>(Result<int>(7), {.fallback = true}));
      case 3: return done(Outcome<int>(Result<int>(Error(Code::overloaded, "no room"))));
      default: std::this_thread::sleep_for(5ms); return done();
    }
  };
  const auto r = drive(every(10ms, 15), mixed, {.warm_up = 5, .goal = 3ms}).value();
  CHECK((r.requests == 10 && r.warm_up == 5));
  CHECK((r.count(Code::none) == 6 && r.count(Code::deadline_missed) == 2 && r.count(Code::overloaded) == 2));
  CHECK((r.anytime == 2 && r.fallback == 2 && r.late == 0));
  CHECK((r.latency.count == 6 && r.good <= 4));
  CHECK(r.goodput() == Approx(static_cast<double>(r.good) / to_seconds(r.time)));
  CHECK(r.samples[6].facts.rung == 1);
  const std::string text = to_text(r, "mixed");
  CHECK(text.find("mixed: 10 requests in ") == 0);
  CHECK(text.find("deadline_missed             2   20.00 %") != text.npos);
  CHECK(to_json(r).find("\"p99.9\"") != std::string::npos);
}

TEST_CASE("drive: what is told twice counts once, and what is never told is unanswered") {
  std::optional<Done> kept;
  const Submit some = [&](Done done) {
    if (done.number() == 1) return void(kept = done);
    done();
    if (done.number() == 0) std::this_thread::sleep_for(1ms);
  };
  const auto r = drive(every(1ms, 3), some, {.patience = 5ms}).value();
  CHECK((r.requests == 3 && r.count(Code::none) == 2 && r.unanswered == 1));
  CHECK(r.samples[1].unanswered);
  (*kept)();  // long after: only what is kept of it is given back
}

TEST_CASE("drive: nothing is taken from the heap while requests are sent") {
  long first = 0, last = 0;
  const Submit counts = [&](Done done) {
    (done.number() == 0 ? first : last) = taken.load();
    done();
  };
  drive(Poisson{20000}, counts, {.requests = 500, .precise = .01}).value();
  CHECK(last == first);
  drive(Closed{4, 10us, true}, counts, {.requests = 500}).value();
  CHECK(last == first);
}

TEST_CASE("drive: it ends after so many, at a time, or when the p99 is known") {
  CHECK(drive(Poisson{10000}, at_once, {.requests = 100}).value().requests == 100);
  const auto timed = drive(Poisson{2000}, at_once, {.until = 50ms}).value();
  CHECK(timed.end == DriveReport::End::until);
  CHECK((timed.requests > 50 && timed.requests < 200 && timed.samples.back().arrival <= 50ms));
  // Answers take 2 ms give or take nothing: their p99 is soon known.
  const Submit even = [](Done done) {
    std::this_thread::sleep_until(done.intended() + 2ms);
    done();
  };
  const auto known = drive(Closed{1}, even, {.until = 60s, .precise = 1}).value();
  CHECK((known.end == DriveReport::End::precise && known.requests >= 1000));
}

TEST_CASE("drive: a closed loop has no more under way than clients, who think") {
  Server server(500us);
  std::atomic<int> most{0}, open{0};
  const Submit inner = server.submit();
  const auto r = drive(Closed{3, 2ms}, [&](Done done) { inner(done); }, {.requests = 60}).value();
  CHECK(r.requests == 60);
  std::vector<std::pair<Duration, int>> steps;
  for (const Sample& s : r.samples) {
    steps.emplace_back(s.arrival + s.lateness, 1);
    steps.emplace_back(s.arrival + s.latency, -1);
  }
  std::sort(steps.begin(), steps.end());
  for (const auto& [at, step] : steps) most = std::max(most.load(), open += step);
  CHECK(most <= 3);
  CHECK(r.time >= 19 * 2500us);  // twenty turns of each client
  std::vector<Done> kept;
  const auto hold = [&](Done done) { kept.push_back(done); };
  const auto none = drive(Closed{2}, hold, {.until = 10ms, .patience = 1ms}).value();
  for (const Done& done : kept) done();  // much too late
  CHECK((none.requests == 2 && none.unanswered == 2 && none.end == DriveReport::End::until));
}

TEST_CASE("drive: mistakes are named, and so is what a submit throws") {
  CHECK(mistake(Poisson{0}, at_once, {}).find("arrivals: nothing would ever arrive") == 0);
  CHECK(mistake(Poisson{1}, {}, {}) == "submit: there is nothing to submit to");
  CHECK(mistake(Poisson{1}, at_once, {.requests = 0}) == "requests: a drive needs at least 1 request; got 0");
  CHECK(mistake(Poisson{1}, at_once, {.precise = 2}).find("precise: ") == 0);
  const Submit throws = [](Done) { throw std::runtime_error("no such row"); };
  CHECK(mistake(Poisson{1000}, throws, {}) == "submit: no such row");
}

TEST_CASE("drive: a live engine, with deadlines from the intended time and ids of a simulation") {
  auto engine =
      start(test::from_int([](Stream<int> x) { return x.then("half", [](int i) { return i / 2; }); }), {.threads = 1})
          .value();
  const auto input = [](std::uint64_t n) { return static_cast<int>(n); };
  const auto r = drive(Poisson{2000}, into(engine, input, Request{.within = 1h}), {.requests = 200}).value();
  CHECK((r.requests == 200 && r.count(Code::none) == 200));
  // The first is held up in its input, so that the others' time is over when they are sent.
  const auto slow = [](std::uint64_t n) {
    if (n == 0) std::this_thread::sleep_for(30ms);
    return static_cast<int>(n);
  };
  const auto late = drive(every(1ms, 4), into(engine, slow, Request{.within = 10ms}), {}).value();
  CHECK(late.count(Code::deadline_missed) == 4);
}

TEST_CASE("samples: as CSV and back") {
  const std::vector<Sample> samples{{0, 1ms, 2us, 5ns, Code::none, false, {.rung = 1, .anytime = true}},
                                    {1, 2ms, 3us, 0ns, Code::deadline_missed, false, {.winner = 0, .late = true}},
                                    {2, 3ms, {}, {}, Code::none, true, {}}};
  std::ostringstream out;
  write_samples(out, samples);
  CHECK(out.str() ==
        "request,arrival_ns,latency_ns,code,rung,winner,anytime,fallback,late\n"
        "0,1000000,2000,answered,1,,1,0,0\n1,2000000,3000,deadline_missed,,0,0,0,1\n");
  const auto back = read_samples(out.str()).value();
  REQUIRE(back.size() == 2);
  CHECK((back[0].arrival == 1ms && back[0].latency == 2us && back[0].facts.rung == 1 && back[0].facts.anytime));
  CHECK((back[1].code == Code::deadline_missed && back[1].facts.winner == 0 && back[1].facts.late));
  CHECK(read_samples("request\n").error().what().find("line 1: expected the line 'request,arrival_ns") == 0);
  CHECK(read_samples(out.str() + "3,x,0,answered,,,0,0,0\n").error().where() == "line 4");
}

TEST_CASE("compare: turns alternate, arrivals are the same, and the ratio is what the systems differ by") {
  std::string turns;
  std::vector<std::uint64_t> ids[2];
  const auto takes = [&](char name, Duration time) {
    return System{{name}, [&turns, &ids, name, time](Done done) {
                    if (done.number() == 0) turns += name;
                    if (done.number() == 0) ids[name - 'a'].push_back(done.id());
                    while (Clock::now() < done.intended() + time) {
                    }
                    done();
                  }};
  };
  const CompareOptions options{.rounds = 6, .each = {.requests = 10}};
  const auto c = compare(takes('a', 1ms), takes('b', 10ms), every(12ms, 10), options).value();
  CHECK(turns == "abbaabbaabbaab");
  CHECK(ids[0] == ids[1]);
  CHECK((c.of_a.requests == 60 && c.of_b.requests == 60));
  REQUIRE((c.ratios.size() == 3 && c.ratios[0].what == "p50" && c.ratios[1].what == "mean"));  // too few for a p90
  CHECK(c.ratios[0].rounds.size() == 6);
  CHECK(c.ratios[0].median.value > 1.5);  // 10 on a quiet machine
  CHECK(c.ratios[0].median.low <= c.ratios[0].median.value);
  CHECK(to_text(c).find("B by A, median of 6 rounds") != std::string::npos);
  CHECK(to_json(c).find("\"ratios\"") != std::string::npos);
  CHECK(compare(takes('a', 1ms), takes('b', 1ms), Poisson{1}, {.rounds = 5}).error().what() ==
        "rounds: a comparison needs at least 6 rounds for its interval; got 5");
}

TEST_CASE("foreign load: a share, where the system tells") {
  const ForeignLoad foreign;
  std::this_thread::sleep_for(30ms);
  const auto share = foreign.share();
#ifdef __linux__
  REQUIRE(share);
#endif
  if (share) CHECK((*share >= 0 && *share <= 1));
}
