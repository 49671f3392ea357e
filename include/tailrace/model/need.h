#pragma once
#include <optional>

#include "tailrace/core/tensor.h"

namespace tailrace {

// What a caller needs of a model that it asks for by name.
struct Need {
  double accuracy = 0;             // at least this share of right answers, 0..1; 0 asks for nothing
  std::optional<Device> device{};  // where it must run; empty: where `place` finds best
  bool operator==(const Need&) const = default;
};

}  // namespace tailrace
