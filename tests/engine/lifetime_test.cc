// Lifetime where it meets other things: memory that views show, programs that are replaced, shared libraries that go.
#include <dlfcn.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <thread>

#include "engine/frame.h"
#include "engine/plugin/plugin.h"
#include "support/check.h"
#include "support/steps.h"
#include "support/through_executor.h"
#include "tailrace/exec/pool.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

// Memory that views show; AddressSanitizer sees whoever looks at it after it was freed.
struct Buffer {
  std::unique_ptr<char[]> memory = std::make_unique<char[]>(64);
  std::atomic<int>* freed;
  explicit Buffer(std::atomic<int>* count) : freed(count) { std::memset(memory.get(), 'x', 64); }
  std::string_view text() const { return {memory.get(), 64}; }
  OnRelease goes() {
    return [this] {
      ++*freed;
      delete this;
    };
  }
};

long count(std::string_view text, const Context& context) {
  long n = 0;
  for (int i = 0; i < 50 && !context.stop_requested(); ++i) {
    for (char c : text) n += c == 'x';
    std::this_thread::yield();
  }
  return n >= 64 ? 64 : n;
}
long count_bytes(std::span<const char> bytes, const Context& context) {
  return count({bytes.data(), bytes.size()}, context);
}

}  // namespace

TEST_CASE("lifetime: memory under views goes when the last one has let go, under race and deadline") {
  std::atomic<int> freed{0};
  int asked = 0;
  {
    const auto pool = pool_executor(3).value();
    auto views =
        start(flow<std::string_view>("views",
                                     [](Stream<std::string_view> s) {
                                       return race(
                                           "r", s, count, [](std::string_view t) { return long(t.size()); }, count);
                                     }),
              {.max_in_flight = 16, .max_losers = 4, .executor = pool})
            .value();
    auto spans =
        start(flow<std::span<const char>>(
                  "spans", [](Stream<std::span<const char>> s) { return race("r", s, count_bytes, count_bytes); }),
              {.max_in_flight = 16, .max_losers = 4, .executor = pool})
            .value();
    for (int i = 0; i < 400; ++i, ++asked) {
      auto* b = new Buffer(&freed);
      const Request r{.within = i % 3 ? 0us : std::chrono::microseconds(i % 50), .on_release = b->goes()};
      switch (i % 4) {
        case 0: (void)views.run(b->text(), r); break;
        case 1: (void)views.submit(b->text(), r); break;  // the handle is dropped
        case 2: (void)spans.submit(std::span<const char>(b->memory.get(), 64), r).get(); break;
        default: (void)spans.submit(std::span<const char>(b->memory.get(), 64), r, [](Outcome<long>) {});
      }
    }
  }
  CHECK(freed == asked);
}

TEST_CASE("lifetime: an engine is destroyed while losers, waiting callers and callbacks are there") {
  for (int round = 0; round < 30; ++round) {
    std::atomic<int> freed{0}, called{0}, answered{0};
    int asked = 0;
    std::vector<std::thread> callers;
    const auto pool = std::make_shared<SeesWaiting>(pool_executor(3).value());
    std::optional<Engine<int, int>> engine(start(from_int([](Stream<int> s) {
                                                   const auto stays = [](int x, const Context& c) {
                                                     eventually([&] { return c.stop_requested(); });
                                                     return x % 2 ? x : throw std::runtime_error("late");
                                                   };
                                                   return race(
                                                       "r", s, stays, [](int x) { return x < 8 ? x : throw 1; }, stays);
                                                 }),
                                                 {.max_in_flight = 4, .max_losers = 4, .executor = pool})
                                               .value());
    for (int i = 0; i < 6; ++i) {
      auto* b = new Buffer(&freed);
      ++asked;
      if (!engine->submit(round % 2 ? i : 9, {.on_release = b->goes()}, [&](Outcome<int>) { ++called; })) ++called;
    }
    for (int t = 0; t < 2; ++t)
      callers.emplace_back([&] {
        const auto o = engine->run(9, {.within = 1h, .overload = Overload::wait});
        answered += !o && o.error().code() == Code::shutting_down;
      });
    // They are inside run(), where both wait: for room, or for the answer.
    CHECK(eventually([&] { return pool->has_waited(callers[0].get_id()) && pool->has_waited(callers[1].get_id()); }));
    engine.reset();
    for (auto& t : callers) t.join();
    CHECK(freed == asked);
    CHECK(called == 6);
    CHECK(answered == 2);
  }
}

TEST_CASE("lifetime: run inside a callback does everything there, and waits for nobody") {
  const auto pool = pool_executor(1).value();
  auto engine =
      start(from_int([](Stream<int> s) { return race("r", s.then("a", plus_one), same, bang).then("b", twice); }),
            {.executor = pool})
          .value();
  std::atomic<int> answer{0};
  engine
      .submit(1, {},
              [&](Outcome<int> o) {
                const auto here = std::this_thread::get_id();
                const auto p = engine.run(o.value_or(-1), {.within = 1h});
                answer = p && std::this_thread::get_id() == here ? *p : -1;
              })
      .value();
  CHECK(eventually([&] { return answer != 0; }));
  CHECK(answer == 10);
}

