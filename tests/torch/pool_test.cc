#include "torch/pool.h"

#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

using tailrace::torch::detail::Pool;

namespace {

// Counts those that live.
struct Counted {
  explicit Counted(int& count) : alive(&count) { ++*alive; }
  Counted(Counted&& other) noexcept : alive(other.alive) { ++*alive; }
  ~Counted() { --*alive; }
  int* alive;
  std::string text = {};
};

}  // namespace

TEST_CASE("a pool lends what came back, as it is") {
  int alive = 0, made = 0;
  {
    Pool<Counted> pool(2);
    const auto take = [&] { return pool.take([&] { return ++made, Counted(alive); }); };
    auto a = take();
    a->text = "first";
    const Counted* const where = a.get();
    CHECK(pool.waiting() == 0);
    std::weak_ptr<Counted> weak = a;
    std::shared_ptr<void> other = a;
    a.reset();
    CHECK(pool.waiting() == 0);
    other.reset();
    CHECK(weak.expired());
    CHECK(pool.waiting() == 0);  // the weak_ptr still counts
    weak.reset();
    CHECK(pool.waiting() == 1);
    a = take();
    CHECK(a.get() == where);
    CHECK(a->text == "first");
    CHECK(made == 1);
    SECTION("and no more than it may keep") {
      auto b = take(), c = take(), d = take();
      a.reset(), b.reset(), c.reset(), d.reset();
      CHECK(pool.waiting() == 2);
      CHECK(alive == 2);
    }
  }
  CHECK(alive == 0);
}

TEST_CASE("what is out when a pool goes lives on") {
  int alive = 0;
  std::shared_ptr<Counted> last;
  {
    Pool<Counted> pool;
    last = pool.take([&] { return Counted(alive); });
    pool.take([&] { return Counted(alive); });
    CHECK(alive == 2);
  }
  CHECK(alive == 1);
  last->text = "still here";
  last.reset();
  CHECK(alive == 0);
}

TEST_CASE("threads never get the same one") {
  Pool<int> pool;
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5000; ++i) {
        const auto mine = pool.take([] { return 0; });
        *mine = t;
        std::this_thread::yield();
        wrong[t] += *mine != t;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4));
  CHECK(pool.waiting() <= 4);
}
