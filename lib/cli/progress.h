#pragma once
#include <string>
#include <thread>

namespace tailrace::cli {

// Says on standard error what is being done, adds a dot every second, and ends the line with the time it took.
class Progress {
 public:
  explicit Progress(const std::string& what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  std::jthread dots_;
};

}  // namespace tailrace::cli
