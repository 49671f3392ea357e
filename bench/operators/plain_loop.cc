#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "operators/scenario.h"

namespace operators {
namespace {

class Loop final : public System {
 public:
  Loop(const std::array<Operator, count>& chain, unsigned threads, Done done)
      : chain_(chain.begin(), chain.end()), done_(std::move(done)) {
    while (threads_.size() < threads) threads_.emplace_back([this] { serve(); });
  }
  ~Loop() override {
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
    }
    some_.notify_all();
    for (auto& t : threads_) t.join();
  }
  std::uint32_t answer(std::uint32_t seed) override {
    Values v = input_of(seed);
    for (const auto& f : chain_) f(v);
    return answer_of(v);
  }
  void send(std::uint32_t number) override {
    {
      std::lock_guard lock(mutex_);
      open_.push_back(number);
    }
    some_.notify_one();
  }

 private:
  void serve() {
    for (;;) {
      std::unique_lock lock(mutex_);
      some_.wait(lock, [&] { return ending_ || !open_.empty(); });
      if (open_.empty()) return;
      const std::uint32_t number = open_.front();
      open_.pop_front();
      lock.unlock();
      volatile std::uint32_t needed = answer(number);
      static_cast<void>(needed);
      done_(number);
    }
  }

  const std::vector<std::function<void(Values&)>> chain_;
  const Done done_;
  std::mutex mutex_;
  std::condition_variable some_;
  std::deque<std::uint32_t> open_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<System> loop(const std::array<Operator, count>& chain, unsigned threads, Done done) {
  return std::make_unique<Loop>(chain, threads, std::move(done));
}

}  // namespace operators
