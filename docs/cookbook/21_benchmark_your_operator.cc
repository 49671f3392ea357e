// An operator of one's own under load, fused with its neighbours and not; and by itself, with Google Benchmark.
#include <tailrace/load/compare.h>
#include <tailrace/tailrace.h>

#include <cmath>
#include <cstdio>
#include <iostream>
#include <vector>
#if __has_include(<benchmark/benchmark.h>)
#include <benchmark/benchmark.h>
#endif

namespace tr = tailrace;
namespace load = tr::load;
using namespace std::chrono_literals;

namespace {

using Row = std::vector<float>;

Row row_of(std::uint64_t n) { return Row(64, static_cast<float>(n % 10)); }
Row shift(Row&& row) {
  for (float& x : row) x += 1;
  return std::move(row);
}
Row squash(Row&& row) {  // the operator in question
  for (float& x : row) x = x / (1 + std::fabs(x));
  return std::move(row);
}
float sum(const Row& row) {
  float all = 0;
  for (const float x : row) all += x;
  return all;
}

// Its time by itself: no request, no thread, no clock but the benchmark's. Printed beside, since times differ.
void by_itself() {
#if __has_include(<benchmark/benchmark.h>)
  benchmark::RegisterBenchmark("squash", [](benchmark::State& state) {
    Row row = row_of(7);
    for (auto _ : state) benchmark::DoNotOptimize(row = squash(std::move(row)));
  })->MinTime(.05);
  benchmark::ConsoleReporter reporter;
  reporter.SetOutputStream(&std::cerr);
  reporter.SetErrorStream(&std::cerr);
  benchmark::RunSpecifiedBenchmarks(&reporter);
#endif
}

}  // namespace

int main() {
  by_itself();

  const auto flow = tr::flow<Row>("operators", [](tr::Stream<Row> row) {
    return row.then("shift", shift).then("squash", squash).then("sum", sum);
  });
  auto fused = tr::start(tr::optimise(flow).value(), {.threads = 1}).value();
  auto apart = tr::start(tr::optimise(flow, {.without = {"fuse"}}).value(), {.threads = 1}).value();
  const load::System a{"fused", load::into(fused, row_of, tr::Request{.within = 10s})};
  const load::System b{"apart", load::into(apart, row_of, tr::Request{.within = 10s})};
  const load::CompareOptions how{.seed = 1, .rounds = 8, .each = {.requests = 100, .warm_up = 10}};
  const auto result = load::compare(a, b, load::Poisson{2000}, how).value();
  std::cerr << load::to_text(result);  // latencies, how punctual the sender was, and the ratio with its interval

  std::printf("blocks: %u fused, %u apart\n", fused.figures().blocks, apart.figures().blocks);
  std::printf("answers: %g fused, %g apart\n", *fused.run(row_of(3)), *apart.run(row_of(3)));
  for (const auto& [name, report] : {std::pair("fused", result.of_a), {"apart", result.of_b}})
    std::printf("%s: %d requests counted, %d answered\n", name, static_cast<int>(report.requests),
                static_cast<int>(report.count(tr::Code::none)));
  for (const load::Ratio& r : result.ratios)
    std::printf("%s: the median of %d ratios, within its interval: %s\n", r.what.c_str(),
                static_cast<int>(r.rounds.size()),
                r.median.low <= r.median.value && r.median.value <= r.median.high ? "yes" : "no");
}
