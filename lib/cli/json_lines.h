#pragma once
#include <cstdint>
#include <string>

#include "tailrace/core/outcome.h"
#include "tailrace/core/tensor.h"
#include "tailrace/stages/top.h"

namespace tailrace::cli {

// One line of JSON for one row: {"row":0,"label":3}, {"row":0,"values":[0.1,0.9]},
// {"row":0,"top":[{"index":1,"label":"dog","score":0.9}]} (labels only where they are known), or
// {"row":0,"error":{"code":"stage_failed","where":"scores","what":"..."}}; where a cascade answered, its "rung" too.
std::string answer_line(std::size_t row, const Outcome<std::int64_t>& label);
std::string answer_line(std::size_t row, const Outcome<Tensor>& values);
std::string answer_line(std::size_t row, const Outcome<stages::Ranking>& top);

}  // namespace tailrace::cli
