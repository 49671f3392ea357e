#include "support/pause.h"

#include <cstdlib>
#include <thread>

#include "support/elsewhere.h"
#include "tailrace/exec/pool.h"
#include "tailrace/exec/tick.h"
#include "tailrace/sim/virtual_time.h"
#if TAILRACE_HAS_TBB
#include "tailrace/exec/tbb.h"
#endif

namespace tailrace::test {
namespace {

void add(std::vector<Setting>& list, const std::string& name, unsigned threads, std::shared_ptr<Executor> executor) {
  for (bool rewrites : {true, false})
    list.push_back({name + (rewrites ? "" : ", not fused"), executor, threads, rewrites});
}

// A host that has a thread to spare for an executor that has none.
class Host {
 public:
  explicit Host(std::shared_ptr<Executor> executor) : executor_(std::move(executor)), thread_([this] { loop(); }) {}
  ~Host() {
    over_ = 1;
    executor_->wake(over_);
    thread_.join();
  }
  const std::shared_ptr<Executor>& executor() const noexcept { return executor_; }

 private:
  void loop() noexcept {
    while (!over_)
      if (executor_->tick(std::chrono::milliseconds(1)).ran == 0)
        executor_->wait(over_, 0, executor_->now() + std::chrono::milliseconds(1));
  }
  std::shared_ptr<Executor> executor_;
  std::atomic<std::uint32_t> over_{0};
  std::thread thread_;
};

void add_threadless(std::vector<Setting>& list) {
  static Host host(tick_executor().value());
  add(list, "no thread but a host's", 1, host.executor());
  const auto tick = tick_executor().value();
  add(list, "no thread", 0, tick);
  for (Setting& s : list) {
    if (s.executor == tick) s.meanwhile = [tick] { tick->tick({}); };
    if (s.executor == tick || s.executor == host.executor()) s.on_the_clock = false;
  }
}

void add_virtual(std::vector<Setting>& list) {
  for (unsigned workers : {1u, 4u}) {
    const auto time = sim::virtual_time({.workers = workers}).value();
    add(list, "virtual time, " + std::to_string(workers) + " workers", workers, time);
    for (Setting& s : list)
      if (s.executor == time) s.meanwhile = [time] { time->step(); }, s.on_the_clock = false, s.virtual_time = true;
  }
}

std::vector<Setting> make_settings() {
  std::vector<Setting> list;
  add(list, "threads of its own", 2, nullptr);
  for (unsigned threads : {1u, 2u, 4u}) {
    auto pool = pool_executor(threads).value();
    add(list, "pool of " + std::to_string(threads), threads, pool);
    if (threads == 2) list.push_back({"pool of 2, races in order", pool, 2, true, 0});
    if (threads == 2) list.push_back({"pool of 2, joins forked", pool, 2, true, 256, true});
    if (threads == 2) list.push_back({.name = "pool of 2, traced", .executor = pool, .traced = true});
  }
#if TAILRACE_HAS_TBB
  static oneapi::tbb::task_arena arena(2, 1);
  add(list, "the user's oneTBB arena", 1, tbb_executor(arena));
  add(list, "oneTBB with 2 threads", 2, tbb_executor(2).value());
#endif
  add_threadless(list);
  add_virtual(list);
  return list;
}

}  // namespace

void fork_every_join(const Graph& graph, GraphChoices& choices) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    choices.fork[i] = graph.nodes[i].kind == Kind::join;
    for (std::size_t arm = 0; arm < graph.nodes[i].arms.size(); ++arm)
      fork_every_join(*graph.nodes[i].arms[arm].graph, choices.arms[i][arm]);
  }
}

std::shared_ptr<Observer> asks_for_stages() {
  struct Asks final : Observer {
    void on_event(const Event& e) noexcept override {
      const bool timed = e.kind == Event::Kind::refused || e.kind == Event::Kind::callback_failed || e.request > 0;
      if (!timed || e.at < e.began) std::abort();  // a broken mark, in whatever case
    }
    Detail detail() const noexcept override { return Detail::stages; }
  };
  return std::make_shared<Asks>();
}

const std::vector<Setting>& settings() {
  static const std::vector<Setting> list = make_settings();
  return list;
}

void pause(const Setting& setting, Duration duration) {
  if (setting.virtual_time) std::static_pointer_cast<sim::VirtualTime>(setting.executor)->run_for(duration);
  else std::this_thread::sleep_for(duration);
}

void after(const Setting& setting, Duration duration, std::function<void()> f) {
  if (setting.virtual_time)
    return std::static_pointer_cast<sim::VirtualTime>(setting.executor)->call_after(duration, std::move(f));
  elsewhere().post([duration, f = std::move(f)] {
    std::this_thread::sleep_for(duration);
    f();
  });
}

std::string_view name(Way way) {
  switch (way) {
    case Way::run: return "run";
    case Way::run_in_a_stage: return "run in a stage";
    case Way::handle: return "handle";
    case Way::callback: return "callback";
  }
  return "";
}

}  // namespace tailrace::test
