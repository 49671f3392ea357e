#pragma once
#include <cstdint>
#include <string_view>
#include <utility>

#include "tailrace/core/clock.h"
#include "tailrace/core/error.h"
#include "tailrace/core/type.h"

namespace tailrace {

class Executor;

// Whom a call of an asynchronous stage is for: which stage of which request, and who runs it.
struct CallFacts {
  Executor* executor = nullptr;  // the engine's; null where nobody runs requests, as under tr::measure
  std::string_view where{};      // the stage's path, as in errors; lives as long as the engine
  std::uint64_t request = 0;     // Request::id
  std::uint64_t element = 0;     // inside `each`: a number of its own for each element; 0 outside
  // Inside a hedge: 0 its call, 1 the copy. Of hedges in hedges a binary number, the inner one's digit the lowest.
  std::uint64_t copy = 0;
};

namespace detail {

// One asynchronous step of one request, as whoever runs the request sees it. All members may be called from any thread.
struct Pending {
  struct Ops {
    bool (*wanted)(const Pending&) noexcept;  // false: too late, and counted as such
    void* (*slot)(const Pending&) noexcept;   // raw memory for the value
    // The last use of it, one of these. `finish`: the value stands in the slot or, where an error is given, the step
    // has failed. `drop`: there is neither.
    void (*finish)(const Pending&, const Error* error) noexcept;
    void (*drop)(const Pending&) noexcept;
    bool (*stop_requested)(const Pending&) noexcept;
    TimePoint (*deadline)(const Pending&) noexcept;
    CallFacts (*about)(const Pending&) noexcept;
  };
  const Ops* ops = nullptr;
  void* frame = nullptr;
  const void* step = nullptr;
};

}  // namespace detail

// The promise of an asynchronous stage to give its value later, from any thread:
//
//   void fetch(const Key& key, tr::Completion<Record> done) {
//     client.get(key, [done = std::move(done)](Record r) mutable { done.complete(std::move(r)); });
//   }
//
// Move-only; one thread at a time. What a stage took by reference lives until its Completion is used up or destroyed.
// The flow goes on on the executor, never on the thread that completes. Destroying a Completion that was not used fails
// the stage. An engine's destruction waits for its Completions: keep none for ever.
template <class Out>
class [[nodiscard]] Completion {
 public:
  using value_type = Out;

  explicit Completion(const detail::Pending& pending) noexcept : pending_(pending) {}
  Completion(Completion&& other) noexcept : pending_(std::exchange(other.pending_, {})) {}
  Completion& operator=(Completion&& other) noexcept {
    std::swap(pending_, other.pending_);
    return *this;
  }
  ~Completion() {
    if (pending_.ops) pending_.ops->drop(pending_);
  }

  // Gives the stage's value. False: it came too late (the request has been answered, or this arm has lost), or this
  // Completion was used before; the value is ignored.
  bool complete(Out value) noexcept {
    const detail::Pending mine = take();
    if (!mine.ops) return false;
    put(mine, value);
    return true;
  }
  // Fails the stage. False: as above.
  bool fail(const Error& error) noexcept {
    const detail::Pending mine = take();
    if (!mine.ops) return false;
    mine.ops->finish(mine, &error);
    return true;
  }

  // True once the value is no longer wanted. REQUIRES: not used yet.
  bool stop_requested() const noexcept { return pending_.ops->stop_requested(pending_); }
  // When the request must be answered, or `never`. REQUIRES: not used yet.
  TimePoint deadline() const noexcept { return pending_.ops->deadline(pending_); }
  // Whom this call is for. REQUIRES: not used yet.
  CallFacts about() const noexcept { return pending_.ops->about(pending_); }

 private:
  // What is to be finished, if anybody still wants it.
  detail::Pending take() noexcept {
    const detail::Pending mine = std::exchange(pending_, {});
    if (!mine.ops || mine.ops->wanted(mine)) return mine;
    mine.ops->drop(mine);
    return {};
  }
  static void put(const detail::Pending& p, Out& value) noexcept {
    if constexpr (!detail::boxed<Out>) {
      detail::emplace_in_slot<Out>(p.ops->slot(p), std::move(value));
    } else {
#if defined(__cpp_exceptions)
      try {
        detail::emplace_in_slot<Out>(p.ops->slot(p), std::move(value));
      } catch (...) {
        const Error error = detail::thrown();
        return p.ops->finish(p, &error);
      }
#else
      detail::emplace_in_slot<Out>(p.ops->slot(p), std::move(value));
#endif
    }
    p.ops->finish(p, nullptr);
  }
  detail::Pending pending_;
};

}  // namespace tailrace
