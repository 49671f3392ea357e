#include "engine/pool.h"

#include <cstdlib>
#include <new>

#include "engine/frame.h"
#include "engine/park.h"

namespace tailrace::detail {
namespace {

constexpr std::uint64_t mask = FramePool::max_frames;
constexpr unsigned out_shift = 20, tag_shift = 40;
constexpr std::uint64_t one_out = std::uint64_t{1} << out_shift;
constexpr std::uint64_t one_tag = std::uint64_t{1} << tag_shift;

std::uint32_t first_of(std::uint64_t top) { return static_cast<std::uint32_t>(top & mask); }
std::uint32_t out_of(std::uint64_t top) { return static_cast<std::uint32_t>(top >> out_shift & mask); }
std::uint64_t with_first(std::uint64_t top, std::uint32_t first) { return (top & ~mask) | first; }

}  // namespace

FramePool::~FramePool() {
  for (std::uint32_t i = 0; i < count_; ++i) at(i)->~Frame();
  std::free(slab_);
}

void FramePool::allocate(Program& program, std::uint32_t count) {
  stride_ = program.frame_bytes;
  slab_ = static_cast<char*>(std::aligned_alloc(program.frame_align, stride_ * count));
  if (!slab_) throw std::bad_alloc();
  for (; count_ < count; ++count_) {
    Frame* f = ::new (slab_ + count_ * stride_) Frame;
    f->program = &program;
    f->head.fail = fail_instruction;
    f->head.begin = begin_park;
    f->next_free.store(count_, std::memory_order_relaxed);
    f->place = count_ + 1;
  }
  top_.store(count, std::memory_order_release);
}

Frame* FramePool::at(std::uint32_t i) const noexcept { return reinterpret_cast<Frame*>(slab_ + i * stride_); }

std::uint32_t FramePool::out() const noexcept { return out_of(top_.load(std::memory_order_acquire)); }

Frame* FramePool::take(std::uint32_t limit) noexcept {
  auto top = top_.load(std::memory_order_acquire);
  for (;;) {
    const auto first = first_of(top);
    if (!first || out_of(top) >= limit) return nullptr;
    Frame* f = at(first - 1);
    const auto rest = f->next_free.load(std::memory_order_relaxed);
    if (top_.compare_exchange_weak(top, with_first(top + one_out + one_tag, rest), std::memory_order_acquire)) return f;
  }
}

void FramePool::hold() noexcept { top_.fetch_sub(one_out, std::memory_order_relaxed); }

void FramePool::give_back(Frame* frame, bool held) noexcept {
  auto top = top_.load(std::memory_order_relaxed);
  do frame->next_free.store(first_of(top), std::memory_order_relaxed);
  while (!top_.compare_exchange_weak(top, with_first(held ? top : top - one_out, frame->place),
                                     std::memory_order_release));
}

}  // namespace tailrace::detail
