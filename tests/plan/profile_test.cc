// Profile: looking up, merging, and its text: what is written reads as what it was, and whatever else is read gives one
// line that says where.
#include "tailrace/plan/profile.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

namespace tr = tailrace;

namespace {

tr::Times times(double seconds, std::uint64_t calls = 10) {
  return {calls, seconds, seconds * 1.25, seconds, seconds * 1.5, seconds * 2, 0.125};
}
tr::Cost cost(std::string where, double seconds, std::string variant = {}) {
  tr::Cost c;
  c.where = std::move(where);
  c.variant = std::move(variant);
  c.time = times(seconds);
  return c;
}
tr::Profile example() {
  tr::Profile p;
  p.flow = "classify";
  p.measured = {"a machine", "2026-01-02", "a compiler", 2};
  p.wake = times(3e-5);
  p.add(cost("label[0]", 2e-6, "tiny"));
  p.add(cost("label[0]", 9e-6, "large"));
  p.add(cost("best", 1e-7));
  return p;
}

std::string read_error(const std::string& text) {
  const auto p = tr::read_profile(text);
  if (p) return "no error";
  CHECK(p.error().size() == 1);
  CHECK(p.error().what().find('\n') == std::string::npos);
  return p.error().what();
}

// A profile with anything in it that a profile may hold.
class Author {
 public:
  explicit Author(unsigned seed) : random_(seed) {}
  tr::Profile profile() {
    tr::Profile p;
    p.flow = text();
    p.measured = {text(), text(), text(), static_cast<unsigned>(below(5))};
    if (below(2)) p.wake = any_times();
    if (below(2)) p.hand_over = any_times();
    for (auto n = below(8); n > 0; --n) {
      tr::Cost c;
      c.where = text();
      c.variant = below(2) ? text() : "";
      if (below(4)) c.time = any_times();
      c.bytes = below(2) ? number() : 0;
      c.share = below(2) ? number() : 1;
      if (below(2)) c.of_input = below(5) / 4.;
      c.failures = below(3);
      c.error = below(2) ? text() : "";
      p.add(c);
    }
    return p;
  }
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

 private:
  double number() { return std::ldexp(static_cast<double>(random_()), -3 - static_cast<int>(below(80))); }
  tr::Times any_times() {
    double t[4] = {number(), number(), number(), number()};
    std::sort(t, t + 4);
    return {random_(), t[0], t[0] + number() * 1e-3, t[1], t[2], t[3], number() * 1e-6};
  }
  std::string text() {
    static const std::string letters[] = {"a", "b", "[0]", ".", "\"", "\\", "\n", " ", "\xc3\xa9", "\x01"};
    std::string t;
    for (auto n = below(6); n > 0; --n) t += letters[below(std::size(letters))];
    return t;
  }
  std::mt19937 random_;
};

}  // namespace

TEST_CASE("a cost is found by its path and variant") {
  const auto p = example();
  REQUIRE(p.find("best"));
  CHECK(p.find("best")->time.p50 == 1e-7);
  CHECK(p.find("label[0]", "tiny")->time.p50 == 2e-6);
  CHECK(p.find("label[0]", "large")->time.p50 == 9e-6);
  CHECK(p.find("label[0]") == nullptr);
  CHECK(p.find("label") == nullptr);
  CHECK(p.find("") == nullptr);
  CHECK(tr::Profile{}.find("best") == nullptr);
}

TEST_CASE("what is added twice is there once, as it was added last") {
  auto p = example();
  p.add(cost("best", 5e-7));
  CHECK(p.costs.size() == 3);
  CHECK(p.find("best")->time.p50 == 5e-7);
}

TEST_CASE("two profiles of one machine become one; the newer one counts") {
  auto newer = example();
  newer.costs.clear();
  newer.wake = {};
  newer.measured.date = "2026-02-03";
  newer.add(cost("best", 4e-7));
  newer.add(cost("other", 1e-3));
  const auto both = tr::merge(example(), newer);
  REQUIRE(both);
  CHECK(both->costs.size() == 4);
  CHECK(both->find("best")->time.p50 == 4e-7);
  CHECK(both->find("other"));
  CHECK(both->find("label[0]", "tiny"));
  CHECK(both->wake == example().wake);
  CHECK(both->measured.date == "2026-02-03");
  CHECK(*tr::merge({}, example()) == example());
  CHECK(*tr::merge(example(), {}) == example());
}

TEST_CASE("profiles of different machines are not merged") {
  auto other = example();
  other.measured.machine = "another";
  CHECK_THAT(tr::merge(example(), other).error().what(),
             Catch::Contains("'a machine'") && Catch::Contains("'another'"));
}

TEST_CASE("rounds that differ much are not steady") {
  CHECK(times(1).steady());
  auto t = times(1);
  t.spread = 0.5;
  CHECK_FALSE(t.steady());
}

TEST_CASE("times are told in the unit that fits, with three digits") {
  CHECK(tr::time_in_words(0) == "0 ns");
  CHECK(tr::time_in_words(1.234e-9) == "1.23 ns");
  CHECK(tr::time_in_words(999.4e-9) == "999 ns");
  CHECK(tr::time_in_words(999.9e-9) == "1 us");
  CHECK(tr::time_in_words(12.5e-6) == "12.5 us");
  CHECK(tr::time_in_words(3.14159e-3) == "3.14 ms");
  CHECK(tr::time_in_words(12.3456) == "12.35 s");
  CHECK(tr::time_in_words(-1) == "unknown");
}

