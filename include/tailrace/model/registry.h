#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tailrace/core/clock.h"
#include "tailrace/core/problems.h"
#include "tailrace/core/tensor.h"
#include "tailrace/model/batch_times.h"
#include "tailrace/model/model.h"
#include "tailrace/model/need.h"

namespace tailrace {

// A network where it can be called, and what is known of it there.
struct Placed {
  Device device{};
  std::shared_ptr<const Model> model = nullptr;
  Duration latency{};       // of one row, measured; zero: unknown
  BatchTimes times{};       // of calls by their number of rows, measured; empty: unknown
  std::uint64_t bytes = 0;  // memory that it takes there; 0: unknown
  // Bytes of one row of its input and of its output, which copies to a device take; 0: unknown.
  std::uint64_t row_in = 0, row_out = 0;
  std::string measured = {};  // when, for people: "2026-11-22"; empty: what is known was said by the program
};

// One way to serve a model: a network in some precision, and what is known of it.
struct Variant {
  std::string name;  // unique within its model, for example "tiny" or "large-bf16"
  std::shared_ptr<const Model> model = nullptr;
  double accuracy = 0;  // share of right answers, 0..1; 0: unknown
  Duration latency{};   // of one row, measured; zero: unknown
  BatchTimes times{};   // of calls by their number of rows, measured; empty: unknown
  // Of `model`, as in Placed.
  Device device{};
  std::uint64_t bytes = 0, row_in = 0, row_out = 0;
  std::string measured = {};
  std::vector<Placed> elsewhere{};  // the same network on other devices, each once: `place` chooses
};

// Models by name, each with its variants. An ordinary object: fill it, then give it to `optimise`. Not to be changed
// by one thread while another reads it.
//
//   tr::Registry models;
//   models.add("digit", {.name = "tiny", .model = tiny, .accuracy = 0.93});
class Registry {
 public:
  // Adds a variant; one of the same model and name is replaced.
  void add(const std::string& model, Variant variant);

  // The variants of a model in the order they were added; empty where the name is unknown.
  const std::vector<Variant>& variants(const std::string& model) const;
  std::vector<std::string> names() const;

 private:
  std::vector<std::pair<std::string, std::vector<Variant>>> models_;
};

}  // namespace tailrace
