#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tailrace/core/problems.h"
#include "tailrace/core/tensor.h"
#include "tailrace/model/batch_times.h"
#include "tailrace/model/registry.h"

namespace tailrace {

// One row of one input of a model, without the dimension that counts rows.
struct RowType {
  DType dtype = DType::float32;
  Shape shape;
  bool operator==(const RowType&) const = default;
};

// What getting a model ready takes, in seconds; 0: not measured.
struct LoadTimes {
  double read = 0;     // the file's bytes, as fast as the system gave them: from its cache where they were there
  double prepare = 0;  // from bytes to a network that can be called
  double warm_up = 0;  // what the first three calls took, of one row each
  bool operator==(const LoadTimes&) const = default;
};

// The first two calls with so many rows, in seconds: back ends adapt themselves to a shape when they meet it.
struct FirstCalls {
  std::uint32_t rows = 1;
  double first = 0, second = 0;
  bool operator==(const FirstCalls&) const = default;
};

// Memory of the process that the model added, in bytes; 0: not measured.
struct ModelMemory {
  std::uint64_t loaded = 0;  // once it was loaded and warm
  std::uint64_t peak = 0;    // the most while it was called, with the largest number of rows among others
  bool operator==(const ModelMemory&) const = default;
};

// Rows that so many threads get through together, each calling the model again and again with so many rows.
struct Throughput {
  unsigned callers = 1;
  std::uint32_t rows = 1;
  double per_second = 0;  // rows, of all callers
  bool operator==(const Throughput&) const = default;
};

// How often a model's answer was the right one.
struct LabelledResult {
  std::string data;  // which rows, for people
  std::uint64_t rows = 0, right = 0;
  double share() const noexcept { return rows ? static_cast<double>(right) / static_cast<double>(rows) : 0; }
  bool operator==(const LabelledResult&) const = default;
};

// What is known of one variant of a model on one device, computing each call with so many threads: plain data,
// measured by tr::profile_model, kept in a file of models (plan/models_file.h), and given to plans by a Registry.
struct ModelProfile {
  std::string model, variant;
  Device device{};
  unsigned threads = 1;        // that one call computes with
  std::string file;            // what it was loaded from, seen from the folder of the file of models
  std::uint64_t bytes = 0;     // of that file
  std::string content;         // a hash of that file (content_hash), which tells whether it is still the same
  std::string back_end;        // Model::describe, for people
  std::vector<RowType> rows;   // of its inputs
  std::vector<RowType> gives;  // of its outputs
  LoadTimes load;
  std::vector<FirstCalls> first_calls;  // sorted by rows, each number once
  BatchTimes times;
  std::string error;  // why no larger numbers of rows were measured: what the first such call said; empty: none failed
  ModelMemory memory;
  std::vector<Throughput> throughput;  // sorted by callers
  std::optional<LabelledResult> accuracy;
  // Processor time that others used meanwhile, as a share of the machine; below 0: unknown.
  double foreign = -1;
  std::string machine, date;  // for people: "AMD EPYC, 2 usable", "2026-11-22"

  // Whether all of it was measured while others left the machine alone, and rounds agreed.
  bool steady() const noexcept;
  bool operator==(const ModelProfile&) const = default;
};

// All that is known of some models: one profile for each model, variant, device and number of threads.
struct ModelProfiles {
  std::vector<ModelProfile> list;  // in the order in which they were added

  const ModelProfile* find(std::string_view model, std::string_view variant, Device device,
                           unsigned threads) const noexcept;
  // Puts it in place of what is known of the same model, variant, device and threads, or else at the end.
  void add(ModelProfile profile);
  // What is wrong with it: names that are empty, profiles that come twice, tables that BatchTimes::check refuses.
  Problems check() const;
  bool operator==(const ModelProfiles&) const = default;
};

// The variant that such a profile is of, for a Registry; the network may be null.
Variant variant_of(const ModelProfile& profile, std::shared_ptr<const Model> model);

// The same for Variant::elsewhere.
Placed placed_of(const ModelProfile& profile, std::shared_ptr<const Model> model);

// 16 hexadecimal digits that differ where contents do: FNV-1a of 64 bits (Fowler, Noll, Vo). Against mistakes, not
// against people.
std::string content_hash(std::string_view content);

}  // namespace tailrace
