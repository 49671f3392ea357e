// A network with early exits as a program: three segments with a classifier each, through which a batch goes on as long
// as it has rows that are not sure. Segments are usually cut when a trained network is exported; here three small ones
// are written first, so that the recipe needs nothing but LibTorch.
#include <tailrace/stages/early_exit.h>
#include <tailrace/tailrace.h>
#include <tailrace/torch/torch.h>
#include <torch/csrc/jit/api/module.h>

#include <filesystem>
#include <iostream>

namespace tr = tailrace;
namespace fs = std::filesystem;
using tr::Tensor;

// Each segment sharpens what it is given, and says what it makes of it: scores, then features for the next segment.
// Without an exit, the last segment's scores would be the network's.
void write_segment(const fs::path& file) {
  torch::jit::Module segment("Segment");
  segment.define("def forward(self, x):\n  x = 3 * x\n  return torch.cat([x, -x], 1), x\n");
  segment.save(file.string());
}

Tensor rows_of(std::vector<float> values) {
  const Tensor rows = Tensor::zeros(tr::DType::float32, {static_cast<std::int64_t>(values.size()), 1});
  std::copy(values.begin(), values.end(), rows.as<float>().begin());
  return rows;
}

int main() {
  const fs::path folder = fs::temp_directory_path() / "tailrace_recipe_27";
  fs::create_directories(folder);
  std::vector<std::shared_ptr<const tr::Model>> segments;
  for (const char* name : {"first.pt", "second.pt", "third.pt"}) {
    write_segment(folder / name);
    segments.push_back(tr::torch::open((folder / name).string()).value());
  }

  // One request, many rows. Rows leave where the likelier class has a probability of 0.95; the rest goes on as a
  // smaller batch, and each answer stands in its row's place.
  auto batches = tr::flow<Tensor>("batches", [&](tr::Stream<Tensor> batch) {
    return tr::staged("net", batch, tr::stages::first_segment(segments[0], 0.95),
                      tr::stages::next_segment(segments[1], 0.95), tr::stages::last_segment(segments[2]));
  });
  auto engine = tr::start(batches, {.threads = 1}).value();
  for (const auto& values : {std::vector<float>{0.01F, 2, -0.3F, 0.02F, -5}, {1, 2}}) {
    const auto answers = engine.run(rows_of(values));
    for (std::size_t i = 0; i < values.size(); ++i)
      std::cout << values[i] << " is " << (answers->scores.as<float>()[2 * i] > 0 ? "above" : "below")
                << " zero, said segment " << int{answers->exits[i]} << "\n";
    std::cout << "the batch was answered by stage " << answers.rung << "\n";
  }

  // Many requests, one row each. Those that wait for a segment go through it together, and those that stay wait for the
  // next segment with rows of other requests, so that its batches fill up again.
  auto rows = tr::flow<Tensor>("rows", [&](tr::Stream<Tensor> row) {
    return tr::staged("net", row, tr::stages::row_segment(segments[0], 0.95),
                      tr::stages::row_segment(segments[1], 0.95), tr::stages::last_row_segment(segments[2]));
  });
  auto serving = tr::start(rows, {.threads = 2}).value();
  std::vector<tr::Handle<Tensor>> open;
  for (const float value : {0.01F, 2.F, -0.3F}) open.push_back(serving.submit(rows_of({value}).row(0)));
  for (auto& handle : open) {
    const auto scores = handle.get();
    std::cout << (scores->as<float>()[0] > 0 ? "above" : "below") << " zero, by stage " << scores.rung << "\n";
  }
  fs::remove_all(folder);
}
