// Neighbouring TorchScript modules as stages of one block, and merged by hand into one module.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <unistd.h>

#include <filesystem>

#include "cli/networks.h"
#include "forward/network.h"
#include "support/at_view.h"
#include "support/program.h"
#include "support/source.h"
#include "tailrace/exec/start.h"
#include "tailrace/flow/flow.h"
#include "tailrace/torch/torch.h"

namespace merge {
namespace {

using bench::Results, bench::text;
namespace fs = std::filesystem;
namespace tr = tailrace;
namespace jit = torch::jit;

constexpr std::int64_t batches[] = {1, 16};

// A chain of modules, and a row of its input.
struct Chain {
  std::string name, words;
  tr::Shape row;
  std::vector<jit::Module> parts;
};

// Modules of one chain must not share a name: merged, they stand in one file.
jit::Module module_of(const std::string& name, const std::string& expression) {
  jit::Module part(name);
  part.define("def forward(self, x):\n  return " + expression + "\n");
  return part;
}
jit::Module perceptron(const std::string& name, const std::vector<std::int64_t>& widths, bool relu_at_end = false) {
  return forward::module_of(name, forward::draw_layers(widths), relu_at_end);
}
Chain ten_layers() {
  Chain chain{"ten_layers", "ten modules of one layer, 64-64", {64}, {}};
  for (int i = 0; i < 10; ++i) chain.parts.push_back(perceptron("Layer" + std::to_string(i), {64, 64}, true));
  return chain;
}
Chain around(const std::string& name, const std::string& words, const tr::Shape& row, const std::string& scaled,
             jit::Module network) {
  return {name,
          words + " between its scaling and a softmax",
          row,
          {module_of("Scale", scaled), std::move(network), module_of("Probabilities", "torch.softmax(x, 1)")}};
}
// Perceptrons, and what docs/models/export.py has exported here.
std::vector<Chain> chains() {
  at::manual_seed(1);
  std::vector<Chain> all{
      ten_layers(),
      {"three",
       "perceptrons, 64-256-64, 64-256-64 and 64-256-10",
       {64},
       {perceptron("A", {64, 256, 64}), perceptron("B", {64, 256, 64}), perceptron("C", {64, 256, 10})}},
      around("small", "64-256-10", {64}, "(x - 8) / 8", perceptron("Net", {64, 256, 10})),
      around("large", "64-1024-1024-10", {64}, "(x - 8) / 8", perceptron("Net", {64, 1024, 1024, 10}))};
  const auto exported = [&](const std::string& name, std::int64_t side, const std::string& scaled) {
    const fs::path file = fs::path(tr::cli::default_cache("models").value()) / (name + ".pt");
    if (fs::exists(file)) all.push_back(around(name, name, {3, side, side}, scaled, jit::load(file.string())));
  };
  exported("pnet", 40, "(x - 127.5) / 128");
  exported("lite0", 224, "(x - 127) / 128");
  return all;
}
jit::Module merged(const Chain& chain) {
  jit::Module whole("Merged");
  std::string source = "def forward(self, x):\n";
  for (std::size_t i = 0; i < chain.parts.size(); ++i) {
    const std::string part = "part" + std::to_string(i);
    whole.register_module(part, chain.parts[i]);
    source += "  x = self." + part + ".forward(x)\n";
  }
  whole.define(source + "  return x\n");
  return whole;
}

std::shared_ptr<bench::Source> source_of(const Chain& chain, std::int64_t rows) {
  const auto element = [](std::size_t i) { return static_cast<float>(i % 255); };
  return std::make_shared<bench::Source>(chain.row.with_first(rows), element, 1.f / 64);
}

// ---- the arms

bench::Arm interpreter(const Chain& chain, std::int64_t rows) {
  jit::Module net = merged(chain);
  net.eval();
  net = jit::freeze(net);
  const auto source = source_of(chain, rows);
  const at::Tensor input = bench::view_of(source->rows);
  return {"merged, interpreter", bench::repeat(source, [net, input]() mutable {
            const c10::InferenceMode inference;
            return net.forward({input}).toTensor().const_data_ptr<float>()[0];
          })};
}

struct Part {
  std::shared_ptr<const tr::Model> model;
  tr::Result<tr::Tensor> operator()(const tr::Tensor& x) const {
    tr::Tensor y;
    if (tr::Status done = model->run({&x, 1}, {&y, 1}); !done) return done.error();
    return y;
  }
};
// As an engine's stages, one behind another, in one block that runs on the caller's thread.
bench::Arm stages(const std::string& name, const Chain& chain, std::int64_t rows,
                  const std::vector<jit::Module>& modules) {
  const auto source = source_of(chain, rows);
  const auto file = (fs::temp_directory_path() / ("tailrace_bench_merge_" + std::to_string(::getpid()))).string();
  std::vector<Part> parts;
  tr::Tensor x = source->rows;
  for (const jit::Module& module : modules) {
    module.save(file);
    parts.push_back(
        {tr::torch::open(file, {.rows = {{tr::DType::float32, x.shape().without_first()}}, .batches = {rows}})
             .value()});
    x = parts.back()(x).value();
  }
  fs::remove(file);
  const auto flow = tr::flow<tr::Tensor>("chain", [&](tr::Stream<tr::Tensor> y) {
    for (std::size_t i = 0; i < parts.size(); ++i) y = y.then("part" + std::to_string(i), parts[i]);
    return y;
  });
  using Engine = tr::Engine<tr::Tensor, tr::Tensor>;
  const auto engine = std::make_shared<Engine>(tr::start(flow, {.threads = 1}).value());
  return {name, bench::repeat(source, [engine, source] { return engine->run(source->rows).value().as<float>()[0]; })};
}
std::vector<bench::Arm> arms_of(const Chain& chain, std::int64_t rows) {
  return {stages("stages", chain, rows, chain.parts), stages("merged", chain, rows, {merged(chain)}),
          interpreter(chain, rows)};
}

void smoke() {
  at::set_num_threads(1);
  for (const Chain& chain : chains())
    for (const auto rows : batches)
      if (chain.name != "lite0" || rows == 1) bench::check_answers(arms_of(chain, rows));
}

void measure(const bench::Options& options, Results& r) {
  bench::Table table{"m7: neighbouring modules, apart and merged by hand",
                     "One thread; medians over rounds.",
                     {"modules", "rows", "arm", "us a call", "merged = 1", ""},
                     {}};
  for (const Chain& chain : chains())
    for (const auto rows : batches) {
      const auto arms = arms_of(chain, rows);
      const auto c = bench::compare(arms, options);
      for (std::size_t i = 0; i < arms.size(); ++i)
        table.rows.push_back(
            {chain.words, std::to_string(rows), arms[i].name, text(bench::stats(c.arms[i]).median / 1000, 2),
             text(bench::stats(bench::divide(c.arms[i], c.arms[1])).median, 3), c.quiet ? "" : "void"});
      const std::string what = chain.words + ", batch " + std::to_string(rows);
      const std::string name = "merge." + chain.name + "_" + std::to_string(rows);
      r.figures.push_back({name, what + ": stages of their own, against one module merged by hand",
                           bench::stats(bench::divide(c.arms[0], c.arms[1])).median, 1.03, "x", !c.quiet});
      r.figures.push_back({name + "_interpreter",
                           what + ": the same, against the merged module in LibTorch's interpreter",
                           bench::stats(bench::divide(c.arms[0], c.arms[2])).median, 1.03, "x", !c.quiet});
    }
  r.tables.push_back(std::move(table));
}

}  // namespace
}  // namespace merge

int main(int argc, char** argv) {
  return bench::run_program({"merge", "Neighbouring modules", merge::smoke, merge::measure}, argc, argv);
}
