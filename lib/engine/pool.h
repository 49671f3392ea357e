#pragma once
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "tailrace/core/atomic.h"

namespace tailrace::detail {

struct Frame;
struct Program;

// A lock-free stack of equal frames in one slab. One word holds its top, a tag against reuse, how many frames are out,
// and whether it is closed, so that taking a frame, counting a request and finding the pool open are one step.
//
// The pool itself may be looked at by a thread that does not know yet that it was closed and its slab freed: take()
// reads nothing but the word and the links before it owns a frame, and links are kept for as long as the pool.
class FramePool {
 public:
  static constexpr std::uint32_t max_frames = (1u << 20) - 1;

  FramePool() = default;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  ~FramePool();

  // Opens the pool. REQUIRES: it holds no frames, 0 < count <= max_frames, and `memory` is the same every time. Throws
  // std::bad_alloc, or what `memory` throws.
  void allocate(Program& program, std::uint32_t count,
                std::pmr::memory_resource& memory = *std::pmr::new_delete_resource());
  void clear() noexcept;  // frees the frames. REQUIRES: none is out or held

  // A frame, or null where none is left, `limit` are out already (not counting those that losers hold), somebody queues
  // for one, or the pool is closed, which `closed` says.
  Frame* take(std::uint32_t limit) noexcept;
  Frame* take(std::uint32_t limit, bool& closed) noexcept;
  Frame* take_queued(std::uint32_t limit) noexcept;  // the same for the first one in the queue
  // `held`: it was held, and so has been uncounted already.
  void give_back(Frame* frame, bool held) noexcept;
  // The same for one that was not held. False: nothing was done, because somebody queues or the pool is closed.
  bool give_back_quietly(Frame* frame) noexcept;

  // An answered request whose frame somebody still holds makes room for another one.
  void hold() noexcept;

  void set_queued(bool queued) noexcept;
  bool queued() const noexcept;
  void close() noexcept;
  bool closed() const noexcept;
  // Whether it is closed, with all its frames back and nobody looking at them.
  bool is_over() const noexcept;
  // Keeps the frames where they are for somebody who looks at them.
  void pin() noexcept { pins_.fetch_add(1); }
  void unpin() noexcept { pins_.fetch_sub(1); }
  std::uint32_t pins() const noexcept { return pins_.load(); }  // frames held, and pins

  std::uint32_t count() const noexcept { return count_; }
  std::uint32_t out() const noexcept;
  Frame* at(std::uint32_t i) const noexcept;  // REQUIRES: i < count()

 private:
  using Link = Atomic<std::uint32_t>;
  struct Links {
    Link* first;
    std::size_t count;
  };
  Frame* take_where(std::uint32_t limit, std::uint64_t ignored, bool* closed) noexcept;
  void reserve_links(std::uint32_t count);

  // number + 1 of the first free frame : 20, frames out : 20, queued : 1, closed : 1, tag : 22
  Atomic<std::uint64_t> top_{0};
  Atomic<Atomic<std::uint32_t>*> links_{nullptr};  // by number + 1: the next free frame's number + 1
  std::pmr::memory_resource* memory_ = nullptr;
  char* slab_ = nullptr;
  std::size_t align_ = 0;
  std::size_t stride_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t room_ = 0;  // of the links
  Atomic<std::uint32_t> pins_{0};
  std::vector<Links> all_links_;  // a few pointers, from the heap
};

}  // namespace tailrace::detail
