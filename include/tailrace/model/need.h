#pragma once

namespace tailrace {

// What a caller needs of a model that it asks for by name.
struct Need {
  double accuracy = 0;  // at least this share of right answers, 0..1; 0 asks for nothing
  bool operator==(const Need&) const = default;
};

}  // namespace tailrace
