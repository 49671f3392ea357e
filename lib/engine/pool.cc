#include "engine/pool.h"

#include <bit>
#include <memory>
#include <new>

#include "engine/frame.h"
#include "engine/park.h"

namespace tailrace::detail {
namespace {

constexpr std::uint64_t mask = FramePool::max_frames;
constexpr unsigned out_shift = 20, tag_shift = 42;
constexpr std::uint64_t one_out = std::uint64_t{1} << out_shift;
// Both stand right above the frames out, so that a pool with one of them set looks fuller than any limit.
constexpr std::uint64_t queued_bit = std::uint64_t{1} << 40, closed_bit = std::uint64_t{1} << 41;
constexpr std::uint64_t one_tag = std::uint64_t{1} << tag_shift;

std::uint32_t first_of(std::uint64_t top) { return static_cast<std::uint32_t>(top & mask); }
std::uint32_t out_of(std::uint64_t top) { return static_cast<std::uint32_t>(top >> out_shift & mask); }
std::uint32_t load_of(std::uint64_t top) {
  return static_cast<std::uint32_t>(top >> out_shift) & ((1u << (tag_shift - out_shift)) - 1);
}
std::uint64_t with_first(std::uint64_t top, std::uint32_t first) { return (top & ~mask) | first; }

}  // namespace

void FramePool::reserve_links(std::uint32_t count) {
  if (count <= room_) return;
  const std::uint32_t room = std::bit_ceil(count);
  all_links_.reserve(all_links_.size() + 1);
  const std::size_t links = std::size_t{room} + 1;
  auto* const first = static_cast<Link*>(memory_->allocate(links * sizeof(Link), alignof(Link)));
  std::uninitialized_value_construct_n(first, links);
  all_links_.push_back({first, links});
  links_.store(first, std::memory_order_release);
  room_ = room;
}

FramePool::~FramePool() {
  clear();
  for (const Links& links : all_links_) memory_->deallocate(links.first, links.count * sizeof(Link), alignof(Link));
}

void FramePool::allocate(Program& program, std::uint32_t count, std::pmr::memory_resource& memory) {
  memory_ = &memory;
  reserve_links(count);
  stride_ = program.frame_bytes;
  align_ = program.frame_align;
  slab_ = static_cast<char*>(memory.allocate(stride_ * count, align_));
  auto* const links = links_.load(std::memory_order_relaxed);
  for (; count_ < count; ++count_) {
    Frame* f = ::new (slab_ + count_ * stride_) Frame;
    f->program = &program;
    f->head.fail = fail_instruction;
    f->head.begin = begin_park;
    f->place = count_ + 1;
    links[count_ + 1].store(count_, std::memory_order_relaxed);
  }
  top_.store((top_.load(std::memory_order_relaxed) & ~(one_tag - 1)) + one_tag + count, std::memory_order_release);
}

void FramePool::clear() noexcept {
  if (!slab_) return;
  for (std::uint32_t i = 0; i < count_; ++i) at(i)->~Frame();
  memory_->deallocate(slab_, stride_ * count_, align_);
  slab_ = nullptr;
  count_ = 0;
}

Frame* FramePool::at(std::uint32_t i) const noexcept { return reinterpret_cast<Frame*>(slab_ + i * stride_); }

std::uint32_t FramePool::out() const noexcept { return out_of(top_.load(std::memory_order_acquire)); }

inline Frame* FramePool::take_where(std::uint32_t limit, std::uint64_t ignored, bool* closed) noexcept {
  auto top = top_.load(std::memory_order_acquire);
  for (;;) {
    const auto first = first_of(top);
    if (!first || load_of(top & ~ignored) >= limit) {
      if (closed) *closed = top & closed_bit;
      return nullptr;
    }
    const auto rest = links_.load(std::memory_order_acquire)[first].load(std::memory_order_relaxed);
    if (top_.compare_exchange_weak(top, with_first(top + one_out + one_tag, rest), std::memory_order_acquire))
      return at(first - 1);
  }
}
Frame* FramePool::take(std::uint32_t limit) noexcept { return take_where(limit, 0, nullptr); }
Frame* FramePool::take(std::uint32_t limit, bool& closed) noexcept { return take_where(limit, 0, &closed); }
Frame* FramePool::take_queued(std::uint32_t limit) noexcept { return take_where(limit, queued_bit, nullptr); }

void FramePool::hold() noexcept {
  pin();
  top_.fetch_sub(one_out, std::memory_order_release);
}

bool FramePool::give_back_quietly(Frame* frame) noexcept {
  const auto place = frame->place;
  auto& next = links_.load(std::memory_order_relaxed)[place];
  auto top = top_.load(std::memory_order_relaxed);
  do {
    if (top & (queued_bit | closed_bit)) [[unlikely]]
      return false;
    next.store(first_of(top), std::memory_order_relaxed);
  } while (!top_.compare_exchange_weak(top, with_first(top - one_out, place), std::memory_order_release));
  return true;
}
void FramePool::give_back(Frame* frame, bool held) noexcept {
  auto& next = links_.load(std::memory_order_relaxed)[frame->place];
  auto top = top_.load(std::memory_order_relaxed);
  do next.store(first_of(top), std::memory_order_relaxed);
  while (!top_.compare_exchange_weak(top, with_first(held ? top : top - one_out, frame->place),
                                     std::memory_order_release));
  if (held) unpin();
}

void FramePool::set_queued(bool queued) noexcept {
  if (queued) top_.fetch_or(queued_bit);
  else top_.fetch_and(~queued_bit);
}
bool FramePool::queued() const noexcept { return top_.load() & queued_bit; }
void FramePool::close() noexcept { top_.fetch_or(closed_bit); }
bool FramePool::closed() const noexcept { return top_.load() & closed_bit; }
bool FramePool::is_over() const noexcept {
  const auto top = top_.load();
  return (top & closed_bit) && out_of(top) == 0 && pins_.load() == 0;
}

// ---- how many frames a program needs

namespace {

// Losers that all elements of a request's `each`es may have together, for each thread.
constexpr std::uint32_t element_losers = 4;

// Answered requests that losers among their elements may still hold.
std::uint32_t losers_below(const Program& p, std::uint32_t width) {
  std::uint32_t sum = 0;
  for (const Control& c : p.controls)
    if (c.element) sum += width * element_losers + losers_below(*c.element, width);
  return sum;
}

}  // namespace

void allocate_frames(Program& p, std::uint32_t in_flight, std::uint32_t losers, std::uint32_t width,
                     std::pmr::memory_resource& memory) {
  const auto wanted = std::uint64_t{in_flight} + losers + losers_below(p, width) + width +
                      1;  // a thread that has just answered still has its frame
  const auto frames = std::min<std::uint64_t>(wanted, FramePool::max_frames);
  p.spare.store(static_cast<std::int32_t>(losers), std::memory_order_relaxed);
  for (Control& c : p.controls) {
    if (!c.element) continue;
    const std::uint32_t extra = width * 4;
    c.element->extra.store(static_cast<std::int32_t>(extra), std::memory_order_relaxed);
    allocate_frames(*c.element, static_cast<std::uint32_t>(frames) + extra, width * element_losers, width, memory);
  }
  p.pool.allocate(p, static_cast<std::uint32_t>(frames), memory);  // last: from here on it gives frames away
}

}  // namespace tailrace::detail