TEST_CASE("lifetime: exceptions from everywhere harm nobody else") {
  struct Log final : Observer {
    void on_event(const Event& e) noexcept override { failed += e.kind == Event::Kind::callback_failed; }
    std::atomic<int> failed{0};
  };
  const auto log = std::make_shared<Log>();
  int asked = 0;
  {
    auto engine =
        start(from_int([](Stream<int> s) {
                const auto moody = [](int x) { return x % 3 ? x : throw x; };
                const auto test = [](const int& x) -> bool { return x % 5 ? true : throw std::string("test"); };
                return choose(
                    "c", race("r", s, valid_if(test), moody, same),
                    [](int x) -> std::size_t { return x % 7 ? 0u : throw std::bad_alloc(); },
                    flow<int>("k", [=](Stream<int> x) { return cascade("k", x, exit_if(moody, test), moody); }), same);
              }),
              {.executor = pool_executor(2).value(), .observer = log})
            .value();
    for (int i = 0; i < 200; ++i, asked += 2) {
      const Request r{.on_release = [] { throw 1; }};
      const Status s = engine.submit(i, r, [](Outcome<int>) { throw std::runtime_error("callback"); });
      CHECK((s || s.error().code() == Code::overloaded));
      if (!s) --asked;
      (void)engine.run(i);
    }
    auto last = engine.run(11);
    REQUIRE(last);
    CHECK(*last == 11);
  }
  CHECK(log->failed == asked);
}

// ---- what stands in a frame

TEST_CASE("lifetime: what a request says stands in its frame, and is gone with it") {
  using namespace detail;
  const auto plan = optimise(from_int([](Stream<int> s) { return s.then("a", same); })).value();
  const auto core =
      EngineCore::start(plan.share(), {.max_in_flight = 1, .max_losers = 0}, pool_executor(1).value(), nullptr).value();
  std::stop_source source;
  const TimePoint stamp = Clock::now();
  int released = 0;
  Error refusal;
  {
    const FrameRef f = core.admit({.stream = 7,
                                   .stamp = stamp,
                                   .priority = -2,
                                   .stop = source.get_token(),
                                   .on_release = [&released] { ++released; }},
                                  refusal);
    REQUIRE(f);
    CHECK(f.get()->special);
    CHECK(f.get()->more.stream == 7);
    CHECK(f.get()->more.stamp == stamp);
    CHECK(f.get()->more.priority == -2);
    CHECK(f.get()->more.token.stop_possible());
    CHECK_FALSE(core.admit({.on_release = [&released] { released += 10; }}, refusal));
    CHECK(released == 10);
    CHECK(refusal.code() == Code::overloaded);
    CHECK(refusal.what().find("max_in_flight is 1; try again") != refusal.what().npos);
  }
  CHECK(released == 11);  // also where its input was never made
  const FrameRef plain = core.admit(refusal);
  CHECK_FALSE(plain.get()->special);
  CHECK_FALSE(plain.get()->more.token.stop_possible());
  CHECK_FALSE(plain.get()->more.on_release);
}

// ---- programs

TEST_CASE("lifetime: a plan is freed with its last request, and its place is used again") {
  const auto mine = std::make_shared<int>(1);
  const auto plan = [&](int n) {
    return optimise(from_int([=](Stream<int> s) { return s.then("a", [=](int x) { return x + n * *mine; }); })).value();
  };
  auto engine = start(plan(0), {.max_in_flight = 8, .executor = pool_executor(1).value()}).value();
  std::vector<Handle<int>> handles;
  for (int n = 1; n <= 6; ++n) {
    handles.push_back(engine.submit(100));
    CHECK(engine.replace(plan(n)).empty());
    CHECK(engine.run(100).value_or(-1) == 100 + n);
  }
  CHECK(mine.use_count() >= 1 + 7);  // six with answers that nobody has taken
  for (int n = 0; n < 6; ++n) CHECK(handles[static_cast<std::size_t>(n)].get().value_or(-1) == 100 + n);
  handles.clear();
  const auto used = mine.use_count();
  CHECK(eventually([&] { return mine.use_count() < used || used <= 3; }));
  for (int n = 0; n < 100; ++n) {
    CHECK(engine.replace(plan(n)).empty());
    CHECK(engine.run(1).value_or(-1) == 1 + n);
  }
  CHECK(mine.use_count() <= 4);
}

// ---- shared libraries

namespace {

struct Library {
  void* handle = dlopen(TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  template <class F>
  F* get(const char* name) const {
    return reinterpret_cast<F*>(dlsym(handle, name));
  }
  void close() {
    if (handle) dlclose(handle);
    handle = nullptr;
  }
  bool is_loaded() const {
    void* again = dlopen(TEST_PLUGIN, RTLD_NOW | RTLD_NOLOAD);
    if (again) dlclose(again);
    return again != nullptr;
  }
};

}  // namespace

TEST_CASE("lifetime: a plug-in that had an engine is unloaded while its handles are kept") {
  for (int round = 0; round < 3; ++round) {
    Library library;
    INFO((library.handle ? "" : dlerror()));
    REQUIRE(library.handle);
    std::vector<Handle<int>> handles;
    std::atomic<int> released{0};
    {
      auto* const make = library.get<plugin::Make>("plugin_make");
      REQUIRE(make);
      const std::unique_ptr<plugin::Service> service(make());
      for (int i = 0; i < 8; ++i) handles.push_back(service->submit(i, &released));
      REQUIRE(eventually([&] { return handles[0].ready() && handles[1].ready(); }));
    }
    CHECK(released == 8);
    library.close();
    CHECK_FALSE(library.is_loaded());
    int answered = 0;
    for (int i = 0; i < 8; ++i) {
      const auto o = handles[static_cast<std::size_t>(i)].get();
      answered += o && *o == i + 1;
      CHECK((o ? *o == i + 1 : o.error().code() == Code::shutting_down));
    }
    CHECK(answered >= 2);
  }
}
