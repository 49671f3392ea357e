#include "support/time_limit.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace tailrace::test {

TimeLimit::TimeLimit(std::chrono::seconds limit) : limit_(limit), thread_([this] { watch(); }) {}

TimeLimit::~TimeLimit() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

// The thread is not woken: it looks once per limit, so that a try has between one and two of them.
void TimeLimit::step(std::function<std::string()> in_words) {
  const std::lock_guard lock(mutex_);
  in_words_ = std::move(in_words);
  stepped_ = true;
}

void TimeLimit::watch() {
  std::unique_lock lock(mutex_);
  for (;;) {
    stepped_ = false;
    if (changed_.wait_for(lock, limit_, [&] { return over_; })) return;
    if (stepped_ || !in_words_) continue;
    std::fprintf(stderr, "not over after %lld s: %s\n", static_cast<long long>(limit_.count()), in_words_().c_str());
    std::abort();
  }
}

}  // namespace tailrace::test
