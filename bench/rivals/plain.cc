#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "rivals/scenario.h"

namespace rivals {
namespace {

class PlainCalls final : public System {
 public:
  PlainCalls(std::shared_ptr<const Networks> networks, unsigned threads, Done done, std::function<Ask()> make_ask)
      : networks_(std::move(networks)), done_(std::move(done)), make_ask_(std::move(make_ask)), own_(make_ask_()) {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
  }
  ~PlainCalls() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& t : threads_) t.join();
  }
  std::uint32_t answer(std::uint32_t number) override { return own_(row(number)); }
  void send(std::uint32_t number) override {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(number);
    }
    wake_.notify_one();
  }
  // No queue: each thread takes the next number.
  std::uint64_t saturate(std::uint32_t count) override {
    std::atomic<std::uint32_t> next{0};
    std::atomic<std::uint64_t> sum{0};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < threads_.size(); ++i)
      threads.emplace_back([&] {
        const Ask ask = make_ask_();
        std::uint64_t mine = 0;
        for (std::uint32_t n; (n = next++) < count;) mine += ask(row(n));
        sum += mine;
      });
    for (auto& t : threads) t.join();
    return sum;
  }

 private:
  const Row& row(std::uint32_t number) const { return networks_->rows[number % networks_->rows.size()]; }
  void serve() {
    const Ask ask = make_ask_();
    while (true) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const std::uint32_t number = queue_.front();
      queue_.pop_front();
      lock.unlock();
      const std::uint32_t answer = ask(row(number));
      if (done_) done_(number, answer);
    }
  }

  const std::shared_ptr<const Networks> networks_;
  const Done done_;
  const std::function<Ask()> make_ask_;
  const Ask own_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::uint32_t> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<System> plain_calls(std::shared_ptr<const Networks> networks, unsigned threads, Done done,
                                    const std::function<Ask()>& make_ask) {
  return std::make_unique<PlainCalls>(std::move(networks), threads, std::move(done), make_ask);
}

}  // namespace rivals
