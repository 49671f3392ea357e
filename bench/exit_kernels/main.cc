// What an exit of a network costs: which rows are sure, and the others one after another.
#include <bit>
#include <string>

#include "exit_kernels/scenario.h"
#include "support/program.h"
#include "tailrace/core/random.h"
#include "tailrace/stages/early_exit.h"

namespace exit_kernels {

std::vector<Batch> batches_of(std::size_t rows) {
  tailrace::Random random(7);
  std::vector<Batch> all(batches);
  for (Batch& batch : all) {
    for (std::size_t i = 0; i < rows; ++i) {
      const bool sure = random.chance(.5);
      for (std::size_t c = 0; c < classes; ++c)
        batch.scores.push_back(static_cast<float>(2 * random.uniform() + (sure && c == i % classes ? 6 : 0)));
    }
    for (std::size_t i = 0; i < rows * width; ++i) batch.features.push_back(static_cast<float>(random.uniform()));
  }
  return all;
}

std::uint32_t sum_of(std::size_t rows, const float* features) {
  const auto count = static_cast<std::uint32_t>(rows);
  if (rows == 0) return 1;
  return count * 7 + std::bit_cast<std::uint32_t>(features[0]) +
         std::bit_cast<std::uint32_t>(features[rows * width - 1]);
}

bench::Arm ours(std::size_t rows) {
  return {
      "ours", [rows, all = batches_of(rows), test = tailrace::stages::ExitTest(least),
               staying = std::vector<std::int32_t>(rows), left = std::vector<float>(rows * width)](long n) mutable {
        std::uint32_t answer = 0;
        for (long i = 0; i < n; ++i) {
          const Batch& batch = all[(answer + static_cast<std::uint32_t>(i)) % batches];
          const std::size_t count = test.find_staying(batch.scores, rows, staying.data());
          tailrace::stages::compact(batch.features.data(), width * sizeof(float), {staying.data(), count}, left.data());
          answer = sum_of(count, left.data());
        }
        return answer;
      }};
}

namespace {

constexpr std::size_t sizes[] = {1, 8, 32};

void smoke() {
  for (const std::size_t rows : sizes) {
    bench::check_answers({ours(rows), aten(rows)});
    const auto all = batches_of(rows);
    std::size_t left = 0;
    for (const Batch& batch : all) left += tailrace::stages::ExitTest(least).find_staying(batch.scores, rows, nullptr);
    if (left == 0 || left == rows * batches) throw bench::WrongAnswer{"nobody leaves, or everybody"};
  }
}

void measure(const bench::Options& options, bench::Results& r) {
  bench::Table table{"Exit test and compaction",
                     "Rows of 10 scores and 256 features, of which about half leave; medians of rounds.",
                     {"rows", "ours, ns", "ATen, ns", "ATen by ours"},
                     {}};
  for (const std::size_t rows : sizes) {
    const auto c = bench::compare({ours(rows), aten(rows)}, options);
    const auto ratio = bench::stats(bench::divide(c.arms[1], c.arms[0]));
    table.rows.push_back({std::to_string(rows), bench::text(bench::stats(c.arms[0]).median, 1),
                          bench::text(bench::stats(c.arms[1]).median, 0), bench::text(ratio.median, 1)});
    if (rows == 8) continue;
    // A limit is the most a figure may be: ours by ATen's.
    r.figures.push_back({"m10.exit_" + std::to_string(rows),
                         "exit test and compaction of " + std::to_string(rows) + (rows == 1 ? " row" : " rows") +
                             ", by softmax, max, lt, nonzero and index_select of ATen",
                         1 / ratio.median, rows == 1 ? .01 : .1, "of its time", !c.quiet});
  }
  r.tables.push_back(std::move(table));
}

}  // namespace
}  // namespace exit_kernels

int main(int argc, char** argv) {
  return bench::run_program({"exit_kernels", "Exits of networks", exit_kernels::smoke, exit_kernels::measure}, argc,
                            argv);
}
