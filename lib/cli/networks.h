#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "cli/digits.h"
#include "tailrace/model/model.h"

namespace tailrace::cli {

// The two networks of the demo for one seed: from the cache, or trained now.
struct Networks {
  std::string folder;  // holds tiny.pt and large.pt
  std::shared_ptr<const Model> tiny, large;
};

// Where demos keep what they trained, "demo", or find what was exported, "models": a folder in
// $XDG_CACHE_HOME/tailrace, or ~/.cache/tailrace.
Built<std::string> default_cache(const std::string& folder);

// Answers of exported networks equal those of the Python originals where they differ by no more.
inline constexpr double most_difference = 1e-4;

// A file in the cache that cannot be used is made again. Says on standard error what takes long.
Built<Networks> open_networks(const Digits& digits, std::uint64_t seed, const std::string& cache);

}  // namespace tailrace::cli
