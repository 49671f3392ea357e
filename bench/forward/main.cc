// What calls of small networks cost: LibTorch's interpreter, kernels written one after another, and Model::run.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/ops/addmm_cpu_dispatch.h>
#include <ATen/ops/clamp_min_cpu_dispatch.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <filesystem>

#include "forward/network.h"
#include "support/at_view.h"
#include "support/program.h"
#include "support/source.h"
#include "tailrace/torch/torch.h"

namespace forward {
namespace {

using bench::Results, bench::text;
namespace tr = tailrace;
namespace jit = torch::jit;

const Network networks[] = {{"small", {64, 256, 10}}, {"large", {64, 1024, 1024, 10}}};
constexpr std::int64_t batches[] = {1, 32};

std::shared_ptr<bench::Source> source_of(std::int64_t rows) {
  const auto element = [](std::size_t i) { return static_cast<float>(i % 17) / 8 - 1; };
  return std::make_shared<bench::Source>(tr::Shape{rows, 64}, element, 1.f / 64);
}

// ---- the arms

bench::Arm interpreter(std::int64_t rows, const std::string& file) {
  jit::Module net = jit::load(file, c10::kCPU);
  net.eval();
  net = jit::freeze(net);
  const auto source = source_of(rows);
  const at::Tensor input = bench::view_of(source->rows);
  return {"interpreter", bench::repeat(source, [net, input]() mutable {
            const c10::InferenceMode inference;
            return net.forward({input}).toTensor().const_data_ptr<float>()[0];
          })};
}

enum class Calls { dispatched, kernels };
bench::Arm by_hand(const Network& network, std::int64_t rows, Calls calls) {
  const c10::InferenceMode inference;
  struct Step {
    at::Tensor weight, bias, out;
  };
  auto steps = std::make_shared<std::vector<Step>>();
  for (const Layer& layer : layers_of(network))
    steps->push_back({layer.weight.t(), layer.bias, at::empty({rows, layer.bias.size(0)})});
  const auto source = source_of(rows);
  const at::Tensor input = bench::view_of(source->rows);
  return {calls == Calls::kernels ? "by hand, kernels only" : "by hand", bench::repeat(source, [steps, input, calls] {
            const c10::InferenceMode inside;
            const at::Tensor* x = &input;
            for (std::size_t i = 0; i < steps->size(); ++i) {
              Step& s = (*steps)[i];
              const bool last = i + 1 == steps->size();
              if (calls == Calls::kernels) {
                at::cpu::addmm_outf(s.bias, *x, s.weight, 1, 1, s.out);
                if (!last) at::cpu::clamp_min_outf(s.out, 0, s.out);
              } else {
                at::addmm_out(s.out, s.bias, *x, s.weight);
                if (!last) at::relu_(s.out);
              }
              x = &s.out;
            }
            return x->const_data_ptr<float>()[0];
          })};
}

bench::Arm ours(std::int64_t rows, const std::string& file) {
  auto model = tr::torch::open(file, {.rows = {{tr::DType::float32, {64}}}, .batches = {rows}}).value();
  const auto source = source_of(rows);
  return {"tailrace", bench::repeat(source, [model, source] {
            tr::Tensor answer;
            if (!model->run({&source->rows, 1}, {&answer, 1})) throw bench::WrongAnswer{"a call failed"};
            return answer.as<float>()[0];
          })};
}

std::vector<bench::Arm> arms_of(const Network& network, std::int64_t rows) {
  const std::string file = file_of(network);
  std::vector<bench::Arm> arms{interpreter(rows, file), by_hand(network, rows, Calls::dispatched),
                               by_hand(network, rows, Calls::kernels), ours(rows, file)};
  std::filesystem::remove(file);
  return arms;
}

double allocations_of(const bench::Arm& arm) {
  constexpr long calls = 100;
  arm.run(10);
  const long before = bench::allocations();
  arm.run(calls);
  return static_cast<double>(bench::allocations() - before) / calls;
}

void smoke() {
  at::set_num_threads(1);
  for (const Network& network : networks)
    for (const auto rows : batches) {
      const auto arms = arms_of(network, rows);
      bench::check_answers(arms);
      const double own = allocations_of(arms[3]), kernels = allocations_of(arms[2]);
      if (bench::counts_allocations && own > kernels)
        throw bench::WrongAnswer{"a call allocates " + text(own) + " times, its kernels " + text(kernels)};
    }
}

void measure(const bench::Options& options, Results& r) {
  bench::Table table{"Calls of small networks",
                     "One thread; medians over rounds.",
                     {"network", "batch", "arm", "us a call", "by hand = 1", "allocations", ""},
                     {}};
  for (const Network& network : networks)
    for (const auto rows : batches) {
      const auto arms = arms_of(network, rows);
      const auto c = bench::compare(arms, options);
      for (std::size_t i = 0; i < arms.size(); ++i)
        table.rows.push_back({network.name, std::to_string(rows), arms[i].name,
                              text(bench::stats(c.arms[i]).median / 1000, 2),
                              text(bench::stats(bench::divide(c.arms[i], c.arms[1])).median, 3),
                              text(allocations_of(arms[i]), 0), c.quiet ? "" : "void"});
      const std::string name = "forward." + std::string(network.name) + "_" + std::to_string(rows);
      const std::string what = "a call of the " + std::string(network.name) + " network, batch " + std::to_string(rows);
      r.figures.push_back({name, what + ", against its kernels called by hand",
                           bench::stats(bench::divide(c.arms[3], c.arms[1])).median, 1.15, "x", !c.quiet});
      r.figures.push_back({name + "_interpreter",
                           what + ", against LibTorch's interpreter",
                           bench::stats(bench::divide(c.arms[3], c.arms[0])).median,
                           {},
                           "x",
                           !c.quiet});
      r.figures.push_back({name + "_allocations", what + ": allocations beyond those of its kernels",
                           allocations_of(arms[3]) - allocations_of(arms[2]), 0, "", false});
    }
  r.tables.push_back(std::move(table));
}

}  // namespace
}  // namespace forward

int main(int argc, char** argv) {
  return bench::run_program({"forward", "Calls of small networks", forward::smoke, forward::measure}, argc, argv);
}
