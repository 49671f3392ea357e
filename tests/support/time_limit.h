#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace tailrace::test {

// For tests that would wait for ever where a request is lost, and whose engine could not be destroyed either: unless
// step() is called again within the limit, says on stderr what was tried last, and ends the program.
class TimeLimit {
 public:
  explicit TimeLimit(std::chrono::seconds limit = std::chrono::seconds(100));
  ~TimeLimit();
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
  // The next try begins. `in_words` is called only when its time is up, on another thread; what it shows lives until
  // the next step.
  void step(std::function<std::string()> in_words);

 private:
  void watch();
  const std::chrono::seconds limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<std::string()> in_words_;
  bool stepped_ = false, over_ = false;
  std::thread thread_;
};

}  // namespace tailrace::test
