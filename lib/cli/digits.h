#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tailrace/core/problems.h"
#include "tailrace/core/tensor.h"

namespace tailrace::cli {

// Images of 8 by 8 with their digits.
struct Images {
  std::vector<float> pixels;  // 64 a row, 0..16
  std::vector<std::int64_t> labels;

  std::size_t size() const { return labels.size(); }
  // Borrows the row's memory. REQUIRES: i < size().
  Tensor image(std::size_t i) const;
};

// The digits, shuffled in a way that never changes and split 60 : 20 : 20.
struct Digits {
  Images train, validation, test;
  std::uint64_t hash = 0;  // of the file's bytes
};

// From CSV: rows of 64 pixels, 0..16, and the digit.
Built<Digits> read_digits(const std::string& path);

}  // namespace tailrace::cli
