#include "tailrace/torch/memory.h"

#include <c10/core/CPUAllocator.h>

#include <array>
#include <bit>
#include <mutex>
#include <new>
#include <string>
#include <vector>

namespace tailrace::torch {

namespace {

constexpr std::size_t alignment = 64;  // as LibTorch's own

// Blocks by size, four sizes to a doubling, so that at most a fifth of a block is unused. Each begins with its size's
// number; data follows. LibTorch also asks for memory without its owner, and lets go of it by its address and the one
// deleter that there is, so that smaller blocks must have the same form. Never destroyed: tensors may be let go of
// while the process ends.
class Blocks final : public c10::Allocator {
 public:
  explicit Blocks(const MemoryOptions& options) : options_(options) {}

  const MemoryOptions& options() const noexcept { return options_; }
  std::size_t kept() noexcept {
    const std::lock_guard lock(mutex_);
    return kept_;
  }

  c10::DataPtr allocate(std::size_t bytes) override {
    char* data = nullptr;
    if (bytes > SIZE_MAX / 2) throw std::bad_alloc();
    if (bytes > 0)
      data = static_cast<char*>(bytes < options_.least ? fresh(small, bytes) : block_of(size_of(bytes))) + alignment;
    return {data, data, &Blocks::give_back, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Blocks::give_back; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }

  static Blocks*& instance() {
    static Blocks* blocks = nullptr;
    return blocks;
  }

 private:
  static constexpr std::size_t small = SIZE_MAX;  // the number of blocks that are not kept
  // Sizes are numbered: (4 + n % 4) << n / 4, in bytes.
  static std::size_t block_bytes(std::size_t size) noexcept { return (4 + size % 4) << size / 4; }
  static std::size_t size_of(std::size_t bytes) noexcept {
    const auto doublings = static_cast<std::size_t>(std::bit_width(bytes)) - 3;  // bytes is 4 or more
    const std::size_t quarter = (bytes >> doublings) - 4;
    const std::size_t size = 4 * doublings + quarter;
    return block_bytes(size) >= bytes ? size : size + 1;
  }
  static void* fresh(std::size_t size, std::size_t bytes) {
    void* const block = ::operator new (bytes + alignment, std::align_val_t{alignment});
    *static_cast<std::size_t*>(block) = size;
    return block;
  }
  void* block_of(std::size_t size) {
    void* const waited = take(size);
    return waited ? waited : fresh(size, block_bytes(size));
  }
  void* take(std::size_t size) {
    const std::lock_guard lock(mutex_);
    auto& waiting = waiting_[size];
    if (waiting.empty()) return nullptr;
    void* const block = waiting.back();
    waiting.pop_back();
    kept_ -= block_bytes(size);
    return block;
  }
  static void give_back(void* data) {
    if (data == nullptr) return;
    void* const block = static_cast<char*>(data) - alignment;
    const std::size_t size = *static_cast<std::size_t*>(block);
    if (size == small || !instance()->keep(block, size)) ::operator delete (block, std::align_val_t{alignment});
  }
  bool keep(void* block, std::size_t size) noexcept {
    const std::lock_guard lock(mutex_);
    auto& waiting = waiting_[size];
    if (kept_ + block_bytes(size) > options_.most_kept) return false;
    if (waiting.size() == waiting.capacity() && !grows(waiting)) return false;
    waiting.push_back(block);
    kept_ += block_bytes(size);
    return true;
  }
  // A list that cannot grow keeps no more: letting go of memory must not fail.
  static bool grows(std::vector<void*>& waiting) noexcept {
    try {
      waiting.reserve(2 * waiting.capacity() + 8);
      return true;
    } catch (...) {
      return false;
    }
  }

  const MemoryOptions options_;
  std::mutex mutex_;
  std::array<std::vector<void*>, 256> waiting_;
  std::size_t kept_ = 0;
};

}  // namespace

Status reuse_memory(const MemoryOptions& options) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  if (options.least < 4096) return Error{Code::bad_value, "reuse_memory", "least must be 4096 bytes or more"};
  Blocks*& blocks = Blocks::instance();
  if (blocks == nullptr) {
    blocks = new Blocks(options);
    c10::SetCPUAllocator(blocks, 1);
  } else if (!(blocks->options() == options)) {
    return Error{Code::bad_value, "reuse_memory", "was called before, with other options"};
  }
  return {};
}

bool memory_is_reused() noexcept { return Blocks::instance() != nullptr; }
std::size_t memory_kept() noexcept { return Blocks::instance() ? Blocks::instance()->kept() : 0; }

}  // namespace tailrace::torch
