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

// A bar on standard error with what is being done, the share that is done and the time left. Where nobody watches (it
// is no terminal) only what is begun is said, a line each.
class ProgressBar {
 public:
  explicit ProgressBar(std::string what);
  ~ProgressBar();  // clears the bar
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(double done, double seconds_left);

 private:
  std::string what_;
  bool watched_;
};

}  // namespace tailrace::cli
