#pragma once
#include <cstddef>
#include <cstdint>

#include "tailrace/core/atomic.h"

namespace tailrace::detail {

struct Frame;
struct Program;

// A lock-free stack of equal frames in one slab. One word holds its top, a tag against reuse, and how many frames are
// out, so that taking a frame and counting a request are one step.
class FramePool {
 public:
  static constexpr std::uint32_t max_frames = (1u << 20) - 1;

  FramePool() = default;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  ~FramePool();

  // REQUIRES: called once, 0 < count <= max_frames. Throws std::bad_alloc.
  void allocate(Program& program, std::uint32_t count);

  // A frame, or null where none is left or `limit` are out already, not counting those that losers hold.
  Frame* take(std::uint32_t limit) noexcept;
  // `held`: it was held, and so has been uncounted already.
  void give_back(Frame* frame, bool held) noexcept;

  // An answered request whose frame somebody still holds makes room for another one.
  void hold() noexcept;

  std::uint32_t count() const noexcept { return count_; }
  std::uint32_t out() const noexcept;
  Frame* at(std::uint32_t i) const noexcept;  // REQUIRES: i < count()

 private:
  Atomic<std::uint64_t> top_{0};  // number + 1 of the first free frame : 20, frames out : 20, tag : 24
  char* slab_ = nullptr;
  std::size_t stride_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace tailrace::detail
