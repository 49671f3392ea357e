#include "engine/stream_order.h"

#include <algorithm>
#include <utility>

namespace tailrace::detail {

bool StreamOrder::enter(std::uint64_t stream) noexcept {
  const std::lock_guard lock(mutex_);
  try {
    if (const auto known = entries_.find(stream); known != entries_.end()) return ++known->second.under_way, true;
    if (spare_.empty()) {
      spare_.reserve(entries_.size() + 1);
      entries_[stream].under_way = 1;
      return true;
    }
    auto node = std::move(spare_.back());
    spare_.pop_back();
    node.key() = stream;
    node.mapped() = {1, TimePoint::min()};
    entries_.insert(std::move(node));
    return true;
  } catch (...) {
    return false;
  }
}

void StreamOrder::leave(Entries::iterator entry) noexcept {
  if (--entry->second.under_way == 0) spare_.push_back(entries_.extract(entry));
}

void StreamOrder::leave(std::uint64_t stream) noexcept {
  const std::lock_guard lock(mutex_);
  leave(entries_.find(stream));
}

bool StreamOrder::deliver(std::uint64_t stream, TimePoint stamp) noexcept {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(stream);
  const bool in_order = stamp >= entry->second.latest;
  entry->second.latest = std::max(entry->second.latest, stamp);
  leave(entry);
  return in_order;
}

}  // namespace tailrace::detail
