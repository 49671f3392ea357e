// LibTorch first: it and Catch2 both define CHECK.
#include "torch/modules.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>
#include <numeric>

// Public networks that docs/models/export.py has made, against what their Python originals say: docs/models/*.json.
// TAILRACE_MODELS names another folder. Hidden, since they are skipped, and must say so, where nothing was exported:
// the ctests torch_pitch and torch_text run them.
namespace {

using Json = nlohmann::json;

fs::path exported(const std::string& name) {
  const char* const folder = std::getenv("TAILRACE_MODELS");
  return folder && *folder ? fs::path(folder) / name : in_cache(fs::path("models") / name);
}

bool is_there(const std::string& name, const std::string& group) {
  return found_or_skipped(exported(name), "python3 docs/models/export.py --only " + group + " makes it");
}

Json recorded(const std::string& name) {
  std::ifstream file(std::string(MODELS) + "/" + name);
  REQUIRE(file);
  return Json::parse(file);
}

std::shared_ptr<const tr::Model> network(const std::string& name, const tr::torch::LoadOptions& options) {
  const auto model = tr::torch::open(exported(name), options);
  INFO(failure(model));
  REQUIRE(model);
  return *model;
}

// The largest difference between a row of the answer and what was recorded.
float apart(const std::vector<float>& answer, std::size_t row, const std::vector<float>& expected) {
  REQUIRE(answer.size() >= (row + 1) * expected.size());
  float most = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const float difference = std::abs(answer[row * expected.size() + i] - expected[i]);
    if (std::isnan(difference)) return difference;
    most = std::max(most, difference);
  }
  return most;
}

// A frame as torchcrepe prepares it: a tone minus its mean, divided by its deviation.
void write_tone(double hertz, double rate, std::span<float> frame) {
  const auto count = static_cast<double>(frame.size());
  std::vector<double> sound(frame.size());
  double mean = 0, squares = 0;
  for (std::size_t n = 0; n < sound.size(); ++n) {
    sound[n] = std::sin(2 * std::numbers::pi * hertz * static_cast<double>(n) / rate);
    mean += sound[n] / count;
  }
  for (const double x : sound) squares += (x - mean) * (x - mean);
  const double deviation = std::sqrt(squares / (count - 1));
  for (std::size_t n = 0; n < sound.size(); ++n) frame[n] = static_cast<float>((sound[n] - mean) / deviation);
}

// How far the likeliest bin is from that tone, in cents.
double cents_off(std::span<const float> bins, double hertz) {
  const auto best = std::max_element(bins.begin(), bins.end()) - bins.begin();
  return std::abs(20 * static_cast<double>(best) + 1997.3794084376191 - 1200 * std::log2(hertz / 10));
}

// Rows of tokens, each padded with zeros to the longest, and which of them are there.
std::vector<Tensor> padded(const std::vector<std::vector<std::int64_t>>& rows) {
  std::size_t longest = 0;
  for (const auto& row : rows) longest = std::max(longest, row.size());
  const Shape shape{static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(longest)};
  std::vector<Tensor> both = {Tensor::zeros(DType::int64, shape), Tensor::zeros(DType::int64, shape)};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::copy(rows[i].begin(), rows[i].end(), both[0].as<std::int64_t>().subspan(i * longest).begin());
    std::fill_n(both[1].as<std::int64_t>().subspan(i * longest).begin(), rows[i].size(), 1);
  }
  return both;
}

float product(std::span<const float> a, std::span<const float> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.f);
}

}  // namespace

TEST_CASE("a public network of pitches says of tones what it says in Python", "[.pitch]") {
  const auto size = GENERATE(as<std::string>(), "tiny", "full");
  const std::string name = "crepe_" + size + ".pt";
  if (!is_there(name, "pitch")) return;
  const Json known = recorded("pitch.json");
  const auto tones = known["tones"].get<std::vector<double>>();
  const auto samples = known["samples"].get<std::size_t>();
  const auto rows = static_cast<std::int64_t>(tones.size());
  const Shape row{static_cast<std::int64_t>(samples)};
  const auto model = network(name, {.rows = {{DType::float32, row}}, .warm_up = 1, .batches = {rows}});
  const auto frames = Tensor::zeros(DType::float32, {rows, row[0]});
  for (std::size_t i = 0; i < tones.size(); ++i)
    write_tone(tones[i], known["rate"].get<double>(), frames.as<float>().subspan(i * samples, samples));
  const auto answer = ask(*model, {frames});
  INFO(failure(answer));
  REQUIRE(answer);
  const auto said = values(*answer);
  float most = 0;
  for (std::size_t i = 0; i < tones.size(); ++i) {
    const auto expected = known["answers"][size].at(i).get<std::vector<float>>();
    INFO(name << ", " << tones[i] << " Hz");
    const float here = apart(said, i, expected);
    CHECK(here < 1e-4f);
    CHECK(cents_off(std::span(said).subspan(i * expected.size(), expected.size()), tones[i]) < 50);
    most = std::max(most, here);
  }
  WARN(name << ": differs by " << most << " at most");
}

TEST_CASE("a public network makes the vectors of sentences that it makes in Python", "[.text]") {
  if (!is_there("minilm.pt", "text")) return;
  const Json known = recorded("text.json");
  const auto model = network("minilm.pt", {});
  std::vector<std::vector<std::int64_t>> tokens;
  std::vector<std::vector<float>> expected;
  for (const auto& answer : known["answers"]) {
    tokens.push_back(answer["tokens"].get<std::vector<std::int64_t>>());
    expected.push_back(answer["vector"].get<std::vector<float>>());
  }
  REQUIRE(tokens.size() == 3);
  const auto together = ask(*model, padded(tokens));
  INFO(failure(together));
  REQUIRE(together);
  const auto said = values(*together);
  float most = 0, most_alone = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    INFO(known["answers"][i]["sentence"]);
    const auto alone = ask(*model, padded({tokens[i]}));
    REQUIRE(alone);
    most = std::max(most, apart(said, i, expected[i]));
    CHECK(apart(said, i, expected[i]) < 1e-4f);
    most_alone = std::max(most_alone, apart(values(*alone), 0, expected[i]));
    CHECK(apart(values(*alone), 0, expected[i]) < 1e-4f);  // whatever is padded
  }
  const auto vector = [&](std::size_t i) {
    return std::span(said).subspan(i * expected[i].size(), expected[i].size());
  };
  CHECK(product(vector(0), vector(1)) > product(vector(0), vector(2)) + .1f);  // two are of mills, one of taxes
  WARN("minilm.pt: differs by " << most << " at most in a batch, by " << most_alone << " alone");
}
