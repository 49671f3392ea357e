#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

#include "submit/answer.h"

namespace submitting {
namespace {

// Work for one thread. What waits is on its asker's stack, so that nothing is allocated.
template <class Question>
class Worker {
 public:
  ~Worker() {
    push(nullptr);
    thread_.join();
  }
  void push(Question* q) {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(q);
    }
    some_.notify_one();
  }

 private:
  void serve() {
    for (;;) {
      std::unique_lock lock(mutex_);
      some_.wait(lock, [&] { return !queue_.empty(); });
      Question* const q = queue_.front();
      queue_.pop_front();
      lock.unlock();
      if (!q) return;
      q->answer();
    }
  }
  std::mutex mutex_;
  std::condition_variable some_;
  std::deque<Question*> queue_;
  std::thread thread_{[this] { serve(); }};
};

struct Promised {
  Value in;
  std::promise<Value> out;
  // Gone as soon as it is answered, so the promise is moved out first.
  void answer() {
    auto to = std::move(out);
    to.set_value(work(in));
  }
};
struct Looked {
  Value in;
  Answer out;
  void answer() { out.put(work(in)); }
};

class Woken {
 public:
  ~Woken() {
    post(ends);
    thread_.join();
  }
  Value ask(Value x) {
    value_ = x;
    post(asked);
    while (word_.load(std::memory_order_acquire) != idle) __builtin_ia32_pause();
    return value_;
  }

 private:
  enum Word : std::uint32_t { idle, asked, ends };

  void post(Word word) {
    word_.store(word, std::memory_order_release);
    futex_wake(word_);
  }
  void serve() {
    for (;;) {
      const auto word = word_.load(std::memory_order_acquire);
      if (word == ends) return;
      if (word == idle) {
        futex_wait(word_, idle);
        continue;
      }
      value_ = work(value_);
      word_.store(idle, std::memory_order_release);
    }
  }
  Value value_ = 0;
  std::atomic<std::uint32_t> word_{idle};
  std::thread thread_{[this] { serve(); }};
};

}  // namespace

Asked queue_and_future() {
  return {"queue and future", [worker = std::make_shared<Worker<Promised>>()](Value x) {
            Promised question{x, {}};
            auto answer = question.out.get_future();
            worker->push(&question);
            return answer.get();
          }};
}

Asked queue_and_look() {
  return {"queue and look", [worker = std::make_shared<Worker<Looked>>()](Value x) {
            Looked question{x, {}};
            worker->push(&question);
            return question.out.wait();
          }};
}

Asked wake_and_spin() {
  return {"one futex wake", [woken = std::make_shared<Woken>()](Value x) { return woken->ask(x); }};
}

}  // namespace submitting
