#pragma once
#include <cstdint>

#include "tailrace/core/atomic.h"
#include "tailrace/core/clock.h"

namespace tailrace {

// Thrown by Context::checkpoint() to leave a stage whose answer nobody wants any more. Not a std::exception, so that a
// stage that catches those lets it pass.
struct Stopped {};

namespace detail {
// The stop flag of one region of a request, linked to those of the frames around it. Zero means "go on".
struct StopFlag {
  Atomic<std::uint32_t> halt;
};
struct RequestView {
  TimePoint deadline = never;
  const StopFlag* outer = nullptr;          // the region that an element of `each` belongs to
  const RequestView* outer_view = nullptr;  // and its frame
};
}  // namespace detail

// What a stage may ask about the request it works for. Valid during the call only.
//
//   Label slow(const Image& image, const tr::Context& ctx) {
//     for (auto& tile : tiles(image)) { ctx.checkpoint(); look_at(tile); }
//
// Any thread may ask while the call lasts.
class Context {
 public:
  Context(const detail::StopFlag& flag, const detail::RequestView& request) noexcept
      : flag_(&flag), request_(&request) {}

  // True once the answer of this stage is no longer wanted: the request was cancelled, its deadline has passed, another
  // arm won, or a sibling failed. The stage should then return soon; what it returns is dropped.
  bool stop_requested() const noexcept {
    if (flag_->halt.load(std::memory_order_relaxed)) return true;
    for (auto* r = request_; r && r->outer; r = r->outer_view)
      if (r->outer->halt.load(std::memory_order_relaxed)) return true;
    return false;
  }

#if defined(__cpp_exceptions)
  // Leaves the stage by an exception once stop_requested().
  void checkpoint() const {
    if (stop_requested()) throw Stopped{};
  }
#endif

  // When the request must be answered, or `never`.
  TimePoint deadline() const noexcept { return request_->deadline; }

 private:
  const detail::StopFlag* flag_;
  const detail::RequestView* request_;
};

}  // namespace tailrace
