// Requests that share the calls of a model: decided by a table of what calls take, simulated, and run.
#include <tailrace/sim/batch.h>
#include <tailrace/sim/simulate.h>
#include <tailrace/tailrace.h>

#include <array>
#include <cstdio>
#include <iostream>
#include <vector>

namespace tr = tailrace;
namespace sim = tr::sim;
using namespace std::chrono_literals;

using Row = std::array<float, 2>;

// Gives the sum and the difference of a row's numbers, for as many rows as a call has.
class SumAndDifference final : public tr::Model {
 public:
  tr::Status run(std::span<const tr::Tensor> inputs, std::span<tr::Tensor> outputs) const noexcept override {
    const tr::Tensor& rows = inputs[0];
    outputs[0] = tr::Tensor::zeros(tr::DType::float32, rows.shape());
    const auto in = rows.as<float>(), out = outputs[0].as<float>();
    for (std::size_t i = 0; i + 1 < in.size(); i += 2) out[i] = in[i] + in[i + 1], out[i + 1] = in[i] - in[i + 1];
    return {};
  }
  bool batched() const noexcept override { return true; }
  std::string describe() const override { return "sum and difference"; }
};

// What calls of so many rows take, as `tailrace profile` measures it; these are made up. Note the step from 3 to 4.
tr::BatchTimes measured() {
  tr::BatchTimes times;
  for (const auto& [rows, ms] : {std::pair{1u, 1.}, {2u, 1.2}, {3u, 1.7}, {4u, 1.4}, {8u, 2.}, {16u, 3.9}, {32u, 8.}})
    times.times.push_back({.rows = rows, .calls = 100, .min = 1e-3 * ms, .p50 = 1e-3 * ms, .p99 = 1e-3 * ms});
  return times;
}

int main() {
  // 1. The pass `batch` reads the table.
  const auto flow =
      tr::flow<Row>("sums", [](tr::Stream<Row> in) { return in.then("model", tr::model<Row, Row>("sums")); });
  tr::Registry models;
  models.add("sums", {.name = "only", .model = std::make_shared<SumAndDifference>(), .times = measured()});
  const auto plan = tr::optimise(flow, {.models = models}).value();
  std::cout << tr::explain(plan) << "\n";

  // 2. The same calls on virtual time: how many of 20,000 requests are answered within 6 ms, by who sizes the batches.
  const auto answered = [](const char* name, const tr::PolicyUse& policy, unsigned max_batch) {
    const auto model =
        tr::stage(sim::batch_service<int>(measured()), {.max_batch = max_batch, .batch = policy, .times = measured()});
    const auto served = tr::flow<int>("served", [&](tr::Stream<int> x) { return x.then("model", model); });
    const auto report =
        sim::simulate(tr::optimise(served).value(), sim::Workload<int>{tr::load::Poisson{3200}, {}, {.within = 6ms}},
                      {.seed = 1, .requests = 20000})
            .value();
    std::printf("%-24s %5.1f %%\n", name, 100. * report.count(tr::Code::none) / report.requests);
  };
  answered("one request a call", {"greedy"}, 1);
  answered("fixed: 8, or after 4 ms", {"fixed", {{"size", 8}, {"delay_ms", 4}}}, 32);
  answered("greedy", {"greedy"}, 32);
  answered("table", {"table"}, 32);

  // 3. Live. Answers are those of calls for one row.
  auto engine = tr::start(plan, {.threads = 2}).value();
  std::vector<tr::Handle<Row>> handles;
  for (int i = 0; i < 100; ++i) handles.push_back(engine.submit(Row{static_cast<float>(i), 1.f}));
  int right = 0;
  for (int i = 0; i < 100; ++i) {
    const auto answer = handles[static_cast<std::size_t>(i)].get();
    right += answer && *answer == Row{static_cast<float>(i + 1), static_cast<float>(i - 1)};
  }
  std::printf("%d of 100 answers are right\n", right);
}
