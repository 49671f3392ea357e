// Two clients of one network: threads of LibTorch's within limits, and without.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <dlfcn.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <thread>

#include "support/at_view.h"
#include "support/program.h"
#include "tailrace/exec/start.h"
#include "tailrace/flow/flow.h"
#include "tailrace/torch/torch.h"

namespace isolation {
namespace {

using namespace std::chrono_literals;
using bench::Results, bench::text;
using Clock = std::chrono::steady_clock;
namespace tr = tailrace;
namespace jit = torch::jit;

constexpr std::int64_t rows = 32, inputs = 64, wide = 1024, outputs = 10;
constexpr int clients = 2;

std::string write_module() {
  at::manual_seed(1);
  const auto scaled = [](std::int64_t out, std::int64_t in) {
    return at::randn({out, in}) * (1 / std::sqrt(static_cast<double>(in)));
  };
  jit::Module net("Net");
  net.register_parameter("a", scaled(wide, inputs), false);
  net.register_parameter("b", scaled(wide, wide), false);
  net.register_parameter("c", scaled(outputs, wide), false);
  net.define(
      "def forward(self, x):\n"
      "  x = torch.relu(torch.linear(x, self.a))\n"
      "  x = torch.relu(torch.linear(x, self.b))\n"
      "  return torch.linear(x, self.c)\n");
  const auto file =
      std::filesystem::temp_directory_path() / ("tailrace_bench_isolation_" + std::to_string(::getpid()) + ".pt");
  net.save(file.string());
  return file.string();
}
tr::Tensor input() {
  const auto t = tr::Tensor::zeros(tr::DType::float32, {rows, inputs});
  const std::span<float> all = t.as<float>();
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<float>(i % 19) / 9 - 1;
  return t;
}

struct Load {
  double rate = 0;                // answers a second
  std::vector<double> latencies;  // milliseconds
  float answer = 0;
};
// Clients that ask as fast as they can, on threads of their own. `ask()` gives the answer's first element; each thread
// begins with `prepare(which client it is)`.
template <class Ask, class Prepare>
Load drive(Clock::duration time, const Ask& ask, const Prepare& prepare) {
  std::vector<Load> each(clients);
  std::vector<std::thread> threads;
  const auto begin = Clock::now();
  for (Load& load : each)
    threads.emplace_back([&] {
      prepare(&load - each.data());
      for (auto last = Clock::now(); last - begin < time || load.latencies.empty();) {
        load.answer = ask();
        const auto now = Clock::now();
        load.latencies.push_back(std::chrono::duration<double, std::milli>(now - last).count());
        last = now;
      }
    });
  for (auto& thread : threads) thread.join();
  Load all;
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  for (const Load& load : each) all.latencies.insert(all.latencies.end(), load.latencies.begin(), load.latencies.end());
  all.rate = static_cast<double>(all.latencies.size()) / seconds;
  all.answer = each[0].answer;
  std::sort(all.latencies.begin(), all.latencies.end());
  return all;
}
double quantile(const std::vector<double>& sorted, double q) {
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(q * static_cast<double>(sorted.size())))];
}

struct Arm {
  std::string name;
  std::function<Load(Clock::duration)> run;
};

