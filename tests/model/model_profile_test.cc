// Profiles of models: looked up and replaced by model, variant, device and threads, checked, and given to a Registry.
#include "tailrace/model/model_profile.h"

#include <catch2/catch.hpp>

using namespace tailrace;
using namespace std::chrono_literals;

namespace {

constexpr Device cuda{Device::Kind::cuda, 0};

ModelProfile profile(std::string variant, Device device = {}, unsigned threads = 1) {
  ModelProfile p;
  p.model = "digit";
  p.variant = std::move(variant);
  p.device = device;
  p.threads = threads;
  return p;
}

}  // namespace

TEST_CASE("model profiles: one for each model, variant, device and number of threads") {
  ModelProfiles all;
  all.add(profile("tiny"));
  all.add(profile("tiny", cuda));
  all.add(profile("tiny", {}, 2));
  CHECK(all.list.size() == 3);
  auto again = profile("tiny", cuda);
  again.date = "2026-11-22";
  all.add(again);
  CHECK(all.list.size() == 3);
  CHECK(all.check().empty());
  REQUIRE(all.find("digit", "tiny", cuda, 1));
  CHECK(all.find("digit", "tiny", cuda, 1)->date == "2026-11-22");
  CHECK(all.find("digit", "tiny", {}, 2));
  CHECK_FALSE(all.find("digit", "tiny", cuda, 2));
  CHECK_FALSE(all.find("digit", "large", {}, 1));
}

TEST_CASE("model profiles: what is wrong is told with its place") {
  ModelProfiles all;
  all.list = {profile("tiny"), profile("tiny"), profile(""), profile("large", cuda, 0)};
  all.list[3].times.times = {{.rows = 2, .calls = 1, .min = 1, .p50 = 1, .p99 = 1},
                             {.rows = 1, .calls = 1, .min = 1, .p50 = 1, .p99 = 1}};
  const auto text = all.check().what();
  CHECK_THAT(text, Catch::Contains("digit, tiny on cpu with 1 thread: is there twice"));
  CHECK_THAT(text, Catch::Contains("digit,  on cpu with 1 thread: a model and its variant must have names"));
  CHECK_THAT(text, Catch::Contains("digit, large on cuda:0 with 0 threads: a call computes with at least one"));
  CHECK_THAT(text, Catch::Contains("with 0 threads, rows 1: must stand behind smaller"));
  CHECK(all.check().size() == 4);
}

TEST_CASE("model profiles: a registry gets what was measured") {
  auto p = profile("tiny", cuda);
  p.times.times = {{.rows = 1, .calls = 9, .min = 1e-3, .p50 = 2e-3, .p99 = 3e-3},
                   {.rows = 4, .calls = 9, .min = 1e-3, .p50 = 4e-3, .p99 = 5e-3}};
  p.accuracy = LabelledResult{"digits", 200, 190};
  p.memory = {100, 300};
  p.rows = {{DType::float32, {64}}};
  p.gives = {{DType::float64, {10}}};
  p.date = "2026-11-22";
  const Variant v = variant_of(p, nullptr);
  CHECK(v.name == "tiny");
  CHECK(v.latency == 2ms);
  CHECK(v.accuracy == 0.95);
  CHECK(v.times == p.times);
  CHECK(v.device == cuda);
  CHECK(v.bytes == 300);
  CHECK(v.row_in == 64 * 4);
  CHECK(v.row_out == 10 * 8);
  CHECK(v.measured == "2026-11-22");

  const Variant unknown = variant_of(profile("tiny"), nullptr);
  CHECK(unknown.latency == Duration{});
  CHECK(unknown.accuracy == 0);
  CHECK(unknown.measured.empty());
}

TEST_CASE("model profiles: steady is what nobody disturbed") {
  auto p = profile("tiny");
  p.times.times = {{.rows = 1, .calls = 9, .min = 1, .p50 = 1, .p99 = 1}};
  CHECK_FALSE(p.foreign > 0.01);
  CHECK(p.steady());
  p.foreign = 0.2;
  CHECK_FALSE(p.steady());
  p.foreign = 0.001;
  CHECK(p.steady());
  p.times.times[0].steady = false;
  CHECK_FALSE(p.steady());
}

TEST_CASE("model profiles: contents that differ have other hashes") {
  CHECK(content_hash("") == "cbf29ce484222325");  // as published
  CHECK(content_hash("a") == "af63dc4c8601ec8c");
  CHECK(content_hash("foobar") == "85944171f73967e8");
}
