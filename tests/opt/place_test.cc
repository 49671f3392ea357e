// place: everything on the CPU.
#include "tailrace/opt/place.h"

#include <catch2/catch.hpp>
#include <random>

#include "opt/flows.h"
#include "opt/placement.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/opt/variant.h"

namespace tr = tailrace;
using namespace tailrace::test;

TEST_CASE("every stage is placed on the CPU, in arms too, and that is told once") {
  auto plan = plan_for(lines().share());
  const tr::Device gpu{tr::Device::Kind::cuda, 1};
  plan.choices.root.device[1] = gpu;
  plan.choices.root.arms[3][1].device[1] = gpu;
  CHECK(tr::place(plan, {}).empty());
  CHECK(plan.choices.root.device == std::vector<tr::Device>(6));
  CHECK(plan.choices.root.arms[3][1].device == std::vector<tr::Device>(3));
  CHECK(decisions(plan) == "place lines: every stage on cpu\n");
}

TEST_CASE("placing does not touch the graph, nor what runs together") {
  auto plan = plan_for(lines().share());
  const auto before = plan;
  CHECK(tr::place(plan, {}).empty());
  CHECK(plan.graph == before.graph);
  CHECK(plan.choices.root.group == before.choices.root.group);
}

// ---- devices

namespace {

constexpr tr::Device cuda{tr::Device::Kind::cuda, 0};

// A network on a device that can keep its output there.
class Away : public Times {
 public:
  bool starts() const noexcept override { return true; }
  std::shared_ptr<const tr::Model> keeping_outputs() const override { return std::make_shared<Away>(); }
};

tr::Variant variant(double cpu_seconds, double cuda_seconds, std::uint64_t bytes = 1000) {
  tr::Variant v = make_variant("large", .9, tr::to_duration(cpu_seconds));
  v.elsewhere.push_back({.device = cuda,
                         .model = std::make_shared<Away>(),
                         .latency = tr::to_duration(cuda_seconds),
                         .bytes = bytes,
                         .row_in = 1000,
                         .row_out = 1000});
  return v;
}

// A line of two models, "a" and "b", between tensors of 1000 bytes.
tr::Flow<tr::Tensor, tr::Tensor> models(tr::Need need = {}) {
  return tr::flow<tr::Tensor>("line", [&](tr::Stream<tr::Tensor> x) {
    return x.then("a", tr::model<tr::Tensor, tr::Tensor>("net", need))
        .then("b", tr::model<tr::Tensor, tr::Tensor>("net"));
  });
}

tr::OptimiseOptions options_for(tr::Variant v, tr::DeviceFacts facts = {cuda, 0, 1e-3, 1e-6}) {
  tr::OptimiseOptions options;
  options.models.add("net", std::move(v));
  options.devices = {facts};
  return options;
}

// The devices of the stages of such a line: "cpu cuda:0".
std::string placed(const tr::PlanData& plan) {
  return name(plan.choices.root.device[1]) + " " + name(plan.choices.root.device[2]);
}
std::string place_of(const tr::OptimiseOptions& options, tr::Need need = {}) {
  const auto plan = tr::optimise(models(need), options);
  return plan ? placed(*plan->share()) : plan.error().what();
}

}  // namespace

TEST_CASE("place: a model goes where it is through first, copies counted") {
  // Two models of 10 ms on the CPU; a copy takes 1 ms, and 1 ms for its 1000 bytes.
  CHECK(place_of(options_for(variant(10e-3, 9e-3))) == "cpu cpu");          // 18 + 4 ms, 20 ms on the CPU
  CHECK(place_of(options_for(variant(10e-3, 7.9e-3))) == "cuda:0 cuda:0");  // 15.8 + 4 ms
  CHECK(place_of(options_for(variant(10e-3, 1e-3))) == "cuda:0 cuda:0");
  CHECK(place_of(options_for(variant(1e-3, 1e-3))) == "cpu cpu");
}

TEST_CASE("place: neighbours gain by being together what neither gains alone") {
  // Alone 7 + 4 ms against 10; together 14 + 4 ms against 20.
  const auto plan = tr::optimise(models(), options_for(variant(10e-3, 7e-3))).value();
  CHECK(placed(*plan.share()) == "cuda:0 cuda:0");
  const auto copies = tr::copies_of(*plan.share());
  CHECK(copies.to_devices == 1);
  CHECK(copies.from_devices == 1);
}

TEST_CASE("place: what does not fit into a device's memory stays") {
  auto v = variant(10e-3, 1e-3, 1000);
  CHECK(place_of(options_for(v, {cuda, 1000, 1e-3, 1e-6})) == "cuda:0 cuda:0");  // one network for both
  CHECK(place_of(options_for(v, {cuda, 999, 1e-3, 1e-6})) == "cpu cpu");
  CHECK(place_of(options_for(v, {cuda, 999, 1e-3, 1e-6}), {.device = cuda}) ==
        "line: the models that must run on a device do not fit into its memory together");
}

TEST_CASE("place: what is not known keeps a model on the CPU, unless it was asked for") {
  auto unknown_copy = options_for(variant(10e-3, 1e-3), {cuda});
  CHECK(place_of(unknown_copy) == "cpu cpu");
  CHECK(place_of(unknown_copy, {.device = cuda}) == "cuda:0 cpu");
  auto unknown_size = variant(10e-3, 1e-3);
  unknown_size.elsewhere[0].row_out = 0;
  CHECK(place_of(options_for(unknown_size)) == "cpu cpu");
  CHECK(place_of(options_for(variant(10e-3, 0))) == "cpu cpu");
  CHECK(place_of(options_for(variant(0, 1e-3))) == "cpu cpu");
}

