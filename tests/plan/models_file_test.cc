// Files of models: what is written reads as what it was, older and smaller files are read, and whatever else is read
// gives one line that says where.
#include "tailrace/plan/models_file.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

namespace tr = tailrace;

namespace {

tr::BatchTime time(std::uint32_t rows, double seconds) {
  return {.rows = rows, .calls = 40, .min = seconds, .p50 = seconds * 1.25, .p99 = seconds * 2};
}

tr::ModelProfile example() {
  tr::ModelProfile p;
  p.model = "digit";
  p.variant = "tiny.pt";
  p.file = "nets/tiny.pt";
  p.bytes = 13892;
  p.content = "af63dc4c8601ec8c";
  p.back_end = "LibTorch";
  p.rows = {{tr::DType::float32, {64}}, {tr::DType::int64, {}}};
  p.load = {1e-5, 0.02, 0.003};
  p.first_calls = {{1, 0.5, 0.25}, {8, 0.75, 0.125}};
  p.times.times = {time(1, 1e-5), time(8, 4e-5), time(9, 9e-5)};
  p.times.times[1].steady = false;
  p.memory = {1000, 2000};
  p.throughput = {{1, 8, 1e5}, {2, 8, 1.9e5}};
  p.accuracy = tr::LabelledResult{"digits.csv", 899, 851};
  p.foreign = 0.003;
  p.machine = "a machine";
  p.date = "2026-11-22";
  return p;
}

std::string read_error(const std::string& text) {
  const auto p = tr::read_models(text);
  if (p) return "no error";
  CHECK(p.error().size() == 1);
  CHECK(p.error().what().find('\n') == std::string::npos);
  return p.error().what();
}
std::string of_model(const std::string& facts) { return R"({"models": [{"model": "m", "file": "f")" + facts + "}]}"; }

// Profiles with anything in them that they may hold.
class Author {
 public:
  explicit Author(unsigned seed) : random_(seed) {}
  tr::ModelProfiles models() {
    tr::ModelProfiles all;
    for (auto n = below(4); n > 0; --n) all.add(profile());
    return all;
  }

 private:
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
  double number() { return std::ldexp(static_cast<double>(random_()) + 1, -33 - static_cast<int>(below(20))); }
  std::string text() {
    static const std::string letters[] = {"a", "b", "[0]", ".", "\"", "\\", "\n", " ", "\xc3\xa9", "\x01"};
    std::string t = "n";
    for (auto n = below(6); n > 0; --n) t += letters[below(std::size(letters))];
    return t;
  }
  std::uint32_t next(std::uint32_t before) { return before + 1 + static_cast<std::uint32_t>(below(9)); }

  tr::ModelProfile profile() {
    tr::ModelProfile p;
    p.model = text(), p.variant = text(), p.file = text(), p.content = text(), p.back_end = text();
    p.machine = text(), p.date = below(2) ? text() : "";
    p.error = below(2) ? text() : "";
    if (below(2)) p.device = {tr::Device::Kind::cuda, static_cast<std::int8_t>(below(128))};
    p.threads = 1 + static_cast<unsigned>(below(4));
    p.bytes = random_();
    for (auto n = below(3); n > 0; --n)
      p.rows.push_back({static_cast<tr::DType>(below(10)), {static_cast<std::int64_t>(below(300)), 3}});
    if (below(2)) p.gives.push_back({tr::DType::float32, {static_cast<std::int64_t>(below(9))}});
    if (below(2)) p.load = {number(), number(), number()};
    for (std::uint32_t n = 0, rows = 0; n < below(4); ++n)
      p.first_calls.push_back({rows = next(rows), number(), number()});
    for (std::uint32_t n = 0, rows = 0; n < below(6); ++n) {
      double t[3] = {number(), number(), number()};
      std::sort(t, t + 3);
      p.times.times.push_back({rows = next(rows), random_(), t[0], t[1], t[2], below(2) == 0});
    }
    p.memory = {random_(), random_()};
    for (std::uint32_t n = 0, callers = 0; n < below(3); ++n)
      p.throughput.push_back({callers = next(callers), next(0), number()});
    if (below(2)) p.accuracy = tr::LabelledResult{text(), 9, below(10)};
    if (below(2)) p.foreign = static_cast<double>(below(5)) / 4;
    return p;
  }
  std::mt19937 random_;
};

}  // namespace

TEST_CASE("models files: what is written reads as what it was") {
  tr::ModelProfiles models;
  models.add(example());
  models.add(example());
  auto other = example();
  other.device = {tr::Device::Kind::cuda, 1};
  models.add(other);
  const auto text = tr::write_models(models);
  REQUIRE(text);
  CHECK(models.list.size() == 2);
  CHECK(text->back() == '\n');
  CHECK_THAT(*text, Catch::Contains("\"device\": \"cuda:1\""));
  CHECK_THAT(*text, Catch::Contains("\"fit\": {\"base\":"));
  CHECK(tr::read_models(*text).value() == models);
  for (unsigned seed = 0; seed < 400; ++seed) {
    INFO("seed " << seed);
    const auto any = Author(seed).models();
    const auto written = tr::write_models(any);
    REQUIRE(written);
    const auto read = tr::read_models(*written);
    REQUIRE(read);
    REQUIRE(*read == any);
  }
}

