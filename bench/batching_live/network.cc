#include <algorithm>
#include <filesystem>

#include "batching_live/live.h"
#include "forward/network.h"
#include "tailrace/exec/profile_model.h"
#include "tailrace/flow/flow.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/plan/model_stage.h"
#include "tailrace/torch/torch.h"

namespace batching {
namespace {

constexpr std::int64_t inputs = 64, kinds = 256;  // numbers of a row, and different rows

tr::Tensor rows_of_inputs() {
  const auto rows = tr::Tensor::zeros(tr::DType::float32, {kinds, inputs});
  const std::span<float> all = rows.as<float>();
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<float>(i * 7919 % 257) / 128 - 1;
  return rows;
}
const tr::Tensor& given() {
  static const tr::Tensor rows = rows_of_inputs();
  return rows;
}

// With every number of rows that a call may have, warm.
tr::Built<std::shared_ptr<const tr::Model>> open() {
  const std::string file = forward::file_of({"live", {inputs, 1024, 1024, 10}});
  tr::torch::LoadOptions how{.rows = {{tr::DType::float32, {inputs}}}, .batches = {}, .name = "64-1024-1024-10"};
  for (std::int64_t n = 1; n <= std::int64_t{most}; ++n) how.batches.push_back(n);
  auto model = tr::torch::open(file, how);
  std::filesystem::remove(file);
  if (!model) return tr::Problems(model.error().code(), "network", std::string(model.error().what()));
  return *std::move(model);
}

int best_of(const tr::Tensor& answer) {
  const auto scores = answer.as<float>();
  return static_cast<int>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

}  // namespace

Subject network(double seconds) {
  const auto model = open().value();
  const tr::Tensor rows = given();
  const auto opened = [model]() -> tr::Built<std::shared_ptr<const tr::Model>> { return model; };
  const auto found =
      tr::profile_model(opened, {&rows, 1},
                        {.rows = tr::batch_sizes(most), .budget = tr::to_duration(seconds), .callers = {1}})
          .value();
  const tr::BatchTimes times = found.times;
  const auto conversion = std::make_shared<const tr::Conversion<int, int>>(
      tr::Conversion<int, int>{[](const int& n) -> tr::Result<tr::Tensor> { return given().row(n % kinds); },
                               [](const tr::Tensor& row) -> tr::Result<int> { return best_of(row); }, false});
  const auto plan = [model, times, conversion](const tr::PolicyUse& policy, unsigned max_batch) {
    tr::ModelUse use;
    use.name = "network";
    use.model = model;
    const tr::ModelStage<int, int> stage(use, conversion);
    return tr::optimise(tr::flow<int>("serve",
                                      [&](tr::Stream<int> x) {
                                        return x.then("model", tr::stage(stage, {.limit = 1,
                                                                                 .max_batch = max_batch,
                                                                                 .batch = policy,
                                                                                 .times = times}));
                                      }))
        .value();
  };
  return {{"64-1024-1024-10, LibTorch", times}, plan};
}

void compare_answers() {
  const auto model = open().value();
  tr::Tensor input = given(), all;
  for (const std::int64_t n : {2, 7, 32}) {
    const auto batch = tr::Tensor::view(input.data(), tr::DType::float32, {n, inputs});
    if (!model->run({&batch, 1}, {&all, 1})) throw bench::WrongAnswer{"a call failed"};
    for (std::int64_t i = 0; i < n; ++i) {
      const auto alone = given().row(i).as_batch_of_one();
      tr::Tensor answer;
      if (!model->run({&alone, 1}, {&answer, 1})) throw bench::WrongAnswer{"a call failed"};
      if (best_of(all.row(i)) != best_of(answer.row(0))) throw bench::WrongAnswer{"a row's answer depends on others"};
    }
  }
}

}  // namespace batching
