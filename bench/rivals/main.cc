#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "rivals/scenario.h"
#include "support/program.h"
#include "tailrace/load/driver.h"

namespace rivals {
namespace {

using namespace std::chrono_literals;
using bench::Results, bench::Series, bench::text;
namespace load = tailrace::load;

struct Rival {
  const char* name;
  Make make;
};
// Ours is the last one.
std::vector<Rival> systems() {
  std::vector<Rival> all = {{"LibTorch, called", plain_torch}};
#if TAILRACE_HAS_TBB
  all.push_back({"flow graph", flow_graph});
#endif
#if TAILRACE_HAS_OPENVINO
  all.push_back({"OpenVINO, called", plain_openvino});
#endif
  all.push_back({"tailrace", tailrace_cascade});
  return all;
}
unsigned threads() { return std::max(1u, std::thread::hardware_concurrency()); }

std::uint64_t expected_sum(const Networks& networks, std::uint32_t count) {
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < count; ++i) sum += networks.answers[i % networks.answers.size()];
  return sum;
}

void check(const Rival& rival, const std::shared_ptr<const Networks>& networks) {
  const auto n = static_cast<std::uint32_t>(networks->rows.size());
  std::atomic<std::uint32_t> answered{0}, wrong{0};
  const auto system = rival.make(networks, threads(), [&](std::uint32_t number, std::uint32_t answer) {
    wrong += answer != networks->answers[number % n];
    ++answered;
  });
  for (std::uint32_t i = 0; i < n; ++i)
    if (const auto answer = system->answer(i); answer != networks->answers[i])
      throw bench::WrongAnswer{std::string(rival.name) + ": row " + std::to_string(i) + " is " +
                               std::to_string(networks->answers[i]) + ", not " + std::to_string(answer)};
  for (std::uint32_t i = 0; i < n; ++i) system->send(i);
  while (answered < n) std::this_thread::sleep_for(1ms);
  if (wrong) throw bench::WrongAnswer{std::string(rival.name) + ": " + std::to_string(wrong) + " answers are wrong"};
}
void check_all(const std::shared_ptr<const Networks>& networks) {
  for (const Rival& rival : systems()) check(rival, networks);
}

void smoke() {
  const auto networks = make_networks();
  check_all(networks);
  for (const Rival& rival : systems())
    if (rival.make(networks, threads(), {})->saturate(300) != expected_sum(*networks, 300))
      throw bench::WrongAnswer{std::string(rival.name) + ": wrong answers at saturation"};
}

using Made = std::vector<std::unique_ptr<System>>;

void one_client(const std::shared_ptr<const Networks>& networks, const bench::Options& options, Results& r) {
  std::vector<bench::Requests> arms;
  for (const Rival& rival : systems()) {
    std::shared_ptr<System> system = rival.make(networks, 1, {});
    arms.push_back({rival.name, [system](std::uint32_t n) { return system->answer(n); }});
  }
  const auto c = bench::time_requests(arms, 2000, 0ns, options);
  bench::Table table{"One client",
                     "One request after another, on the client's thread; medians of requests and rounds.",
                     {"system", "p50, us", "x LibTorch", ""},
                     {}};
  for (std::size_t i = 0; i < arms.size(); ++i)
    table.rows.push_back({arms[i].name, text(bench::stats(c.arms[i]).median / 1000, 2),
                          text(bench::stats(bench::divide(c.arms[i], c.arms[0])).median), c.quiet ? "" : "void"});
  r.tables.push_back(std::move(table));
}

// Rows a second; the last arm is what the kernels allow.
void saturation(const std::shared_ptr<const Networks>& networks, const bench::Options& options, Results& r) {
  const auto all = systems();
  Made made;
  for (const Rival& rival : all) made.push_back(rival.make(networks, threads(), {}));
  constexpr std::uint32_t count = 40000;
  const auto expected = expected_sum(*networks, count);
  const auto once = [&](std::size_t arm) {
    if (arm == all.size()) return kernel_limit(*networks, threads(), 0.4);
    const auto start = std::chrono::steady_clock::now();
    const auto sum = made[arm]->saturate(count);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    if (sum != expected) throw bench::WrongAnswer{std::string(all[arm].name) + ": wrong answers at saturation"};
    return count / took.count();
  };
  const auto c = bench::take_turns(all.size() + 1, once, options);
  const Series& ours = c.arms[all.size() - 1];
  bench::Table table{"Saturation",
                     std::to_string(threads()) + " threads; rows a second, medians of rounds.",
                     {"system", "rows/s", "tailrace is x", ""},
                     {}};
  Series best_rival = c.arms[0];
  for (std::size_t i = 0; i <= all.size(); ++i) {
    table.rows.push_back({i < all.size() ? all[i].name : "the kernels alone, batches of 32",
                          text(bench::stats(c.arms[i]).median, 0),
                          text(bench::stats(bench::divide(ours, c.arms[i])).median), c.quiet ? "" : "void"});
    if (i + 1 < all.size())
      for (std::size_t k = 0; k < best_rival.size(); ++k) best_rival[k] = std::max(best_rival[k], c.arms[i][k]);
  }
  r.tables.push_back(std::move(table));
  const auto inverse = [&](const Series& of) { return bench::stats(bench::divide(of, ours)).median; };
  r.figures.push_back({"rivals.torch", "throughput of called LibTorch, as a share of tailrace's", inverse(c.arms[0]),
                       1 / 1.7, "x", !c.quiet});
  r.figures.push_back({"rivals.best", "throughput of the best rival, as a share of tailrace's", inverse(best_rival),
                       1 / 1.3, "x", !c.quiet});
  r.figures.push_back({"rivals.kernels", "throughput that the kernels allow, as a multiple of tailrace's",
                       inverse(c.arms.back()), 1 / .85, "x", !c.quiet});
}

load::DriveReport drive(const Rival& rival, const std::shared_ptr<const Networks>& networks, std::uint64_t seed,
                        std::uint64_t requests) {
  constexpr std::uint64_t warm_up = 2000;
  std::vector<std::optional<load::Done>> open(requests + warm_up);
  const auto system = rival.make(networks, threads(), [&](std::uint32_t number, std::uint32_t) { (*open[number])(); });
  const load::Submit send = [&](load::Done done) {
    open[done.number()] = done;
    system->send(static_cast<std::uint32_t>(done.number()));
  };
  auto report =
      load::drive(load::Poisson{5000}, send, {.seed = seed, .requests = requests, .warm_up = warm_up}).value();
  if (report.unanswered) throw bench::WrongAnswer{std::string(rival.name) + ": requests without an answer"};
  return report;
}

void under_load(const std::shared_ptr<const Networks>& networks, const bench::Options& options, Results& r) {
  const auto all = systems();
  std::uint64_t seed = 0;
  std::vector<Series> medians(all.size());
  const auto c = bench::take_turns(
      all.size(),
      [&](std::size_t arm) {
        const auto report = drive(all[arm], networks, 1 + seed++ / all.size(), 5000);
        medians[arm].push_back(static_cast<double>(report.latency.at(.5).count()));
        return static_cast<double>(report.latency.at(.99).count());
      },
      options);
  bench::Table table{"5,000 requests a second",
                     "From the intended arrival; medians of rounds of 5,000 requests.",
                     {"system", "p50, us", "p99, us", "tailrace's p99 is x", ""},
                     {}};
  const Series& ours = c.arms.back();
  Series best_rival = c.arms[0];
  for (std::size_t i = 0; i < all.size(); ++i) {
    table.rows.push_back({all[i].name, text(bench::stats(medians[i]).median / 1000, 1),
                          text(bench::stats(c.arms[i]).median / 1000, 1),
                          text(bench::stats(bench::divide(ours, c.arms[i])).median), c.quiet ? "" : "void"});
    if (i + 1 < all.size())
      for (std::size_t k = 0; k < best_rival.size(); ++k) best_rival[k] = std::min(best_rival[k], c.arms[i][k]);
  }
  r.tables.push_back(std::move(table));
  r.figures.push_back({"rivals.p99", "p99 at 5,000 requests a second, against the best rival of each round",
                       bench::stats(bench::divide(ours, best_rival)).median, 1., "x", !c.quiet});
}

void measure(const bench::Options& options, Results& r) {
  const auto networks = make_networks();
  check_all(networks);
  one_client(networks, options, r);
  saturation(networks, options, r);
  under_load(networks, options, r);
}

}  // namespace
}  // namespace rivals

int main(int argc, char** argv) {
  return bench::run_program(
      {"rivals", "A cascade of two networks, by others and by us", rivals::smoke, rivals::measure}, argc, argv);
}
