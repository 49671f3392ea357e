// The parts of the demo that need no LibTorch: the data, the threshold, the clockwork, and the reports.
#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <set>

#include "cli/cascade.h"
#include "cli/demo.h"
#include "cli/files.h"
#include "cli/json_lines.h"
#include "cli/measure.h"
#include "cli/models.h"
#include "tailrace/plan/json.h"

namespace tr = tailrace;
using namespace tailrace::cli;

namespace {

const std::string docs = std::string(TEST_SOURCE_DIR) + "/../docs";

// Scores for two classes from the first pixel, as a network that is sure far from one half gives them. The tiny one
// errs between 0.5 and 0.6.
class Fake : public tr::Model {
 public:
  explicit Fake(double edge) : edge_(edge) {}
  tr::Status run(std::span<const tr::Tensor> inputs, std::span<tr::Tensor> outputs) const noexcept override {
    const double x = inputs[0].row(0).as<float>()[0];
    outputs[0] = tr::Tensor::zeros(tr::DType::float32, {1, 2});
    outputs[0].as<float>()[1] = static_cast<float>(20 * (x - edge_));
    return {};
  }
  bool batched() const noexcept override { return true; }
  std::string describe() const override { return "fake"; }

 private:
  double edge_;
};

// A hundred images whose first pixel runs from 0 to 16; the answer is whether it is 8 or more.
Images hundred() {
  Images images;
  for (int i = 0; i < 100; ++i) {
    images.pixels.insert(images.pixels.end(), 64, 16 * static_cast<float>(i) / 100);
    images.labels.push_back(i >= 50);
  }
  return images;
}

std::string what_of(const auto& built) { return built ? "no problem" : built.error().what(); }

}  // namespace

TEST_CASE("digits: the repository's file, split by a permutation that never changes") {
  const auto digits = read_digits(docs + "/data/digits.csv");
  if (!digits) FAIL(digits.error().what());
  CHECK(digits->train.size() == 1079);
  CHECK(digits->validation.size() == 359);
  CHECK(digits->test.size() == 359);
  CHECK(digits->hash == 0x0b6db7d4442bbc5d);
  CHECK(std::vector<std::int64_t>(digits->test.labels.begin(), digits->test.labels.begin() + 8) ==
        std::vector<std::int64_t>{0, 0, 0, 2, 3, 7, 2, 4});
  std::vector<int> count(10);
  for (const auto* part : {&digits->train, &digits->validation, &digits->test})
    for (const auto label : part->labels) ++count[static_cast<std::size_t>(label)];
  CHECK(count == std::vector<int>{178, 182, 177, 183, 181, 182, 181, 179, 174, 180});
  CHECK(digits->test.image(3).shape() == tr::Shape{64});
}

TEST_CASE("digits: files that are something else") {
  const std::string path = "digits_test.tmp";
  const auto problem = [&](const std::string& text) {
    std::ofstream(path) << text;
    const auto found = what_of(read_digits(path));
    std::remove(path.c_str());
    return found;
  };
  CHECK(problem("1,2,3\n") == path + ": has 3 numbers a row, expected 64 pixels and a digit");
  std::string row;
  for (int i = 0; i < 64; ++i) row += "0,";
  CHECK(problem(row + "1\n") == path + ": has 1 rows, expected 100 or more");
  std::string rows;
  for (int i = 0; i < 100; ++i) rows += row + "1\n";
  CHECK(problem(rows) == "no problem");
  CHECK(problem(rows + row + "10\n") == path + ": row 101 does not end in a digit");
  CHECK(problem(rows + row + "1.5\n") == path + ": row 101 does not end in a digit");
  CHECK(problem(rows + "17" + row.substr(1) + "1\n") == path + ": row 101 has a pixel that is not 0 to 16");
  CHECK(problem(rows + row + "x\n") == path + ":101:129: 'x' is not a number that fits float32");
}

TEST_CASE("the threshold is the highest that keeps the large network's share") {
  const ByHand networks(std::make_shared<Fake>(0.6), std::make_shared<Fake>(0.5 - 1e-6));
  const Images images = hundred();
  const auto threshold = choose_threshold(networks, images, 0.30);
  REQUIRE(threshold);
  CHECK(threshold->share_large <= 0.30);
  CHECK(threshold->share_large > 0.25);
  CHECK(threshold->large_accuracy == Approx(1));
  CHECK(threshold->tiny_accuracy == Approx(0.9));
  CHECK(threshold->accuracy == Approx(1));
  CHECK(choose_threshold(networks, images, 0)->share_large == 0);
  CHECK(choose_threshold(networks, images, 1)->least == 1);

  std::size_t large = 0;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const auto answer = networks.cascade(images.image(i), threshold->least);
    REQUIRE(answer);
    CHECK(answer->label == images.labels[i]);
    large += answer->rung == 1;
  }
  CHECK(static_cast<double>(large) / 100 == Approx(threshold->share_large));
}

