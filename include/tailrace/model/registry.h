#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tailrace/core/clock.h"
#include "tailrace/core/problems.h"
#include "tailrace/model/batch_times.h"
#include "tailrace/model/model.h"
#include "tailrace/model/need.h"

namespace tailrace {

// One way to serve a model: a network in some precision on some device, and what is known of it.
struct Variant {
  std::string name;  // unique within its model, for example "tiny" or "large-bf16"
  std::shared_ptr<const Model> model = nullptr;
  double accuracy = 0;  // share of right answers, 0..1; 0: unknown
  Duration latency{};   // of one row, measured; zero: unknown
  BatchTimes times{};   // of calls by their number of rows, measured; empty: unknown
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
