#pragma once
#include <cstddef>
#include <cstdint>
#include <new>
#include <stop_token>
#include <type_traits>

#include "tailrace/core/clock.h"

namespace tailrace {

// What to call when the engine has let go of a request: a small callable, kept in place, so that it needs no memory.
// Up to three pointers, references or numbers may be captured.
//
//   auto answer = engine.run(view, {.within = 5ms, .on_release = [buffer] { buffer->unlock(); }});
class OnRelease {
 public:
  static constexpr std::size_t capacity = 3 * sizeof(void*);

  OnRelease() = default;
  template <class F>
  requires(!std::is_same_v<F, OnRelease> && std::is_invocable_v<F&>) OnRelease(F call)
  noexcept : call_([](void* memory) { (*std::launder(static_cast<F*>(memory)))(); }) {
    static_assert(sizeof(F) <= capacity && alignof(F) <= alignof(void*) && std::is_trivially_copyable_v<F>,
                  "on_release takes a callable that is trivially copyable and no larger than three pointers: capture a "
                  "pointer to what it needs");
    ::new (static_cast<void*>(memory_)) F(call);
  }
  explicit operator bool() const noexcept { return call_ != nullptr; }
  void operator()() { call_(memory_); }  // REQUIRES: *this

 private:
  void (*call_)(void*) = nullptr;
  alignas(void*) unsigned char memory_[capacity] = {};
};

// What becomes of a request that finds no room.
enum class Overload : std::uint8_t {
  reject,  // it is refused as `overloaded`
  wait,    // its caller waits for room, until the deadline; also in `submit`. Inside a stage or a callback: as reject
  latest,  // the oldest request of its `stream` that says so too, and that no stage works for, makes room and is
           // answered as `superseded`; where there is none: as reject
};

// What one request asks of the engine beyond its answer. Where both are given the earlier deadline counts.
struct Request {
  Duration within{};           // answer within this time from now; zero: no limit
  TimePoint deadline = never;  // answer by then
  std::uint64_t stream = 0;    // which sequence of requests it belongs to, for stages that keep state
  TimePoint stamp{};           // when what it is about happened
  int priority = 0;            // class: a larger one goes first
  std::uint64_t id = 0;        // a number of yours, by which observers and simulated service times know it
  std::stop_token stop{};      // answers it as `cancelled` at once when its source is stopped
  Overload overload = Overload::reject;
  bool timing = false;  // the Outcome says where the time went, for two looks at the clock at every block and wait
  // Its answer counts only if none with a later `stamp` has gone out for its `stream`; otherwise it is `superseded`.
  bool ordered = false;
  // Called exactly once, when nothing of the engine holds the request any more: no stage works on it, and its input and
  // what stages made of it are destroyed. That may be later than the answer, by as long as losers run on; it is at the
  // latest when the engine is destroyed, and before `run` or `submit` returns where the request is refused. It may run
  // on any thread, a timer's too, and must be short. What it throws goes to the Observer.
  OnRelease on_release{};
};

}  // namespace tailrace
