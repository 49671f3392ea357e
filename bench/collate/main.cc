// What it costs that requests share a call, beside the call.
#include "tailrace/model/collate.h"

#include <bit>
#include <memory>
#include <string>

#include "collate/scenario.h"
#include "support/program.h"
#include "tailrace/core/random.h"

namespace collate {

namespace tr = tailrace;

std::vector<std::vector<float>> rows_of(std::size_t count) {
  tr::Random random(8);
  std::vector<std::vector<float>> rows(count, std::vector<float>(width));
  for (auto& row : rows)
    for (float& v : row) v = static_cast<float>(random.uniform());
  return rows;
}

std::uint32_t sum_of(const float* row) {
  return std::bit_cast<std::uint32_t>(row[0]) + 3 * std::bit_cast<std::uint32_t>(row[width - 1]);
}

namespace {

// Gives what it was given.
class Same final : public tr::Model {
 public:
  tr::Status run(std::span<const tr::Tensor> inputs, std::span<tr::Tensor> outputs) const noexcept override {
    outputs[0] = inputs[0];
    return {};
  }
  bool batched() const noexcept override { return true; }
  std::string describe() const override { return "the same"; }
};

}  // namespace

bench::Arm ours(std::size_t rows) {
  auto given = std::make_shared<const std::vector<std::vector<float>>>(rows_of(rows));
  return {"ours", [given, calls = std::make_shared<tr::RowCalls>()](long n) {
            const Same model;
            std::uint32_t answer = 0;
            for (long i = 0; i < n; ++i) {
              calls->begin(given->size(), given->size());
              for (std::size_t k = 0; k < given->size(); ++k)
                calls->put(k, tr::Tensor::view(const_cast<float*>((*given)[k].data()), tr::DType::float32, {width}));
              calls->run(model, false);
              for (std::size_t k = 0; k < given->size(); ++k)
                if (calls->has_answer(k)) answer += sum_of(calls->answer(k).as<float>().data());
              calls->end();
            }
            return answer;
          }};
}

namespace {

struct Size {
  std::size_t rows;
  double least;  // ATen's time, as a multiple of ours
};
constexpr Size sizes[] = {{2, 5}, {8, 4}, {32, 3}};

void smoke() {
  for (const Size& size : sizes) bench::check_answers({ours(size.rows), aten(size.rows)});
}

void measure(const bench::Options& options, bench::Results& r) {
  bench::Table table{"Collating and splitting",
                     "Rows of 256 floats; medians of rounds.",
                     {"rows", "ours, ns", "at::stack + at::unbind, ns", "ATen by ours", ""},
                     {}};
  for (const Size& size : sizes) {
    const auto c = bench::compare({ours(size.rows), aten(size.rows)}, options);
    const auto ratio = bench::stats(bench::divide(c.arms[1], c.arms[0]));
    table.rows.push_back({std::to_string(size.rows), bench::text(bench::stats(c.arms[0]).median, 0),
                          bench::text(bench::stats(c.arms[1]).median, 0), bench::text(ratio.median, 1),
                          c.quiet ? "" : "void"});
    r.figures.push_back({"m8.collate_" + std::to_string(size.rows),
                         "collating and splitting " + std::to_string(size.rows) + " rows, by at::stack and at::unbind",
                         1 / ratio.median, 1 / size.least, "of its time", !c.quiet});
  }
  r.tables.push_back(std::move(table));
}

}  // namespace
}  // namespace collate

int main(int argc, char** argv) {
  return bench::run_program({"collate", "Rows that share a call", collate::smoke, collate::measure}, argc, argv);
}
