// Arrival processes: rates, times that are the same everywhere, texts and files.
#include "tailrace/load/arrivals.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace tailrace;
using namespace tailrace::load;
using namespace std::chrono_literals;

namespace {

std::vector<Duration> first(const Arrivals& arrivals, std::size_t n, std::uint64_t seed = 1) {
  ArrivalTimes times(arrivals, seed);
  std::vector<Duration> list;
  while (list.size() < n) list.push_back(times.next());
  return list;
}

// How many arrive between two times.
int between(const std::vector<Duration>& times, Duration from, Duration to) {
  int n = 0;
  for (const Duration t : times) n += t >= from && t < to;
  return n;
}

// The only problem, as "where: what".
std::string mistake(const Problems& problems) {
  return problems.size() == 1 ? problems.what() : std::to_string(problems.size()) + " problems";
}
std::string mistake(std::string_view text) {
  const auto arrivals = read_arrivals(text);
  return arrivals ? "" : mistake(arrivals.error());
}
std::string mistake_in_file(std::string_view text, std::string_view column = {}) {
  const auto times = parse_recorded(text, "a.csv", column);
  return times ? "" : mistake(times.error());
}

}  // namespace

TEST_CASE("arrivals: a Poisson process has its rate, and waits that are exponential") {
  const auto times = first(Poisson{2000}, 200000);
  const double seconds = to_seconds(times.back());
  CHECK(std::abs(200000 / seconds / 2000 - 1) < 5 / std::sqrt(200000.));
  double squares = 0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    REQUIRE(times[i] >= times[i - 1]);
    squares += std::pow(2000 * to_seconds(times[i] - times[i - 1]), 2);
  }
  CHECK(std::abs(squares / 200000 / 2 - 1) < 5 * std::sqrt(5. / 200000));  // E[x^2] = 2, its variance 20
}

TEST_CASE("arrivals: the same seed gives the same times everywhere") {
  CHECK(first(Poisson{2000}, 3) == std::vector<Duration>{152715ns, 1951468ns, 2247396ns});
  CHECK(first(Mmpp{4000, 500, 1ms, 3ms}, 4) == std::vector<Duration>{1183712ns, 1845820ns, 5781685ns, 8514812ns});
  CHECK(first(Step{{{0s, 100}, {1ms, 10000}}}, 3) == std::vector<Duration>{1359751ns, 1418936ns, 1452042ns});
  CHECK(first(Poisson{2000}, 3) == first(Poisson{2000}, 3));
  CHECK(first(Poisson{2000}, 3) != first(Poisson{2000}, 3, 2));
}

TEST_CASE("arrivals: a modulated process has both rates, for their times") {
  // In the long run a quarter of the time at 4000 and the rest at 500: 1375 a second, and more uneven than Poisson.
  const auto times = first(Mmpp{4000, 500, 100ms, 300ms}, 400000);
  CHECK(400000 / to_seconds(times.back()) == Approx(1375).epsilon(.05));
  const auto windows = static_cast<int>(times.back() / 20ms);
  std::vector<int> counts(static_cast<std::size_t>(windows) + 1);
  for (const Duration t : times) ++counts[static_cast<std::size_t>(t / 20ms)];
  int crowded = 0, empty = 0;
  for (const int n : counts) crowded += n > 55, empty += n < 20;
  CHECK(crowded / static_cast<double>(windows) == Approx(.25).margin(.06));
  CHECK(empty / static_cast<double>(windows) == Approx(.72).margin(.06));
}

TEST_CASE("arrivals: one of the two rates may be zero") {
  const auto times = first(Mmpp{1000, 0, 10ms, 10ms}, 50000);
  CHECK(50000 / to_seconds(times.back()) == Approx(500).epsilon(.05));
}

TEST_CASE("arrivals: steps change the rate at their times") {
  const auto times = first(Step{{{1s, 500}, {3s, 2000}, {4s, 0}, {6s, 1000}}}, 5000);
  CHECK(between(times, 0s, 1s) == 0);
  CHECK(std::abs(between(times, 1s, 3s) - 1000) < 5 * std::sqrt(1000.));
  CHECK(std::abs(between(times, 3s, 4s) - 2000) < 5 * std::sqrt(2000.));
  CHECK(between(times, 4s, 6s) == 0);
  CHECK(std::abs(between(times, 6s, 7s) - 1000) < 5 * std::sqrt(1000.));
  ArrivalTimes ends(Step{{{0s, 1000}, {100ms, 0}}}, 1);
  int n = 0;
  while (ends.next() != Duration::max()) ++n;
  CHECK(std::abs(n - 100) < 50);
  CHECK(ends.next() == Duration::max());
}

TEST_CASE("arrivals: recorded times come as they were") {
  CHECK(first(Recorded{{0s, 5ms, 5ms, 7ms}}, 6) ==
        std::vector<Duration>{0s, 5ms, 5ms, 7ms, Duration::max(), Duration::max()});
  CHECK(first(Closed{3, 1ms}, 1) == std::vector<Duration>{Duration::max()});
}

