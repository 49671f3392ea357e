#pragma once
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "tailrace/core/completion.h"

namespace tailrace::test {

// An asynchronous stage under the reference: its caller waits for it.
struct Later {
  std::mutex mutex;
  std::condition_variable changed;
  bool used = false, dropped = false;
  void* slot = nullptr;
  std::optional<Error> error;

  void use(std::optional<Error> e) {
    const std::lock_guard lock(mutex);
    error = std::move(e);
    used = true;
    changed.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return used; });
  }
};
inline constexpr detail::Pending::Ops later_ops{
    [](const detail::Pending&) noexcept { return true; },
    [](const detail::Pending& p) noexcept { return static_cast<Later*>(p.frame)->slot; },
    [](const detail::Pending& p, const Error* error) noexcept {
      static_cast<Later*>(p.frame)->use(error ? std::optional(*error) : std::nullopt);
    },
    [](const detail::Pending& p) noexcept {
      Later& later = *static_cast<Later*>(p.frame);
      later.dropped = true;
      later.use(Error(Code::stage_failed, "the stage gave up its Completion without using it"));
    },
    [](const detail::Pending&) noexcept { return false; },
    [](const detail::Pending&) noexcept { return never; },
    [](const detail::Pending&) noexcept { return CallFacts{}; }};

}  // namespace tailrace::test