TEST_CASE("place: a device that is asked for is obeyed, or it is told why it cannot be") {
  CHECK(place_of(options_for(variant(10e-3, 12e-3)), {.device = cuda}) == "cuda:0 cpu");
  CHECK(place_of(options_for(variant(10e-3, 9e-3)), {.device = cuda}) == "cuda:0 cuda:0");  // it draws its neighbour
  CHECK(place_of(options_for(variant(10e-3, 1e-3)), {.device = tr::Device{}}) == "cpu cuda:0");
  CHECK(place_of(options_for(make_variant("large", .9)), {.device = cuda}) ==
        "a: must run on cuda:0, where the registry has no variant of model 'net' with any accuracy");
}

TEST_CASE("place: a busy device is left, and worth_moving says when, with what is gained") {
  auto options = options_for(variant(10e-3, 1e-3));
  const auto plan = tr::optimise(models(), options).value();
  CHECK(placed(*plan.share()) == "cuda:0 cuda:0");
  CHECK_FALSE(tr::worth_moving(*plan.share(), options).worth);
  options.devices[0].busy = .5;  // 12 ms still beat 20 ms
  CHECK_FALSE(tr::worth_moving(*plan.share(), options).worth);
  options.devices[0].busy = .8;  // 30 ms
  const auto moving = tr::worth_moving(*plan.share(), options);
  CHECK(moving.worth);
  CHECK(moving.now == Approx(30e-3));
  CHECK(moving.then == Approx(20e-3));
  CHECK_FALSE(tr::worth_moving(*plan.share(), options, .5).worth);
  CHECK(place_of(options) == "cpu cpu");
}

TEST_CASE("place: models in arms are placed, and their values come and go by the CPU") {
  const auto flow = tr::flow<tr::Tensor>("choice", [](tr::Stream<tr::Tensor> x) {
    const auto net = tr::model<tr::Tensor, tr::Tensor>("net");
    const auto both =
        tr::flow<tr::Tensor>("both", [&](tr::Stream<tr::Tensor> y) { return y.then("a", net).then("b", net); });
    return choose(
               "which", x, [](const tr::Tensor&) { return 0; }, net, both)
        .then("behind", net);
  });
  auto options = options_for(variant(10e-3, 7.5e-3));  // alone 11.5 ms, two together 19 ms
  const auto plan = tr::optimise(flow, options);
  REQUIRE(plan);
  const auto& root = plan->share()->choices.root;
  CHECK(name(root.arms[1][0].device[1]) == "cpu");
  CHECK(root.arms[1][1].device == std::vector<tr::Device>{{}, cuda, cuda});
  CHECK(name(root.device[2]) == "cpu");
  CHECK(tr::copies_of(*plan->share()).to_devices == 1);
  CHECK(tr::copies_of(*plan->share()).from_devices == 1);
}

TEST_CASE("place: explains with what it expects") {
  const auto plan = tr::optimise(models(), options_for(variant(10e-3, 1e-3))).value();
  const std::string text = decisions(*plan.share());
  CHECK_THAT(text, Catch::Contains("place line: 2 of 2 models on other devices than the CPU, 2 copies"));
  CHECK_THAT(text, Catch::Contains("place a: model net, variant large runs on cuda:0"));
  std::string why;
  for (const auto& d : plan.share()->choices.decisions)
    if (d.pass == "place" && d.where == "a") {
      why = d.why;
      CHECK(d.expected == Approx(3e-3));
      CHECK(d.source == "profile");
    }
  CHECK(why == "3 ms on cuda:0 with 1 copy, but 10 ms on cpu; its output stays there");
}

TEST_CASE("place: of lines of four models it finds what trying everything finds, or nearly so") {
  std::mt19937 random(5);
  const auto drawn = [&](double most) { return most * static_cast<double>(1 + random() % 1000) / 1000; };
  int same = 0;
  constexpr int lines = 200;
  for (int line = 0; line < lines; ++line) {
    tr::OptimiseOptions options;
    for (const char* name : {"n0", "n1", "n2", "n3"}) {
      auto v = variant(drawn(10e-3), drawn(10e-3), 1 + random() % 1000);
      v.elsewhere[0].row_in = v.elsewhere[0].row_out = 1 + random() % 2000;
      options.models.add(name, v);
    }
    options.devices = {{cuda, random() % 2 ? 0 : 1 + random() % 3000, drawn(3e-3), 1e-6}};
    const auto flow = tr::flow<tr::Tensor>("line", [](tr::Stream<tr::Tensor> x) {
      for (const char* name : {"n0", "n1", "n2", "n3"}) x = x.then(name, tr::model<tr::Tensor, tr::Tensor>(name));
      return x;
    });
    auto plan = plan_for(flow.share());
    REQUIRE(tr::variant(plan, options).empty());
    const tr::detail::Placing placing(plan, plan.choices.root, options);
    double least = placing.seconds(placing.as_bound());
    for (unsigned bits = 0; bits < 16; ++bits) {
      const tr::detail::Placement p{bits & 1, bits >> 1 & 1, bits >> 2 & 1, bits >> 3 & 1};
      if (placing.fits(p)) least = std::min(least, placing.seconds(p));
    }
    const auto best = placing.best();
    INFO("line " << line);
    CHECK(placing.fits(best));
    CHECK(placing.seconds(best) <= 1.25 * least);
    same += placing.seconds(best) <= least * (1 + 1e-9);
  }
  CHECK(same >= lines * 95 / 100);
}
