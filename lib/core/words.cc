#include "tailrace/core/words.h"

#include <fmt/format.h>

namespace tailrace {

std::string time_in_words(double seconds) {
  if (!(seconds >= 0)) return "unknown";
  if (seconds < 0.9995e-6) return fmt::format("{:.3g} ns", seconds * 1e9);
  if (seconds < 0.9995e-3) return fmt::format("{:.3g} us", seconds * 1e6);
  if (seconds < 0.9995) return fmt::format("{:.3g} ms", seconds * 1e3);
  return fmt::format("{:.4g} s", seconds);
}

}  // namespace tailrace
