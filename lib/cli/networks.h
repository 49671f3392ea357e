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

// Where the demo keeps what it trained: $XDG_CACHE_HOME/tailrace/demo, or ~/.cache/tailrace/demo.
Built<std::string> default_cache();

// A file in the cache that cannot be used is made again. Says on standard error what takes long.
Built<Networks> open_networks(const Digits& digits, std::uint64_t seed, const std::string& cache);

}  // namespace tailrace::cli
