#pragma once
#include "tailrace/plan/make_stage.h"

namespace tailrace::stages {

// What a margin is the margin of.
enum class MarginOf : std::uint8_t {
  scores,  // any numbers: softmax makes probabilities of them first
  values,  // the elements as they are, for models that give probabilities
};

// The largest element minus the second largest, of one row of class scores: how sure a classifier is. Between 0 and 1
// for scores and probabilities. Fewer than two elements, or one that is not finite, are an error.
Result<double> margin(const Tensor& row, MarginOf of = MarginOf::scores);

// An exit test: whether the margin is `least` or more. False where there is none to speak of (see above).
struct Margin {
  double least = 0;
  MarginOf of = MarginOf::scores;
  bool operator()(const Tensor& row) const noexcept;
};

// The same under its name in a Catalog: {"margin": {"least": 0.8}}, {"margin": {"least": 0.8, "of": "values"}}.
Wrapped<Margin> margin_test(Margin how);

}  // namespace tailrace::stages
