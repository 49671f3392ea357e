#pragma once
#include <string_view>
#include <vector>

#include "tailrace/core/problems.h"

namespace tailrace::cli {

// Samples of -1 to 1 from a WAV file with one channel of 16 bits at 16 kHz; others are a problem that says what they
// are.
Built<std::vector<float>> parse_wav(std::string_view bytes);

}  // namespace tailrace::cli
