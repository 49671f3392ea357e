#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tailrace/core/problems.h"
#include "tailrace/core/tensor.h"

namespace tailrace::cli {

// Rows of numbers from a file, one after another.
struct Rows {
  std::vector<float> values;
  Shape shape;  // of one row
  std::size_t count = 0;

  // The i-th row; borrows its memory. REQUIRES: i < count.
  Tensor row(std::size_t i) const;
  // Its first numbers; 0: all of it. REQUIRES: it has so many.
  Tensor row(std::size_t i, std::size_t columns) const;
};

// Numbers between commas, a line a row; blanks around them and empty lines are skipped, and so is a first line without
// any number in it: a heading. Problems say "line:column", from 1.
Built<Rows> parse_csv(std::string_view text);

// An array in NumPy's .npy format, version 1 to 3: [rows, ...] of integers, booleans or floating point numbers of up to
// 64 bits, in either byte order, C or Fortran order. Problems say at which byte.
Built<Rows> parse_npy(std::string_view bytes);

// By its first bytes, whichever of the two it is. `path` may be "-" for standard input, and stands in the problems.
Built<Rows> read_rows(const std::string& path);

}  // namespace tailrace::cli
