#include <tailrace/tailrace.h>

#include <atomic>
#include <memory>
#include <thread>

#include "overhead/engines.h"
#include "overhead/scenario.h"

namespace overhead {
namespace {

namespace tr = tailrace;
using Engine = tr::Engine<Value, Value>;

tr::StageOptions options_of(Queue queue) {
  switch (queue) {
    case Queue::none: return {};
    case Queue::serial: return {.serial = true};
    case Queue::limit: return {.limit = 2};
  }
  return {};
}
std::shared_ptr<Engine> start(const tr::Flow<Value, Value>& flow, const tr::EngineOptions& options) {
  return std::make_shared<Engine>(tr::start(flow, options).value());
}

// Requests in flight, each of which sends the next one from its callback.
class Circle {
 public:
  explicit Circle(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}

  Value run(long n) {
    sum_ = 0;
    left_ = in_flight;
    for (int k = 0; k < in_flight; ++k) send(seed + static_cast<Value>(k), length_of_row(n, k));
    for (auto left = left_.load(); left; left = left_.load()) left_.wait(left);
    return sum_;
  }

 private:
  void send(Value x, long more) {
    if (more == 0) return end(x);
    const auto status = engine_->submit(x, {}, [this, more](const tr::Outcome<Value>& o) { send(*o, more - 1); });
    if (!status) end(0);
  }
  void end(Value x) {
    sum_ += x;
    if (left_.fetch_sub(1) == 1) left_.notify_one();
  }

  const std::shared_ptr<Engine> engine_;
  std::atomic<Value> sum_{0};
  std::atomic<int> left_{0};
};

}  // namespace

Work station_chain(int length, Queue queue) {
  return [engine = start(chain(length, options_of(queue)), one_thread())](long n) {
    Value x = seed;
    for (long i = 0; i < n; ++i) x = *engine->run(x);
    return x;
  };
}

Work stations_in_flight(int length, Queue queue) {
  auto circle = std::make_shared<Circle>(start(chain(length, options_of(queue)), {.threads = 2}));
  return [circle](long n) { return circle->run(n); };
}

}  // namespace overhead
