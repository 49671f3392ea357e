#include "exec/here.h"

#include <ctime>
#include <fstream>
#include <string_view>

#include "tailrace/exec/start.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace tailrace::detail {

namespace {

// "VmHWM:   1234 kB" of /proc/self/status, in bytes.
std::uint64_t status_bytes(std::string_view fact) noexcept {
  try {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
      if (line.starts_with(fact)) return 1024 * std::stoull(line.substr(fact.size()));
  } catch (...) {  // there is no such number
  }
  return 0;
}

}  // namespace

std::string this_machine() {
  std::string processor = "an unknown processor";
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (!line.starts_with("model name") || colon == line.npos) continue;
    processor = line.substr(colon + 2, 200);
    break;
  }
  return processor + ", " + std::to_string(usable_processors()) + " usable";
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm day{};
  char text[16] = {};
  if (gmtime_r(&now, &day)) std::strftime(text, sizeof text, "%Y-%m-%d", &day);
  return text;
}

std::uint64_t resident_bytes() noexcept { return status_bytes("VmRSS:"); }
std::uint64_t peak_bytes() noexcept { return status_bytes("VmHWM:"); }

void reset_peak() noexcept {
  try {
    std::ofstream("/proc/self/clear_refs") << '5';  // proc(5): resets the peak
  } catch (...) {
  }
}

void return_freed_memory() noexcept {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace tailrace::detail