TEST_CASE("arrivals: what cannot be is refused") {
  CHECK(check(Poisson{5}).empty());
  CHECK(mistake(check(Poisson{0})) == "arrivals: nothing would ever arrive: a rate, a time or a client is missing");
  CHECK(mistake(check(Poisson{-1})) == "rate: a rate is a number of requests a second from 0 to 1e9; got -1.000000");
  CHECK(mistake(check(Poisson{std::nan("")})).find("rate: ") == 0);
  CHECK(mistake(check(Mmpp{10, 1, 0s, 1s})) == "dwell_hi: a rate is kept for a time above 0");
  CHECK(mistake(check(Step{{{2s, 1}, {1s, 1}}})) == "from: the times of steps are not below 0 and do not fall");
  CHECK(mistake(check(Step{})).find("arrivals: nothing") == 0);
  CHECK(mistake(check(Recorded{{2s, 1s}})) == "times: recorded times are not below 0 and do not fall");
  CHECK(mistake(check(Closed{0})).find("arrivals: nothing") == 0);
  CHECK(mistake(check(Closed{1, -1s})) == "think: a client thinks for a time of 0 or more");
}

TEST_CASE("arrivals: texts") {
  CHECK(std::get<Poisson>(read_arrivals("poisson:2000").value()).rate == 2000);
  const auto mmpp = std::get<Mmpp>(read_arrivals("mmpp: 4000, 500, 200ms, 1.5s").value());
  CHECK((mmpp.rate_hi == 4000 && mmpp.rate_lo == 500 && mmpp.dwell_hi == 200ms && mmpp.dwell_lo == 1500ms));
  const auto step = std::get<Step>(read_arrivals("step:500@0s,2e3@10s").value());
  REQUIRE(step.rates.size() == 2);
  CHECK((step.rates[1].rate == 2000 && step.rates[1].from == 10s));
  const auto closed = std::get<Closed>(read_arrivals("closed:8,250us").value());
  CHECK((closed.clients == 8 && closed.think == 250us && !closed.random));
  CHECK(std::get<Closed>(read_arrivals("closed:8").value()).think == 0s);
  CHECK(read_duration("90ns").value() == 90ns);
  CHECK(read_duration("2min").value() == 2min);
}

TEST_CASE("arrivals: a text that is none says what was expected, and the nearest name") {
  CHECK(mistake("poison:2000") ==
        "poison:2000: there are no arrivals of the kind 'poison' (did you mean 'poisson'?); expected poisson, mmpp, "
        "step, closed or csv, then a colon");
  CHECK(mistake("").find("there are no arrivals of the kind ''; expected") == 0);
  CHECK(mistake("poisson") == "poisson: expected poisson:RATE");
  CHECK(mistake("poisson:1,2") == "poisson:1,2: expected poisson:RATE");
  CHECK(mistake("poisson:fast") == "poisson:fast: expected a rate, in requests a second, and got 'fast'");
  CHECK(mistake("poisson:-3").find("poisson:-3: rate: a rate is a number") == 0);
  CHECK(mistake("poisson:nan").find("expected a rate") != std::string::npos);
  CHECK(mistake("mmpp:1,2,3ms") == "mmpp:1,2,3ms: expected mmpp:RATE_HI,RATE_LO,DWELL_HI,DWELL_LO");
  CHECK(mistake("mmpp:1,2,3,4s") ==
        "mmpp:1,2,3,4s: expected a duration, such as 1.5ms (ns, us, ms, s or min), and got '3'");
  CHECK(mistake("step:500") == "step:500: expected rate@from, such as 500@10s, and got '500'");
  CHECK(mistake("closed:0") == "closed:0: expected a number of clients, and got '0'");
  CHECK(mistake("csv:") == "csv:: expected csv:FILE or csv:FILE#COLUMN");
  CHECK(mistake("csv:/nowhere/at.csv") == "/nowhere/at.csv: the file cannot be read");
}

TEST_CASE("arrivals: files of times") {
  const auto times = [](std::string_view text, std::string_view column = {}) {
    return parse_recorded(text, "a.csv", column).value().times;
  };
  using Times = std::vector<Duration>;
  CHECK(times("10\n10.5\n\n10.75\n") == Times{0s, 500ms, 750ms});
  CHECK(times("time\n1\n2") == Times{0s, 1s});
  CHECK(times("id,time\r\n7,1\r\n8,1.001\r\n") == Times{0s, 1ms});
  CHECK(times("at,id\n1e-3,2\n2e-3,3\n", "at") == Times{0s, 1ms});
  CHECK(mistake_in_file("time\n1\nsoon\n") == "a.csv:3: expected a time in seconds in column 1, and got 'soon'");
  CHECK(mistake_in_file("id,time\n1,2\n3\n") == "a.csv:3: expected a time in seconds in column 2, and got a line of 1");
  CHECK(mistake_in_file("2\n1\n") == "a.csv:2: times must not fall: '1' is before the one above it");
  CHECK(mistake_in_file("tine,id\n1,2\n", "time") ==
        "a.csv:1: there is no column 'time' (did you mean 'tine'?); expected it in the first line");
  CHECK(mistake_in_file("time\n\n") == "a.csv: expected times in seconds, one a line; got none");
  CHECK(mistake_in_file("1\ninf\n").find("a.csv:2: expected a time") == 0);
}

TEST_CASE("arrivals: a file by its name") {
  const std::string file = std::filesystem::temp_directory_path() / ("arrivals-" + std::to_string(getpid()));
  std::ofstream(file) << "when,time\n5,1\n6,1.5\n";
  CHECK(std::get<Recorded>(read_arrivals("csv:" + file).value()).times == std::vector<Duration>{0s, 500ms});
  CHECK(std::get<Recorded>(read_arrivals("csv:" + file + "#when").value()).times == std::vector<Duration>{0s, 1s});
  std::remove(file.c_str());
}
