// What requests take from the heap once an engine is warm: nothing, whatever becomes of them.
// checks: request-no-memory, error-no-memory
#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "support/check.h"
#include "support/steps.h"
#include "tailrace/exec/pool.h"
#include "tailrace/model/collate.h"
#include "tailrace/stages/early_exit.h"

// Sanitizers have a heap of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TAILRACE_FOREIGN_HEAP
#endif
#endif
#else
#define TAILRACE_FOREIGN_HEAP
#endif

#if !defined(TAILRACE_FOREIGN_HEAP) && defined(__GLIBC__)

namespace {
std::atomic<long> taken{0};  // blocks, by all threads
}

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void* malloc(std::size_t n) { return ++taken, __libc_malloc(n); }
void* calloc(std::size_t n, std::size_t size) { return ++taken, __libc_calloc(n, size); }
void* realloc(void* p, std::size_t n) { return ++taken, __libc_realloc(p, n); }
void* memalign(std::size_t align, std::size_t n) { return ++taken, __libc_memalign(align, n); }
void* aligned_alloc(std::size_t align, std::size_t n) { return ++taken, __libc_memalign(align, n); }
int posix_memalign(void** p, std::size_t align, std::size_t n) {
  ++taken;
  *p = __libc_memalign(align, n);
  return *p ? 0 : ENOMEM;
}
}

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

constexpr int rounds = 200;

// Blocks taken in `rounds` calls, after as many to warm up.
template <class F>
long taken_by(F once) {
  for (int i = 0; i < rounds; ++i) once();
  const long before = taken;
  for (int i = 0; i < rounds; ++i) once();
  return taken - before;
}

struct Ways {
  Engine<int, int> engine;
  std::atomic<int> called{0};

  explicit Ways(const Flow<int, int>& flow)
      : engine(tailrace::start(flow, {.executor = pool_executor(2).value()}).value()) {}
  // `allowed` blocks per request are the flow's own.
  void take_nothing(int in, long allowed = 0) {
    CHECK(taken_by([&] { (void)engine.run(in); }) <= allowed * rounds);
    CHECK(taken_by([&] { (void)engine.submit(in).get(); }) <= allowed * rounds);
    CHECK(taken_by([&] {
            const int seen = called;
            (void)engine.submit(in, {}, [this](Outcome<int>) { ++called; });
            eventually([&] { return called > seen; });
          }) <= allowed * rounds);
    CHECK(taken_by([&] { (void)engine.submit(in, {.within = 1h}).get(); }) <= allowed * rounds);
    CHECK(taken_by([&] { (void)engine.submit(in, {.within = 1us}).get(); }) <= allowed * rounds);
    CHECK(taken_by([&] {
            auto h = engine.submit(in);
            h.cancel();
            (void)h.get();
          }) <= allowed * rounds);
    std::stop_source source;
    std::atomic<int> released{0};
    const Request more{
        .stream = 1, .priority = 2, .stop = source.get_token(), .overload = Overload::wait, .on_release = [&released] {
          ++released;
        }};
    CHECK(taken_by([&] { (void)engine.run(in, more); }) <= allowed * rounds);
    CHECK(taken_by([&] { (void)engine.submit(in, more).get(); }) <= allowed * rounds);
    CHECK(eventually([&] { return released == 4 * rounds; }));
  }
};

Result<int> refuse(int) {
  return Error(Code::bad_value, "a sentence that is too long for any string to hold it in place");
}

}  // namespace