TEST_CASE("a profile as text") {
  const auto text = tr::write_profile(example());
  REQUIRE(text);
  CHECK_THAT(*text, Catch::Contains(R"({"where":"label[0]","variant":"tiny","time":{"calls":10,"min":2e-06,)"));
  CHECK(tr::read_profile(*text).value() == example());
  const auto small = tr::read_profile(R"({"costs": [{"where": "a", "time": {"calls": 1, "p50": 1, "p90": 1,
    "p99": 2, "mean": 1}}, {"where": ""}]})");
  REQUIRE(small);
  CHECK(small->find("a")->time.expected() == 1);
  CHECK_FALSE(small->find("")->time.known());
}

TEST_CASE("what is written reads as what it was, for any profile") {
  for (unsigned seed = 0; seed < 400; ++seed) {
    INFO("seed " << seed);
    const auto p = Author(seed).profile();
    const auto text = tr::write_profile(p);
    REQUIRE(text);
    const auto read = tr::read_profile(*text);
    REQUIRE(read);
    REQUIRE(*read == p);
  }
}

TEST_CASE("a profile with a bad number, or in no order, is not written") {
  auto p = example();
  p.costs[0].time.p99 = std::numeric_limits<double>::infinity();
  CHECK_THAT(tr::write_profile(p).error().what(), Catch::Contains("'p99' must be a number"));
  p = example();
  std::swap(p.costs[0], p.costs[1]);
  CHECK_THAT(tr::write_profile(p).error().what(), Catch::Contains("not sorted"));
  p = example();
  p.costs[0].where = "\xff";
  CHECK_THAT(tr::write_profile(p).error().what(), Catch::Contains("not UTF-8"));
  p = example();
  p.costs[0].error = "a\xff!";  // of somebody's exception
  CHECK(tr::read_profile(tr::write_profile(p).value())->costs[0].error == "a\xef\xbf\xbd!");
}

TEST_CASE("each mistake in the text is one line with its place") {
  CHECK_THAT(read_error("{\"profile\": "), Catch::StartsWith("1:13: not JSON"));
  CHECK(read_error("[]") == "1:1: a profile must be an object, got a list");
  CHECK(read_error("{\n \"cost\": []}") == "2:2: a profile has no 'cost' (did you mean 'costs'?)");
  CHECK(read_error(R"({"costs": {}})") == "1:11: 'costs' must be a list, got an object");
  CHECK(read_error(R"({"costs": [{"bytes": 1}]})") == "1:12: 'where' is missing: the path of a stage");
  CHECK(read_error(R"({"costs": [{"where": 3}]})") == "1:22: 'where' must be a text, got a number");
  CHECK(read_error(R"({"wake": {"p5": 3}})") == "1:11: 'wake' has no 'p5' (did you mean 'p50'?)");
  CHECK(read_error(R"({"wake": {"min": -1}})") == "1:18: 'min' must be a number from 0 to 1000000000");
  CHECK(read_error(R"({"wake": {"calls": 1.5}})") == "1:20: 'calls' must be a whole number from 0 to 9007199254740992");
  CHECK(read_error(R"({"costs": [{"where": "a", "of_input": 1.5}]})") ==
        "1:39: 'of_input' must be a number from 0 to 1");
  CHECK_THAT(read_error(R"({"wake": {"p50": 2, "p90": 1}})"), Catch::Contains("must not fall"));
  CHECK_THAT(read_error(R"({"wake": {"min": 1, "p50": 1, "p90": 1, "p99": 1}})"), Catch::Contains("'mean' is smaller"));
  CHECK(read_error(R"({"costs": [{"where": "a"}, {"where": "b"}, {"where": "a"}]})") ==
        "1:44: the cost of 'a' is given twice");
  CHECK_THAT(read_error(R"({"profile": ")" + std::string(16001, 'x') + "\"}"), Catch::Contains("longer than 16000"));
  CHECK_THAT(read_error(R"({"wake": )" + std::string(20, '[') + "1"), Catch::Contains("levels deep"));
  CHECK_THAT(read_error(std::string(std::size_t{17} << 20, ' ')), Catch::Contains("larger than"));
  CHECK_THAT(read_error(R"({"wake": {"min": 1e999}})"), Catch::StartsWith("1:"));
}

TEST_CASE("a text that was tampered with never harms the reader") {
  std::mt19937 random(7);
  const std::string whole = *tr::write_profile(Author(3).profile()) + *tr::write_profile(example());
  for (int i = 0; i < 3000; ++i) {
    std::string text = *tr::write_profile(i % 2 ? example() : Author(static_cast<unsigned>(i)).profile());
    for (auto n = random() % 4; n > 0; --n) {
      const auto at = random() % text.size();
      if (random() % 3 == 0) text.erase(at, random() % 9);
      else text[at] = static_cast<char>(random() % 3 ? whole[random() % whole.size()] : random());
    }
    if (const auto p = tr::read_profile(text)) CHECK(tr::write_profile(*p));
    else CHECK(p.error().size() == 1);
  }
}
