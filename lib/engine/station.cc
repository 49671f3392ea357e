#include "engine/station.h"

#include <algorithm>
#include <new>
#include <utility>

#include "engine/batching.h"

namespace tailrace::detail {
namespace {

// Two heaps become one; either may be null.
Turn* meld(Turn* a, Turn* b) noexcept {
  if (!a) return b;
  if (!b) return a;
  if (policy::before(b->place, a->place)) std::swap(a, b);
  b->previous = a;
  b->next = a->child;
  if (b->next) b->next->previous = b;
  a->child = b;
  a->next = a->previous = nullptr;
  return a;
}

// A list of siblings becomes one heap: pairs from the left, then all of these from the right.
Turn* meld_siblings(Turn* first) noexcept {
  Turn* pairs = nullptr;  // linked by `next`, the last one first
  while (first) {
    Turn* const a = first;
    Turn* const b = a->next;
    first = b ? b->next : nullptr;
    a->next = a->previous = nullptr;
    if (b) b->next = b->previous = nullptr;
    Turn* const pair = meld(a, b);
    pair->next = pairs;
    pairs = pair;
  }
  Turn* all = nullptr;
  while (pairs) {
    Turn* const pair = pairs;
    pairs = pair->next;
    pair->next = nullptr;
    all = meld(all, pair);
  }
  return all;
}

}  // namespace

// ---- WaitQueue

// Who comes last of all is the usual case; otherwise a walk over those who go before, who stand above the others.
std::uint32_t WaitQueue::before(std::int64_t rank) const noexcept {
  if (count_ == 0 || rank >= latest_) return count_;
  std::uint32_t found = 0;
  const Turn* at = root_;
  while (at) {
    const bool goes_before = at->place.rank <= rank;
    found += goes_before;
    if (goes_before && at->child) {
      at = at->child;
      continue;
    }
    while (at && !at->next) {  // up from the last one of its siblings
      while (at->previous && at->previous->child != at) at = at->previous;
      at = at->previous;
    }
    if (at) at = at->next;
  }
  return found;
}

void WaitQueue::push(Turn& w) noexcept {
  latest_ = count_++ ? std::max(latest_, w.place.rank) : w.place.rank;
  w.child = w.next = w.previous = nullptr;
  root_ = meld(root_, &w);
}

Turn* WaitQueue::pop() noexcept {
  Turn* const first = root_;
  if (first) root_ = meld_siblings(first->child), --count_;
  return first;
}

void WaitQueue::remove(Turn& w) noexcept {
  if (&w == root_) {
    pop();
    return;
  }
  --count_;
  (w.previous->child == &w ? w.previous->child : w.previous->next) = w.next;
  if (w.next) w.next->previous = w.previous;
  root_ = meld(root_, meld_siblings(w.child));
}

template <class P>
Turn* WaitQueue::take_if(P gone, Turn* more) noexcept {
  Turn* left = std::exchange(root_, nullptr);  // linked by `next`
  count_ = 0;
  while (Turn* const w = left) {
    left = w->next;
    if (Turn* last = w->child) {
      while (last->next) last = last->next;
      last->next = left;
      left = w->child;
    }
    if (!gone(*w)) push(*w);
    else w->next = more, more = w;
  }
  return more;
}

// ---- Station

Station::Station(const StationSpec& spec, std::shared_ptr<const void> context,
                 std::shared_ptr<const BatchPolicy> policy, std::pmr::memory_resource& memory)
    : spec_(spec),
      context_(std::move(context)),
      slots_(&memory),
      common_(&memory),
      streams_(&memory),
      idle_(&memory),
      busy_(&memory) {
  drops_ = policy && policy->drops();
  if (policy) batching_ = std::make_unique<Batching>(*this, std::move(policy), spec_, memory);
  if (spec_.per_stream) return;
  common_.free.reserve(spec_.limit);
  for (unsigned i = 0; i < spec_.limit; ++i) {
    Slot& slot = new_slot();
    slot.lane = &common_;
    common_.free.push_back(&slot);
  }
}

Station::~Station() {
  for (const Slot& slot : slots_)
    for (void* state : {slot.state, slot.stale})
      if (state) spec_.state->destroy(state);
}

// Throws std::bad_alloc, and then there is none.
Slot& Station::new_slot() {
  auto* const memory = slots_.get_allocator().resource();
  std::pmr::list<Slot> one(memory);
  Slot& slot = one.emplace_back(memory);
  if (spec_.batch) {
    slot.rows.reserve(spec_.max_batch);
    slot.batch.reserve(spec_.max_batch);
  }
  slots_.splice(slots_.end(), one);
  return slot;
}

// Throws std::bad_alloc, and then nothing has changed.
Lane& Station::new_lane(std::uint64_t stream) {
  const auto made = streams_.try_emplace(stream, slots_.get_allocator().resource()).first;
  Lane& lane = made->second;
  lane.stream = stream;
  try {
    lane.place = idle_.insert(idle_.end(), &lane);
    lane.free.reserve(1);
    Slot& slot = new_slot();
    slot.lane = &lane;
    lane.free.push_back(&slot);
  } catch (...) {
    idle_.remove(&lane);
    streams_.erase(made);
    throw;
  }
  return lane;
}

// The lane of a stream; null where all are in use. Throws std::bad_alloc.
Lane* Station::stream_lane(std::uint64_t stream) {
  if (const auto found = streams_.find(stream); found != streams_.end()) return &found->second;
  if (streams_.size() < spec_.max_streams) return &new_lane(stream);
  if (idle_.empty()) return nullptr;
  auto node = streams_.extract(idle_.front()->stream);  // its memory serves the new stream
  node.key() = node.mapped().stream = stream;
  Slot& slot = *node.mapped().free.front();
  slot.stale = std::exchange(slot.state, nullptr);
  return &streams_.insert(std::move(node)).position->second;
}

Lane* Station::lane_of(const Turn& w) noexcept {
  if (!spec_.per_stream) return &common_;
  try {
    return stream_lane(w.stream);
  } catch (...) {
    return nullptr;
  }
}

void Station::grant(Turn& w, Slot& slot) noexcept {
  w.slot = &slot;
  if (!spec_.batch) return;
  slot.rows.clear();
  slot.rows.push_back(&w);
  slot.padded = 0;
}

Station::Entry Station::enter(Turn& w, bool (*may_wait)(Turn&) noexcept) noexcept {
  const std::lock_guard lock(mutex_);
  Lane* const lane = lane_of(w);
  if (!lane) return Entry::no_room;
  if (lane->free.empty()) {
    w.place.arrival = ++arrivals_;
    w.queue.store(this);
    if (!may_wait(w)) return w.queue.store(nullptr, std::memory_order_relaxed), Entry::unwanted;
    lane->queue.push(w);
    waiting_.fetch_add(1, std::memory_order_relaxed);
    return Entry::waits;
  }
  grant(w, *lane->free.back());
  lane->free.pop_back();
  if (lane->busy++ == 0 && spec_.per_stream) busy_.splice(busy_.end(), idle_, lane->place);
  return Entry::entered;
}

Turn* Station::leave(Slot& slot) noexcept {
  const std::lock_guard lock(mutex_);
  Lane& lane = *slot.lane;
  const auto take = [&] {
    Turn* const w = lane.queue.pop();
    if (!w) return w;
    w->queue.store(nullptr, std::memory_order_relaxed);
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    return w;
  };
  if (Turn* const first = take()) {
    grant(*first, slot);
    first->granted = true;
    while (spec_.batch && slot.rows.size() < spec_.max_batch) {
      Turn* const more = take();
      if (!more) break;
      slot.rows.push_back(more);
    }
    return first;
  }
  lane.free.push_back(&slot);
  if (--lane.busy == 0 && spec_.per_stream) idle_.splice(idle_.end(), busy_, lane.place);
  return nullptr;
}

std::uint32_t Station::ahead_of(std::int64_t rank) noexcept {
  const std::lock_guard lock(mutex_);
  return common_.free.empty() ? common_.queue.before(rank) + 1 : 0;
}

std::uint32_t Station::taken() noexcept {
  const std::lock_guard lock(mutex_);
  return common_.busy + waiting_.load(std::memory_order_relaxed);
}

bool Station::remove(Turn& w) noexcept {
  const std::lock_guard lock(mutex_);
  if (w.queue.load(std::memory_order_relaxed) != this) return false;
  w.queue.store(nullptr, std::memory_order_relaxed);
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  lane_of(w)->queue.remove(w);
  if (batching_) look_after_alarm();
  return true;
}

Turn* Station::remove_if(bool (*gone)(const Turn&, const void* of) noexcept, const void* of) noexcept {
  const std::lock_guard lock(mutex_);
  Turn* all = nullptr;
  const auto leaves = [&](Turn& w) {
    if (!gone(w, of)) return false;
    w.queue.store(nullptr, std::memory_order_relaxed);
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    return true;
  };
  if (waiting() == 0) return nullptr;
  all = common_.queue.take_if(leaves, all);
  for (auto& [stream, lane] : streams_) all = lane.queue.take_if(leaves, all);
  if (batching_) look_after_alarm();
  return all;
}

}  // namespace tailrace::detail
