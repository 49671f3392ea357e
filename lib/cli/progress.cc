#include "cli/progress.h"

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

}  // namespace tailrace::cli
