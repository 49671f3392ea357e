#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>

namespace tailrace::cli {

Progress::Progress(const std::string& what) {
  std::fprintf(stderr, "%s ", what.c_str());
  dots_ = std::jthread([](const std::stop_token& stop) {
    const auto begin = std::chrono::steady_clock::now();
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    while (!stopped.wait_for(lock, stop, std::chrono::seconds(1), [&] { return stop.stop_requested(); }))
      std::fputc('.', stderr);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::fprintf(stderr, " %.1f s\n", took.count());
  });
}

Progress::~Progress() = default;  // the thread stops, then is joined

ProgressBar::ProgressBar(std::string what) : what_(std::move(what)), watched_(isatty(fileno(stderr)) == 1) {
  if (!watched_) std::fprintf(stderr, "%s\n", what_.c_str());
}
ProgressBar::~ProgressBar() {
  if (watched_) std::fputs("\r\033[K", stderr);
}

void ProgressBar::show(double done, double seconds_left) {
  if (!watched_) return;
  constexpr int width = 24;
  const int full = std::clamp(static_cast<int>(done * width), 0, width);
  std::fprintf(
      stderr, "\r[%s%s] %3.0f %%  %s, %.0f s left\033[K", std::string(static_cast<std::size_t>(full), '#').c_str(),
      std::string(static_cast<std::size_t>(width - full), '.').c_str(), 100 * done, what_.c_str(), seconds_left);
  std::fflush(stderr);
}

}  // namespace tailrace::cli