TEST_CASE("the threshold is written into a copy of the flow") {
  const auto catalog = make_catalog();
  REQUIRE(write_threshold(docs + "/flows/digits.json", "copy_test.tmp", 0.37, catalog));
  const auto graph = read_flow_file("copy_test.tmp", catalog);
  std::remove("copy_test.tmp");
  REQUIRE(graph);
  const auto& rungs = (*graph)->nodes[2].arms;
  CHECK(rungs[0].exit.parameters == tr::Parameters{{"least", 0.37}});
  CHECK(models_of(**graph) == std::vector<std::string>{"tiny", "large"});
  std::ofstream("plain_test.tmp") << R"({"flow": "f", "input": "Tensor", "stages": []})";
  CHECK(what_of(write_threshold("plain_test.tmp", "copy_test.tmp", 0.37, catalog)) ==
        "plain_test.tmp: has no cascade with the exit test 'margin'");
  std::remove("plain_test.tmp");
}

TEST_CASE("measure: every contender the same number of rounds, in turn") {
  std::vector<int> order;
  std::vector<Contender> contenders(2);
  for (int k : {0, 1}) contenders[static_cast<std::size_t>(k)].round = [&order, k] { order.push_back(k); };
  std::size_t requests = 0;
  contenders[1].request = [&](std::size_t) { ++requests; };
  measure(contenders, {.requests = 5, .seconds = 0, .least_rounds = 3});
  CHECK(order == std::vector<int>{0, 1, 0, 1, 1, 0, 0, 1});
  CHECK(contenders[0].round_seconds.size() == 3);
  CHECK(contenders[1].request_seconds.size() == 15);
  CHECK(requests == 15);
  CHECK(percentile({3, 1, 2, 4}, 0.5) == 2);
  CHECK(percentile({3, 1, 2, 4}, 0.99) == 4);
  CHECK(percentile({7}, 0.01) == 7);
  CHECK(median_ratio({2, 9, 8}, {1, 3, 2}) == 3);
}

TEST_CASE("one line of JSON for each row") {
  tr::Outcome<std::int64_t> label = tr::Result<std::int64_t>(7);
  CHECK(answer_line(3, label) == R"({"row":3,"label":7})");
  label.rung = 1;
  CHECK(answer_line(3, label) == R"({"row":3,"label":7,"rung":1})");
  auto values = tr::Tensor::zeros(tr::DType::float32, {2, 2});
  values.as<float>()[1] = 0.1F;
  values.as<float>()[3] = std::numeric_limits<float>::infinity();
  CHECK(answer_line(0, tr::Outcome<tr::Tensor>(tr::Result<tr::Tensor>(values))) ==
        R"({"row":0,"values":[0.0,0.1,0.0,null]})");
  const tr::Error error(tr::Code::stage_failed, "label[1]", "\"odd\" \xff");
  CHECK(
      answer_line(9, tr::Outcome<tr::Tensor>(tr::Result<tr::Tensor>(error))) ==
      "{\"row\":9,\"error\":{\"code\":\"stage_failed\",\"where\":\"label[1]\",\"what\":\"\\\"odd\\\" \xef\xbf\xbd\"}}");
}

TEST_CASE("reports: means over seeds, and texts") {
  SeedFigures a, b;
  a.seed = 1, b.seed = 2;
  a.threshold = 0.8, b.threshold = 0.9;
  a.tiny = {.accuracy = 0.95, .share_large = 0, .p50_us = 5, .p99_us = 10, .per_second = 200000};
  a.large = {.accuracy = 0.98, .share_large = 1, .p50_us = 100, .p99_us = 200, .per_second = 10000};
  a.cascade = {.accuracy = 0.978, .share_large = 0.14, .p50_us = 6, .p99_us = 120, .per_second = 40000};
  a.speed_up = 4, a.bound = 3.5, a.many_per_second = 1234567, a.flow = "digits.json",
  a.explanation = "flow\n\n  stage\n";
  b.large.accuracy = 1, b.cascade.accuracy = 1, b.cascade.share_large = 0.2, b.speed_up = 2, b.bound = 1.5;
  const auto m = mean({a, b});
  CHECK(m.large.accuracy == Approx(0.99));
  CHECK(m.cascade.share_large == Approx(0.17));
  CHECK(m.speed_up == Approx(3));
  CHECK(m.bound == Approx(2.5));

  DemoFigures figures{.data = {}, .train = 60, .validation = 20, .test = 20, .threads = 1, .seeds = {a}};
  CHECK(report_end(figures) == R"(
The flow, with 0.80 as its exit threshold: the highest that sends at most 15 % of the validation images on.
  digits.json

The plan made from it:

  flow

    stage

20 test images, one after another:

                  accuracy  large ran on         p50         p99    images/s
  tiny alone        95.0 %         0.0 %      5.0 us     10.0 us     200,000
  large alone       98.0 %       100.0 %      100 us      200 us      10,000
  cascade           97.8 %        14.0 %      6.0 us      120 us      40,000

  86.0 % of the images left early, answered by the tiny network; 0.2 points below large alone.
  4.0 times as many images a second as large alone in a plain loop (expected: 3.5 or more).
  With many images under way on 1 thread: 1,230,000 images/s.
)");
  figures.seeds.push_back(b);
  CHECK(report_end(figures).find("seed    threshold") != std::string::npos);
  const auto json = report_json(figures);
  const auto at = json.find("\"mean\": {");
  REQUIRE(at != std::string::npos);
  CHECK(json.find("\"accuracy_gap_points\": 0.1,", at) != std::string::npos);
  CHECK(json.find("\"share_large\": 0.17,", at) != std::string::npos);
}