TEST_CASE("models files: a list of names and files is enough") {
  const auto read = tr::read_models(R"({"models": [{"model": "digit", "file": "tiny.pt"}]})");
  REQUIRE(read);
  CHECK(read->list.front().variant == "tiny.pt");
  CHECK(read->list.front().threads == 1);
  CHECK(read->list.front().device == tr::Device{});
  CHECK_FALSE(read->list.front().times.known());
  CHECK(read->list.front().foreign < 0);
}

TEST_CASE("models files: each mistake is one line with its place") {
  CHECK_THAT(read_error("{\"models\": "), Catch::StartsWith("1:12: not JSON"));
  CHECK(read_error("[]") == "1:1: a file of models must be an object, got a list");
  CHECK(read_error("{}") == "1:1: 'models' is missing: the list of models");
  CHECK(read_error("{\n \"model\": []}") == "2:2: a file of models has no 'model' (did you mean 'models'?)");
  CHECK(read_error(R"({"models": [{"file": "f"}]})") == "1:13: 'model' is missing: the model's name");
  CHECK(read_error(R"({"models": [{"model": "m"}]})") == "1:13: 'variant' is missing, and 'file' too: one is needed");
  CHECK(read_error(of_model(R"(, "devise": "cpu")")) == "1:41: a model has no 'devise' (did you mean 'device'?)");
  CHECK(read_error(of_model(R"(, "device": "gpu")")) == "1:51: there is no device 'gpu'; expected 'cpu', 'cuda:0', …");
  CHECK(read_error(of_model(R"(, "device": "cuda:128")")) ==
        "1:51: there is no device 'cuda:128'; expected 'cpu', 'cuda:0', …");
  CHECK(read_error(of_model(R"(, "threads": 0)")) == "1:52: 'threads' must be at least 1");
  CHECK(read_error(of_model(R"(, "rows": [{"dtype": "float23"}])")) ==
        "1:60: there is no element type 'float23' (did you mean 'float32'?)");
  CHECK_THAT(read_error(of_model(R"(, "rows": [{"shape": [1.5]}])")), Catch::Contains("an extent must be a whole"));
  CHECK_THAT(read_error(of_model(R"(, "rows": [{"shape": [1,1,1,1,1,1,1,1]}])")),
             Catch::Contains("'shape' has more than 7 items"));
  CHECK_THAT(read_error(of_model(R"(, "accuracy": {"rows": 3, "right": 4})")), Catch::Contains("'right' is more"));
  CHECK_THAT(read_error(of_model(R"(, "times": [{"rows": 1, "p50": 1}])")), Catch::Contains("positive numbers"));
  CHECK_THAT(read_error(of_model(R"(, "times": [{"rows": 2, "min": 1, "p50": 1, "p99": 1},
 {"rows": 2, "min": 1, "p50": 1, "p99": 1}])")),
             Catch::StartsWith("2:2: rows 2: must stand behind smaller"));
  CHECK_THAT(read_error(of_model(R"(, "first_calls": [{"rows": 0}])")), Catch::Contains("'rows' must grow"));
  CHECK_THAT(read_error(of_model(R"(, "throughput": [{"callers": 2}, {"callers": 2}])")),
             Catch::Contains("'callers' must grow"));
  CHECK_THAT(read_error(R"({"models": [{"model": "m", "file": "f"}, {"model": "m", "file": "f"}]})"),
             Catch::StartsWith("1:42: the model 'm', variant 'f', on cpu with 1 threads is given twice"));
  CHECK_THAT(read_error(R"({"models": )" + std::string(20, '[') + "1"), Catch::Contains("levels deep"));
  CHECK_THAT(read_error(std::string(std::size_t{17} << 20, ' ')), Catch::Contains("larger than"));
}

TEST_CASE("models files: what could not be read again is not written") {
  auto p = example();
  p.load.read = -1;
  tr::ModelProfiles models{{p}};
  CHECK_THAT(tr::write_models(models).error().what(), Catch::Contains("'read' must be a number"));
  models.list[0] = example();
  models.list[0].model = "\xff";
  CHECK_THAT(tr::write_models(models).error().what(), Catch::Contains("not UTF-8"));
  models.list = {example(), example()};
  CHECK_THAT(tr::write_models(models).error().what(), Catch::Contains("twice"));
}

TEST_CASE("models files: a text that was tampered with never harms the reader") {
  std::mt19937 random(7);
  const std::string whole = *tr::write_models({{example()}});
  for (int i = 0; i < 3000; ++i) {
    std::string text = i % 2 ? whole : *tr::write_models(Author(static_cast<unsigned>(i)).models());
    for (auto n = random() % 4; n > 0; --n) {
      const auto at = random() % text.size();
      if (random() % 3 == 0) text.erase(at, random() % 9);
      else text[at] = static_cast<char>(random() % 3 ? whole[random() % whole.size()] : random());
    }
    if (const auto p = tr::read_models(text)) CHECK(tr::write_models(*p));
    else CHECK(p.error().size() == 1);
  }
}
