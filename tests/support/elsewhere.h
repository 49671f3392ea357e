#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "tailrace/core/completion.h"
#include "tailrace/core/result.h"

namespace tailrace::test {

// A thread that is no executor's, as a client library would have one: does what it is given, in order.
class Elsewhere {
 public:
  Elsewhere() : thread_([this] { loop(); }) {}
  ~Elsewhere() {
    post({});
    thread_.join();
  }
  void post(std::function<void()> work) {
    {
      std::lock_guard lock(mutex_);
      work_.push_back(std::move(work));
    }
    some_.notify_one();
  }
  std::thread::id id() const { return thread_.get_id(); }

 private:
  void loop() {
    for (;;) {
      std::function<void()> work;
      {
        std::unique_lock lock(mutex_);
        some_.wait(lock, [&] { return !work_.empty(); });
        work = std::move(work_.front());
        work_.pop_front();
      }
      if (!work) return;
      work();
    }
  }
  std::mutex mutex_;
  std::condition_variable some_;
  std::deque<std::function<void()>> work_;
  std::thread thread_;
};

inline Elsewhere& elsewhere() {
  static Elsewhere one;
  return one;
}

// Completes with `f(in)` on another thread; looks at its input there.
template <class F>
auto later(F f) {
  using Out = std::decay_t<std::invoke_result_t<F, const int&>>;
  return [f](const int& in, Completion<Out> done) {
    elsewhere().post([f, &in, done = std::make_shared<Completion<Out>>(std::move(done))] {
      try {
        done->complete(f(in));
      } catch (const std::exception& e) {
        done->fail({Code::stage_failed, e.what()});
      }
    });
  };
}
// Completes before it returns.
template <class F>
auto at_once(F f) {
  using Out = std::decay_t<std::invoke_result_t<F, const int&>>;
  return [f](const int& in, Completion<Out> done) { done.complete(f(in)); };
}

}  // namespace tailrace::test
