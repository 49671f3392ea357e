#pragma once
#include <cstddef>

#include "tailrace/core/error.h"
#include "tailrace/core/result.h"

namespace tailrace::torch {

struct MemoryOptions {
  std::size_t least = std::size_t{64} << 10;       // bytes; smaller tensors are left to malloc, which is as fast
  std::size_t most_kept = std::size_t{256} << 20;  // bytes that wait to be used again
  bool operator==(const MemoryOptions&) const = default;
};

// From now on, memory of LibTorch's CPU tensors, of the whole process, is used again instead of being given back to the
// system and fetched anew: between 64 KiB and some MiB malloc does the latter, which costs more than the work on it.
// Opt-in, because it is the process's: call it once, before other threads use LibTorch. Memory that waits is kept until
// the process ends. Networks that tr::torch::open calls kernel by kernel need none of this.
// Errors: bad_value for a second call with other options, and for `least` below 4096.
Status reuse_memory(const MemoryOptions& options = {});

bool memory_is_reused() noexcept;
// Bytes that wait to be used again.
std::size_t memory_kept() noexcept;

}  // namespace tailrace::torch
