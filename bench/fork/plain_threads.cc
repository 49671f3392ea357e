#include <atomic>
#include <memory>
#include <thread>

#include "fork/scenario.h"

namespace forking {
namespace {

// A thread that does the second branch of whoever asks; one at a time.
class Helper {
 public:
  explicit Helper(Spin step) : step_(step), thread_([this] { serve(); }) {}
  ~Helper() {
    word_.store(ends, std::memory_order_release);
    word_.notify_one();
    thread_.join();
  }
  std::uint32_t answer(std::uint32_t x) {
    in_ = x;
    word_.store(asked, std::memory_order_release);
    word_.notify_one();
    const auto a = step_(x);
    while (word_.load(std::memory_order_acquire) == asked) look_or_sleep(asked);
    return joined(a, out_);
  }

 private:
  enum Word : std::uint32_t { idle, asked, ends };

  // Looks for a while, as our executors do, before it sleeps.
  void look_or_sleep(std::uint32_t seen) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
    while (word_.load(std::memory_order_acquire) == seen)
      if (std::chrono::steady_clock::now() > end) return word_.wait(seen, std::memory_order_acquire);
  }
  void serve() {
    for (;;) {
      while (word_.load(std::memory_order_acquire) == idle) look_or_sleep(idle);
      if (word_.load(std::memory_order_acquire) == ends) return;
      out_ = step_(in_);
      word_.store(idle, std::memory_order_release);
      word_.notify_one();
    }
  }

  const Spin step_;
  std::uint32_t in_ = 0, out_ = 0;
  std::atomic<std::uint32_t> word_{idle};
  std::thread thread_;
};

}  // namespace

Requests enqueue_and_wait(Spin step) {
  auto helper = std::make_shared<Helper>(step);
  return {"enqueue and wait", [helper](std::uint32_t x) { return helper->answer(x); }};
}

}  // namespace forking
