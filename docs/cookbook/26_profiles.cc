// A model of one's own is measured: what calls take by their number of rows, and how often it is right. What is known
// is kept as a file of models, and with times of a device in it a plan says where the model should run.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include "tailrace/exec/profile_model.h"
#include "tailrace/opt/place.h"
#include "tailrace/plan/models_file.h"
#include "tailrace/tailrace.h"

namespace tr = tailrace;

namespace {

// The class of a point is the axis that is nearest: three scores for each row of three numbers.
class Axes : public tr::Model {
 public:
  tr::Status run(std::span<const tr::Tensor> in, std::span<tr::Tensor> out) const noexcept override {
    out[0] = in[0].contiguous_copy();
    return {};
  }
  bool batched() const noexcept override { return true; }
  std::string describe() const override { return "axes"; }
};

constexpr const char* file = R"({ "models": [
  {"model": "axes", "variant": "exact", "rows": [{"shape": [3]}], "gives": [{"shape": [3]}],
   "measured": {"date": "2026-11-28"}, "memory": {"peak": 2000000},
   "times": [{"rows": 1, "calls": 100, "min": 0.009, "p50": 0.01, "p99": 0.02}]},
  {"model": "axes", "variant": "exact", "device": "cuda:0", "rows": [{"shape": [3]}], "gives": [{"shape": [3]}],
   "measured": {"date": "2026-11-28"}, "memory": {"peak": 3000000},
   "times": [{"rows": 1, "calls": 100, "min": 0.001, "p50": 0.001, "p99": 0.002}]}]})";

void show_place(const tr::Built<tr::Plan<tr::Tensor, tr::Tensor>>& plan) {
  if (!plan) return void(std::puts(plan.error().what().c_str()));
  for (const auto& d : plan->share()->choices.decisions)
    if (d.pass == "place") std::printf("%s: %s\n  why: %s\n", d.where.c_str(), d.what.c_str(), d.why.c_str());
}

}  // namespace

int main() {
  const std::shared_ptr<const tr::Model> axes = std::make_shared<Axes>();

  // Measured on rows of ours; of times only what is the same on every machine is printed.
  float points[4][3] = {{1, 0, 0}, {0, 2, 1}, {0, 1, 3}, {2, 3, 1}};
  const std::int64_t labels[] = {0, 1, 2, 0};
  const auto rows = tr::Tensor::view(points, tr::DType::float32, {4, 3});
  const auto open = [&]() -> tr::Built<std::shared_ptr<const tr::Model>> { return axes; };
  tr::ModelProfile p =
      tr::profile_model(open, {&rows, 1}, {.refine = 0, .budget = std::chrono::milliseconds(200)}).value();
  p.model = "axes", p.variant = "exact";
  p.accuracy = tr::answer_labelled(*axes, rows, labels, "four points").value();
  std::printf("%zu sizes up to %u rows, each called %s; %.0f %% right on %s\n", p.times.times.size(), p.times.largest(),
              p.times.times.front().calls >= 5 ? "often" : "seldom", 100 * p.accuracy->share(),
              p.accuracy->data.c_str());
  const std::string text = tr::write_models({{p}}).value();
  std::printf("as text and back: %s\n", tr::read_models(text).value().list.front() == p ? "equal" : "different");

  // Where would it run on a machine with a GPU? The times there are from a file; nothing is started here.
  const tr::ModelProfiles known = tr::read_models(file).value();
  const tr::Device cuda = *tr::device_of("cuda:0");
  tr::Variant exact = tr::variant_of(*known.find("axes", "exact", {}, 1), axes);
  exact.elsewhere = {tr::placed_of(*known.find("axes", "exact", cuda, 1), axes)};
  tr::OptimiseOptions options;
  options.models.add("axes", exact);
  options.devices = {{.device = cuda, .memory = 8'000'000'000, .copy = 20e-6, .per_byte = 1e-10}};
  const auto flow = tr::flow<tr::Tensor>(
      "points", [](tr::Stream<tr::Tensor> x) { return x.then("nearest", tr::model<tr::Tensor, tr::Tensor>("axes")); });
  std::puts("-- an idle GPU");
  const auto plan = tr::optimise(flow, options);
  show_place(plan);
  std::puts("-- a GPU that others keep busy");
  options.devices[0].busy = .95;
  std::printf("worth moving: %s\n", tr::worth_moving(*plan->share(), options).worth ? "yes" : "no");
  show_place(tr::optimise(flow, options));
  std::puts("-- too little memory");
  options.devices[0].memory = 1'000'000;
  show_place(tr::optimise(flow, options));
  std::puts("-- pinned to the CPU");
  const auto pinned = tr::flow<tr::Tensor>("points", [&](tr::Stream<tr::Tensor> x) {
    return x.then("nearest", tr::model<tr::Tensor, tr::Tensor>("axes", {.device = tr::Device{}}));
  });
  options.devices[0] = {.device = cuda, .memory = 0, .copy = 20e-6, .per_byte = 1e-10};
  show_place(tr::optimise(pinned, options));
}
