#pragma once
#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "tailrace/core/random.h"
#include "tailrace/load/driver.h"

namespace tailrace::load {

// What is written down while requests run: a line for each, made beforehand. Shared by the driver and by everybody who
// has an outcome still to tell; the last one deletes it.
class Done::Ledger {
 public:
  // Throws std::bad_alloc. `counts`: keeps count of how long answers take, for settled().
  Ledger(std::uint64_t seed, std::uint64_t warm_up, std::uint64_t lines, bool counts);

  void start(TimePoint at) noexcept { start_ = at; }
  TimePoint start() const noexcept { return start_; }
  std::uint64_t lines() const noexcept { return lines_.size(); }
  std::uint64_t first_id() const noexcept { return first_id_; }
  void plan(std::uint64_t number, Duration intended) noexcept { lines_[number].intended = intended; }
  Duration intended(std::uint64_t number) const noexcept { return lines_[number].intended; }

  // The request is about to be sent.
  void send(std::uint64_t number) noexcept;
  void tell(std::uint64_t number, Code code, const Facts& facts) noexcept;
  // Of those sent, how many have no outcome.
  std::uint64_t open() const noexcept { return users_.load(std::memory_order_acquire) - 1; }
  // Whether the 95 % interval of the p99 is narrower than this share of it.
  bool settled(double precise) const noexcept;
  Sample sample(std::uint64_t number) const noexcept;
  void leave() noexcept;

  // ---- clients of a closed loop

  struct Clients {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<TimePoint> due;  // a heap of when those who do not wait for an answer send next
    Duration think{};
    bool random = false;
    Random draws{0};
  };
  // Whoever gets an answer thinks, and then is due.
  void begin_clients(const Closed& closed, std::uint64_t seed, TimePoint now);
  // Waits until a client is due or the time is `until`; when it was due, or never.
  TimePoint next_client(TimePoint until) noexcept;

 private:
  struct Line {
    Duration intended{}, sent{};
    std::atomic<Duration::rep> told{0};  // since the start, plus 1; 0: not yet
    std::atomic<bool> claimed{false};
    Code code = Code::none;
    Facts facts{};
  };
  static constexpr int digits = 6;  // of a latency in nanoseconds that counts_ tells apart, behind its first one
  static std::size_t bucket_of(Duration latency) noexcept;
  static double lower_end(std::size_t bucket) noexcept;
  void think() noexcept;

  TimePoint start_{};
  const std::uint64_t first_id_, warm_up_;
  std::vector<Line> lines_;
  std::atomic<std::uint64_t> users_{1};
  std::unique_ptr<std::array<std::atomic<std::uint32_t>, 64 << digits>> counts_;
  std::unique_ptr<Clients> clients_;
};

}  // namespace tailrace::load