TEST_CASE("allocations: the counter counts") {
  CHECK(taken_by([] { ::operator delete(::operator new(1)); }) == rounds);
}
TEST_CASE("allocations: none on a straight line") {
  Ways(from_int([](Stream<int> s) {
    return join_with(
        "j", [](int a, int b) { return a + b; }, s.then("a", plus_one), s.then("b", twice));
  })).take_nothing(1);
}
TEST_CASE("allocations: none in combinators") {
  Ways w(from_int([](Stream<int> s) {
    const auto inner = flow<int>("inner", [](Stream<int> x) {
      return cascade("k", x, exit_if(refuse, always), exit_if(same, never_so), refuse);
    });
    return choose(
        "c", race("r", s, same, refuse, twice), [](int x) { return x % 2; }, inner, same);
  }));
  w.take_nothing(1);
  w.take_nothing(2);
}
TEST_CASE("allocations: none in a quorum") {
  Ways w(from_int([](Stream<int> s) { return quorum("q", 2, s, same, refuse, [](int x) { return x * x; }); }));
  w.take_nothing(1);
  w.take_nothing(3);  // no quorum
}
TEST_CASE("allocations: none in a hedge") {
  const auto again = [](auto f) { return stage(f, {.replicable = true}); };
  for (const PolicyUse& policy : {PolicyUse{"race_all"}, PolicyUse{"fixed", {{"delay_ms", 1000}}},
                                  PolicyUse{"adaptive"}, PolicyUse{"quantile"}, PolicyUse{"never"}}) {
    INFO(policy.name);
    Ways w(from_int([&](Stream<int> s) {
      return hedge("h", s, policy, again([](int x) { return x > 2 ? refuse(x) : Result<int>(x); }));
    }));
    w.take_nothing(1);
    w.take_nothing(3);  // both calls fail
  }
}
TEST_CASE("allocations: none at a cut-off") {
  for (const Duration left : {Duration(2h), Duration(1h - 20us), Duration(0)}) {
    Ways w(from_int([&](Stream<int> s) {
      const auto slow = [](int x) { return std::this_thread::sleep_for(30us), x; };
      return cascade("k", s, reserve(left), exit_if(same, never_so), exit_if(refuse, always), slow).then("b", same);
    }));
    w.take_nothing(1);
  }
}
TEST_CASE("allocations: none in a staged") {
  using Step = Exit<int, double>;
  Ways w(from_int([](Stream<int> s) {
    const auto first = [](int x) { return x < 2 ? Step::leave(x) : Step::go_on(x / 2.0); };
    const auto second = [](double x) -> Result<Step> {
      if (x > 2) return Error(Code::bad_value, "a sentence that is too long for any string to hold it in place");
      return Step::go_on(x);
    };
    return staged("n", s, first, second, [](double x) { return static_cast<int>(x); });
  }));
  for (int in : {1, 3, 9}) w.take_nothing(in);
}
TEST_CASE("allocations: none for those who wait for room") {
  auto engine = tailrace::start(from_int([](Stream<int> s) { return s.then("a", same); }),
                                {.max_in_flight = 1, .executor = pool_executor(1).value()})
                    .value();
  std::atomic<int> answered{0};
  int asked = 0;
  CHECK(taken_by([&] {
          ++asked;
          (void)engine.submit(1, {.overload = Overload::wait}, [&](Outcome<int>) { ++answered; });
        }) == 0);
  CHECK(eventually([&] { return answered == asked; }));
  CHECK(taken_by([&] {
          auto h = engine.submit(1, {.overload = Overload::wait});
          (void)engine.run(1);
          (void)engine.run(1, {.within = 1us, .overload = Overload::wait});
          (void)h.get();
        }) == 0);
}
TEST_CASE("allocations: none where values come later") {
  // Whoever completes is a thread of its own, which is handed one Completion after another.
  std::mutex mutex;
  std::vector<Completion<int>> kept;
  kept.reserve(1000);
  std::atomic<bool> over{false};
  std::thread completes([&] {
    while (!over) {
      std::this_thread::yield();
      const std::lock_guard lock(mutex);
      for (auto& done : kept) done.complete(1);
      kept.clear();
    }
  });
  {
    const auto hand_over = [&](const int&, Completion<int> done) {
      const std::lock_guard lock(mutex);
      kept.push_back(std::move(done));
    };
    const auto at_once = [](const int& x, Completion<int> done) { done.complete(x); };
    const auto fails = [](const int&, Completion<int> done) {
      done.fail({Code::bad_value, "a sentence that is too long for any string to hold it in place"});
    };
    const auto drops = [](const int&, Completion<int>) {};
    Ways(from_int([&](Stream<int> s) {
      return s.then("a", hand_over).then("b", stage(hand_over, {.serial = true}));
    })).take_nothing(1);
    Ways(from_int([&](Stream<int> s) {
      return cascade("k", s, exit_if(fails, always), exit_if(drops, always), at_once);
    })).take_nothing(1);
  }
  over = true;
  completes.join();
}
TEST_CASE("allocations: none where requests wait for their turn") {
  const auto batch = [](Batch<int, int>& rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) rows.put(i, rows.in(i));
  };
  const auto sum = [](int& total, const int& x) { return total += x; };
  Ways(from_int([&](Stream<int> s) {
    return s.then("a", stage(plus_one, {.serial = true}))
        .then("b", batch)
        .then("t", stage(batch, {.batch = {"table"}}))
        .then("c", stateful<int>(sum))
        .then("d", stateful<int>(sum, {.per_stream = true, .max_streams = 2}))
        .then("e", stage(refuse, {.limit = 2}));
  })).take_nothing(1);
  auto engine = tailrace::start(from_int([&](Stream<int> s) {
                                  return s.then("a", stateful<int>(sum, {.per_stream = true, .max_streams = 4}));
                                }),
                                {.executor = pool_executor(2).value()})
                    .value();
  std::uint64_t stream = 0;
  // Beyond max_streams a stream takes over the memory of the one used longest ago, but for the state itself.
  CHECK(taken_by([&] { (void)engine.run(1, {.stream = ++stream % 16}); }) <= rounds);
}
TEST_CASE("allocations: none where rows share calls of a model") {
  struct Same final : Model {
    Status run(std::span<const Tensor> in, std::span<Tensor> out) const noexcept override {
      if (in[0].as<float>()[0] < 0) return Error(Code::bad_value, "takes nothing negative");
      out[0] = in[0];
      return {};
    }
    bool batched() const noexcept override { return true; }
    std::string describe() const override { return "the same"; }
  };
  const Same model;
  RowCalls calls;
  float small[] = {1, 2}, large[] = {1, 2, 3}, bad[] = {-1, 2};
  const auto view = [](auto& row) {
    return Tensor::view(row, DType::float32, {static_cast<std::int64_t>(std::size(row))});
  };
  for (const bool pad : {false, true})
    for (const std::size_t rows : {2, 5, 32})
      CHECK(taken_by([&] {
              calls.begin(rows, rows);
              for (std::size_t i = 0; i < rows; ++i)
                calls.put(i, i % 3 == 0 ? view(bad) : i % 3 == 1 ? view(small) : view(large));
              calls.run(model, pad);
              for (std::size_t i = 0; i < rows; ++i) CHECK((calls.failed(i) != nullptr) == (i % 3 == 0));
              calls.end();
            }) == 0);
}
TEST_CASE("allocations: early exits take their answers and who is left, and nothing for features") {
  // Scores and features that were made beforehand; both classes are as probable.
  struct Ready final : Model {
    Status run(std::span<const Tensor>, std::span<Tensor> out) const noexcept override {
      out[0] = scores;
      if (out.size() > 1) out[1] = features;
      return {};
    }
    bool batched() const noexcept override { return true; }
    std::string describe() const override { return "ready"; }
    Tensor scores = Tensor::zeros(DType::float32, {3, 2}), features = Tensor::zeros(DType::float32, {3, 4});
  };
  const auto net = std::make_shared<Ready>();
  const auto in = Tensor::zeros(DType::float32, {3, 4});
  const auto blocks = [&](double first, double second) {
    auto engine =
        tailrace::start(flow<Tensor>("f",
                                     [&](Stream<Tensor> s) {
                                       return staged("n", s, stages::first_segment(net, first),
                                                     stages::next_segment(net, second), stages::last_segment(net));
                                     }),
                        {.executor = pool_executor(2).value()})
            .value();
    CHECK(engine.run(in)->exits.size() == 3);
    return taken_by([&] { (void)engine.run(in); });
  };
  // Scores and their owner, exits, rows; and the rows that stay for each test that was made.
  CHECK(blocks(.5, .5) == 5 * rounds);
  CHECK(blocks(.6, .5) == 6 * rounds);
  CHECK(blocks(.6, .6) == 6 * rounds);
}
TEST_CASE("allocations: none for errors") {
  Ways(from_int([](Stream<int> s) { return s.then("a", refuse); })).take_nothing(1);
  Ways(from_int([](Stream<int> s) { return race("r", s, refuse, refuse); })).take_nothing(1);
  Ways(from_int([](Stream<int> s) { return choose("c", s, same, same, same); })).take_nothing(7);
  Ways(from_int([](Stream<int> s) {
    return s.then("a", [](int) -> int { throw 7; });
  })).take_nothing(1, 1);  // the exception itself
}
TEST_CASE("allocations: each takes its vectors and nothing else") {
  Ways(from_int([](Stream<int> s) {
    return each("e", s.then("v", [](int n) { return std::vector<int>(static_cast<std::size_t>(n)); }), plus_one)
        .then("n", [](const std::vector<int>& v) { return static_cast<int>(v.size()); });
  })).take_nothing(20, 2);
  Ways(from_int([](Stream<int> s) {
    const auto element = flow<int>("element", [](Stream<int> x) {
      return hedge("h", x, {"fixed", {{"delay_ms", 1000}}}, stage(plus_one, {.replicable = true}));
    });
    return each("e", s.then("v", [](int n) { return std::vector<int>(static_cast<std::size_t>(n)); }), element)
        .then("n", [](const std::vector<int>& v) { return static_cast<int>(v.size()); });
  })).take_nothing(20, 2);
}
TEST_CASE("allocations: none in ticks") {
  const auto ticks_take_nothing = [](const Flow<int, int>& flow) {
    auto engine = tailrace::start(flow, {.threads = 0}).value();
    int called = 0;
    CHECK(taken_by([&] {
            auto plain = engine.submit(1), timed = engine.submit(1, {.within = 1h}),
                 late = engine.submit(1, {.within = 1us});
            (void)engine.submit(1, {}, [&](Outcome<int>) { ++called; });
            while (engine.tick(Duration{}).left) {
            }
            (void)plain.get(), (void)timed.get(), (void)late.get();
          }) == 0);
    CHECK(called == 2 * rounds);
    CHECK(taken_by([&] { (void)engine.submit(1).get(); }) == 0);
  };
  ticks_take_nothing(from_int([](Stream<int> s) {
    const auto v = s.then("a", plus_one).then("b", twice);
    return cascade("k", race("r", v, refuse, same), exit_if(refuse, always), same);
  }));
  ticks_take_nothing(from_int([](Stream<int> s) {
    const auto again = stage(same, {.replicable = true});
    const auto v = hedge("h", s.then("one at a time", stage(plus_one, {.serial = true})), {"adaptive"}, again);
    const auto later = v.then("later", [](int x, Completion<int> done) { done.complete(x); });
    const auto agreed = quorum("q", 2, hedge("g", later, {"fixed", {{"delay_ms", 1000}}}, again), same, same, twice);
    return cascade("k", agreed, reserve(1ms), exit_if(same, never_so), twice).then("end", same);
  }));
}

#endif
