#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

namespace tailrace::test {

// Checks of code that is shared by several test programs.
struct CheckFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};
inline void check(bool ok, const std::string& what, int line = __builtin_LINE(), const char* file = __builtin_FILE()) {
  if (!ok) throw CheckFailed(std::string(file) + ":" + std::to_string(line) + ": " + what);
}

// Holds whoever passes until it is opened: what tests use instead of sleeping for a while. Opens by itself after a long
// time, so that a test whose engine waits for somebody in it fails instead of hanging.
class Gate {
 public:
  void pass() {
    ++arrived_;
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(20), [&] { return open_.load(); })) forced_ = true;
    ++passed_;
  }
  void open() {
    {
      std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }
  ~Gate() { open(); }
  bool closed() const { return !open_ && !forced_; }
  int arrived() const { return arrived_; }
  int passed() const { return passed_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> open_{false}, forced_{false};
  std::atomic<int> arrived_{0}, passed_{0};
};
struct Opens {
  Gate& gate;
  ~Opens() { gate.open(); }
};

// What a test that waits does meanwhile: where there are no threads, it lends its own.
inline std::function<void()> meanwhile;
struct Meanwhile {
  explicit Meanwhile(std::function<void()> work) { meanwhile = std::move(work); }
  ~Meanwhile() { meanwhile = nullptr; }
};

// Waits until something is so; false: it never was.
template <class P>
bool eventually(P so, std::chrono::milliseconds patience = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!so()) {
    if (std::chrono::steady_clock::now() > end) return false;
    if (meanwhile) meanwhile();
    else std::this_thread::yield();
  }
  return true;
}

}  // namespace tailrace::test
