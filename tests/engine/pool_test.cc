// The pool of frames.
#include "engine/pool.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "engine/frame.h"

using namespace tailrace::detail;

namespace {

struct Frames {
  Program program;
  explicit Frames(std::uint32_t count) {
    program.frame_bytes = sizeof(Frame);
    program.pool.allocate(program, count);
  }
  FramePool& operator*() { return program.pool; }
};

}  // namespace

TEST_CASE("pool: hands out each frame once, up to the limit") {
  Frames frames(4);
  FramePool& pool = *frames;
  std::vector<Frame*> out;
  for (int i = 0; i < 3; ++i) out.push_back(pool.take(3));
  CHECK(out[0] != out[1]);
  CHECK(out[1] != out[2]);
  CHECK(out[0] != out[2]);
  CHECK(pool.take(3) == nullptr);
  CHECK(pool.out() == 3);
  pool.give_back(out[1], false);
  CHECK(pool.take(3) == out[1]);
  CHECK(pool.take(100) != nullptr);
  CHECK(pool.take(100) == nullptr);  // no frame is left
}

TEST_CASE("pool: frames that losers hold make room for others") {
  Frames frames(4);
  FramePool& pool = *frames;
  Frame* held = pool.take(1);
  CHECK(pool.take(1) == nullptr);
  pool.hold();
  Frame* next = pool.take(1);
  CHECK(next != nullptr);
  CHECK(pool.take(1) == nullptr);
  pool.give_back(held, true);
  CHECK(pool.take(1) == nullptr);
  pool.give_back(next, false);
  CHECK(pool.out() == 0);
}

TEST_CASE("pool: no frame is ever with two threads") {
  Frames frames(3);  // few, so that they come back at once
  FramePool& pool = *frames;
  std::atomic<int> owned[3] = {};
  std::atomic<bool> twice{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 30000; ++i) {
        Frame* f = pool.take(100);
        if (!f) continue;
        auto& owner = owned[f->place - 1];
        if (++owner != 1) twice = true;
        --owner;
        pool.give_back(f, false);
      }
    });
  for (auto& t : threads) t.join();
  CHECK_FALSE(twice);
  CHECK(pool.out() == 0);
}
