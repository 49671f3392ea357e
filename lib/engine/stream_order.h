#pragma once
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "tailrace/core/atomic.h"
#include "tailrace/core/clock.h"

namespace tailrace::detail {

// The latest stamp that has gone out for each stream of which an ordered request is under way. Every member may be
// called from any thread. Memory is taken when more streams are under way than ever before.
class StreamOrder {
 public:
  // One more request of the stream; false: there is no memory.
  bool enter(std::uint64_t stream) noexcept;
  // One of them is answered without a value.
  void leave(std::uint64_t stream) noexcept;
  // One of them has a value; false: one with a later stamp has gone out before.
  bool deliver(std::uint64_t stream, TimePoint stamp) noexcept;

 private:
  struct Entry {
    std::uint32_t under_way = 0;
    TimePoint latest = TimePoint::min();
  };
  using Entries = std::unordered_map<std::uint64_t, Entry>;
  void leave(Entries::iterator entry) noexcept;

  Mutex mutex_;
  Entries entries_;
  std::vector<Entries::node_type> spare_;  // of streams that are gone; its capacity is that of entries_
};

}  // namespace tailrace::detail
