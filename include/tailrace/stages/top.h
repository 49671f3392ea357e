#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tailrace/plan/make_stage.h"

namespace tailrace::stages {

// One class of a ranking.
struct Ranked {
  std::int64_t index = 0;  // in row-major order, from 0
  double score = 0;        // the element itself
  std::string label;       // empty where none are known
  bool operator==(const Ranked&) const = default;
};
using Ranking = std::vector<Ranked>;
using Labels = std::vector<std::string>;  // of class 0, 1, ...

// The `k` largest elements of float32 or float64, the largest first, of equal ones the first; all, where there are
// fewer. Where labels are known, there must be one for each element. An element that is not a number is an error.
struct Top {
  std::size_t k = 5;
  std::shared_ptr<const Labels> labels = nullptr;
  Result<Ranking> operator()(const Tensor& scores) const;
};

// Where a Catalog's stage {"top": {"k": 5, "labels": "imagenet"}} finds labels by their name. Flows may come from
// anybody, so it is the program that says which names there are, and what they stand for.
using LabelSource = std::function<Built<std::shared_ptr<const Labels>>(const std::string& name)>;

}  // namespace tailrace::stages
