#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tailrace/core/clock.h"
#include "tailrace/model/model_profile.h"

namespace tailrace {

// Loads a model.
using OpenModel = std::function<Built<std::shared_ptr<const Model>>()>;

// How to measure a model.
struct ProfileModelOptions {
  std::vector<std::uint32_t> rows{};  // of a call, each once; empty: batch_sizes(64)
  // So many more sizes at most, where neighbours that are far apart differ more than they should: at cliffs.
  unsigned refine = 12;
  Duration budget = std::chrono::seconds(10);  // about so long, but at least `least_rounds`
  unsigned least_rounds = 5, most_rounds = 200;
  std::vector<unsigned> callers{};  // threads that call at the same time, for throughput; empty: 1, and one a processor
  // Told now and then what share is done, 0 to 1, and how long the rest is expected to take, on the calling thread.
  // What it throws ends the measuring.
  std::function<void(double done, Duration left)> progress{};
  // Loads it as it will be served, warm: many back ends then call it in a faster way. The table and the throughput are
  // of this one. Empty: of the one that was loaded cold.
  OpenModel served{};
};

// Measures one model on the calling thread: what loading takes (`open` should not warm it up), the first calls of every
// size, and then the times of calls by their number of rows, in rounds that each call every size, in another order, so
// that what disturbs the machine disturbs all sizes alike; at last what several callers get through together. `inputs`
// are what it is called with: a tensor for each input, whose first dimension counts rows to take in turn. A model that
// is not batched() is called with the first row of each, and gives one time.
//
//   auto p = tr::profile_model([&] { return open("tiny.pt"); }, {&digits, 1}).value();
//   p.model = "digit", p.variant = "tiny";
//
// Where calls fail from some number of rows on, the smaller ones are measured, and ModelProfile::error says why.
// Left to the caller: the names, the device and threads, the file and how long it took to read, and accuracy. Memory of
// the process is not all the model's: where earlier models left room that the system has not got back, it is too small.
// Errors: what opening gives, no input or one without rows, sizes that are none, and a model that fails with one row.
Built<ModelProfile> profile_model(const OpenModel& open, std::span<const Tensor> inputs,
                                  const ProfileModelOptions& options = {});

// What ModelProfile::machine says of this one.
std::string this_machine();

// The numbers of rows that are measured where nothing else is said: all up to 16, then four in each doubling up to
// `most`, and `most` itself.
std::vector<std::uint32_t> batch_sizes(std::uint32_t most);

// Where it is worth to look between two neighbours: the middles of those that are more than one row apart and whose
// times differ by more than a tenth, and by more than one and a half times what they do on either side; or where more
// rows take less time. Sorted; at most `most`, largest differences first chosen.
std::vector<std::uint32_t> middles_of_cliffs(const BatchTimes& times, std::size_t most);

// How often the largest of a model's answers is the one that the label says: `rows` is [n, ...], one label each.
// Errors: other numbers of rows and labels, answers that are no rows of float32, and what the model says.
Built<LabelledResult> answer_labelled(const Model& model, const Tensor& rows, std::span<const std::int64_t> labels,
                                      std::string data);

}  // namespace tailrace
