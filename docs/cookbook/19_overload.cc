// More requests than can be served: what would be late is refused, so that the rest is in time.
#include <tailrace/sim/service.h>
#include <tailrace/sim/simulate.h>
#include <tailrace/tailrace.h>

#include <chrono>
#include <cstdio>
#include <vector>

namespace tr = tailrace;
using namespace std::chrono_literals;

// A stage that two requests may be in at a time, and that takes 1 ms on average: 2000 requests a second.
tr::Flow<int, int> two_at_a_time() {
  return tr::flow<int>("label", [](tr::Stream<int> image) {
    auto label = tr::sim::service<int>(tr::sim::exponential(1ms), {.seed = 5, .holds_worker = false});
    return image.then("label", tr::stage(label, {.limit = 2}));
  });
}

void under_load(double rate, bool shed) {
  const auto report = tr::sim::simulate(tr::optimise(two_at_a_time()).value(),
                                        tr::sim::Workload<int>{tr::load::Poisson{rate}, {}, {.within = 20ms}},
                                        {.seed = 1, .requests = 20000, .shed = shed})
                          .value();
  const auto share = [&](tr::Code code) { return 100. * double(report.count(code)) / double(report.requests); };
  std::printf("%4.0f a second, shed %-3s  in time %5.1f %%, refused %4.1f %%, late %4.1f %%\n", rate,
              shed ? "yes" : "no", share(tr::Code::none), share(tr::Code::would_miss),
              share(tr::Code::deadline_missed));
}

// A camera of which only the newest picture counts: older ones that have not begun make room.
void newest_only() {
  const auto time = tr::sim::virtual_time({}).value();
  auto engine = tr::start(two_at_a_time(), {.max_in_flight = 4, .executor = time}).value();
  std::vector<tr::Handle<int>> pictures;
  for (int i = 0; i < 8; ++i) {
    pictures.push_back(engine.submit(i, {.stream = 1, .id = std::uint64_t(i), .overload = tr::Overload::latest}));
    time->run_for(1us);
  }
  std::printf("pictures");
  for (auto& picture : pictures) {
    const auto outcome = picture.get();
    std::printf(" %s", outcome ? std::to_string(*outcome).c_str() : std::string(name(outcome.error().code())).c_str());
  }
  std::printf("\n");
}

// A burst: who would have to wait too long is told when to ask again.
void ask_again() {
  const auto time = tr::sim::virtual_time({}).value();
  auto engine = tr::start(two_at_a_time(), {.executor = time}).value();
  const tr::Request soon{.within = 20ms};
  for (std::uint64_t i = 0; i < 200; ++i) (void)engine.run(0, {.within = 1s, .id = i});  // it learns
  std::vector<tr::Handle<int>> burst;
  tr::Duration later{};
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    auto handle = engine.submit(i, soon);
    time->run_for(1us);
    if (!handle.ready()) {
      burst.push_back(std::move(handle));
    } else if (const auto outcome = handle.get(); !outcome) {
      ++refused;
      later = outcome.error().retry_after();
    }
  }
  std::printf("of 60 at once %d wait, %d are refused; ask again after %d ms\n", int(burst.size()), refused,
              int(std::chrono::round<std::chrono::milliseconds>(later).count()));
  time->run_for(later);
  const auto outcome = engine.run(0, soon);
  std::printf("then: %s\n", outcome ? "answered" : std::string(name(outcome.error().code())).c_str());
}

int main() {
  for (const double rate : {1000., 2000., 4000., 6000.})
    for (const bool shed : {false, true}) under_load(rate, shed);
  newest_only();
  ask_again();
}
