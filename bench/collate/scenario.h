#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/measure.h"

// Rows of several requests become the input of one call, and its output rows again. The call itself does nothing.
namespace collate {

inline constexpr std::size_t width = 256;  // floats in a row
// Rows that stand apart, as requests' do.
std::vector<std::vector<float>> rows_of(std::size_t count);
// What a row of the output says.
std::uint32_t sum_of(const float* row);

bench::Arm ours(std::size_t rows);
bench::Arm aten(std::size_t rows);  // aten.cc

}  // namespace collate