Arm ours(const std::string& name, const std::string& file, unsigned replicas, unsigned threads) {
  auto model = tr::torch::open(file, {.rows = {{tr::DType::float32, {inputs}}}, .batches = {rows}, .threads = threads});
  const auto net = std::move(model).value();
  return {name, [=](Clock::duration time) {
            const auto call = [net](const tr::Tensor& x) -> tr::Result<tr::Tensor> {
              tr::Tensor y;
              if (tr::Status done = net->run({&x, 1}, {&y, 1}); !done) return done.error();
              return y;
            };
            const auto flow = tr::flow<tr::Tensor>(
                "net", [&](tr::Stream<tr::Tensor> x) { return x.then("net", tr::stage(call, {.limit = replicas})); });
            auto engine = tr::start(flow, {.threads = replicas}).value();
            const tr::Tensor x = input();
            return drive(
                time, [&] { return engine.run(x).value().as<float>()[0]; }, [](std::ptrdiff_t) {});
          }};
}
enum class Limited { nobody, first };
Arm unlimited(const std::string& name, const std::string& file, Limited limited) {
  jit::Module net = jit::load(file, c10::kCPU);
  net.eval();
  net = jit::freeze(net);
  return {name, [=](Clock::duration time) {
            const tr::Tensor x = input();
            const at::Tensor view = bench::view_of(x);
            const auto ask = [&] {
              const c10::InferenceMode inference;
              jit::Module mine = net;
              return mine.forward({view}).toTensor().const_data_ptr<float>()[0];
            };
            return drive(time, ask, [&](std::ptrdiff_t client) {
              at::get_num_threads();  // sets a thread's number at its first question
              const auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
              if (limited == Limited::first && client == 0) set(1);
            });
          }};
}
// Made on a thread that ends, and its team with it: OpenMP counts the threads of teams that are there.
std::vector<Arm> arms() {
  std::vector<Arm> all;
  std::thread([&] {
    const std::string file = write_module();
    all = {ours("2 x 1", file, 2, 1), ours("1 x 2", file, 1, 2), unlimited("as LibTorch starts", file, Limited::nobody),
           unlimited("only main limited", file, Limited::first)};
    std::filesystem::remove(file);
  }).join();
  return all;
}

// Work that is shared between threads is added up in another order.
void check(const std::vector<Arm>& all) {
  const float expected = all[0].run(1ms).answer;
  for (const Arm& arm : all)
    if (std::abs(arm.run(1ms).answer - expected) > 1e-3f * std::abs(expected) + 1e-4f)
      throw bench::WrongAnswer{arm.name + " answers something else"};
}

void smoke() { check(arms()); }

void measure(const bench::Options& options, Results& r) {
  const auto all = arms();
  check(all);
  std::vector<bench::Series> rates(all.size());
  std::vector<std::vector<double>> latencies(all.size());
  const bench::ForeignLoad foreign;
  for (int round = 0; round < std::max(11, options.rounds); ++round)
    for (std::size_t k = 0; k < all.size(); ++k) {
      const std::size_t i = round % 2 ? all.size() - 1 - k : k;
      const Load load = all[i].run(500ms);
      rates[i].push_back(load.rate);
      latencies[i].insert(latencies[i].end(), load.latencies.begin(), load.latencies.end());
    }
  const bool quiet = foreign.share() <= options.most_foreign;
  bench::Table table{
      "e8: threads of LibTorch's",
      "Two clients in a closed loop on " + std::to_string(std::thread::hardware_concurrency()) + " processors.",
      {"arm", "answers a second", "p50, ms", "p99, ms", "calls", ""},
      {}};
  double best = 0;
  std::vector<double> p99;
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::sort(latencies[i].begin(), latencies[i].end());
    p99.push_back(quantile(latencies[i], .99));
    best = std::max(best, bench::stats(rates[i]).median);
    table.rows.push_back({all[i].name, text(bench::stats(rates[i]).median, 0), text(quantile(latencies[i], .5), 2),
                          text(p99[i], 2), std::to_string(latencies[i].size()), quiet ? "" : "void"});
  }
  r.figures.push_back({"isolation.throughput", "answers a second of the best arm, against two replicas of one thread",
                       best / bench::stats(rates[0]).median, 1 / .98, "x", !quiet});
  r.figures.push_back({"isolation.p99", "p99 of two replicas of one thread, against threads that only main limits",
                       p99[0] / p99[3], .2, "x", !quiet});
  r.tables.push_back(std::move(table));
}

}  // namespace
}  // namespace isolation

int main(int argc, char** argv) {
  return bench::run_program({"isolation", "Threads of LibTorch", isolation::smoke, isolation::measure}, argc, argv);
}
