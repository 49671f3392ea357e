#pragma once
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <ucontext.h>
#include <vector>

#include "tailrace/core/atomic.h"

// Runs small cases under every order of accesses to what threads share. The engine's sources are compiled once more for
// this program, with an Atomic that calls point() before each access. Threads are stacks of their own that one real
// thread runs in turn: at each point the schedule says who goes on. What is explored are orders; that an order of
// memory is weaker than sequential is for ThreadSanitizer.
namespace tailrace::interleave {

// A sequence of decisions, each between 0 (the thread that runs goes on) and `of` - 1 (another one does).
struct Decision {
  std::uint16_t taken = 0, of = 1;
  bool preempts = false;  // the thread that runs could have gone on
};
using Path = std::vector<Decision>;

// The decisions other than 0, as "position:decision" with spaces between.
std::string in_words(const Path& path);
std::vector<std::pair<std::size_t, std::uint16_t>> from_words(const std::string& words);

// The threads of one execution. Made once, for all executions.
class Schedule {
 public:
  using Pick = std::function<std::uint16_t(std::size_t position, const Decision&)>;

  Schedule();
  ~Schedule();
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  // Runs the threads' bodies, one at a time, until all have returned. What the first of them threw comes out of it.
  void run(std::vector<std::function<void()>> bodies, Pick pick);
  // Every decision since restart(), of all runs of one execution.
  const Path& path() const noexcept { return path_; }
  void restart() noexcept { path_.clear(); }

  // ---- for the thread that runs

  static constexpr std::size_t none = ~std::size_t{0};
  std::size_t current() const noexcept;  // its number, in the order of bodies; `none` outside of run()
  void point() noexcept;
  // Others go on until `ready()`. Nobody can go on: the process ends, and the schedule is printed.
  void block(std::function<bool()> ready) noexcept;

 private:
  struct Thread;
  static void enter() noexcept;  // what runs on a stack
  void hand_over(std::size_t from, bool can_go_on) noexcept;
  void switch_to(Thread& from, Thread& to) noexcept;
  [[noreturn]] void stuck(const char* why) noexcept;

  std::vector<std::unique_ptr<Thread>> threads_;
  std::unique_ptr<Thread> outside_;  // whoever called run()
  std::size_t used_ = 0;
  std::exception_ptr thrown_;
  Pick pick_;
  Path path_;
};

// What became of exploring a case.
struct Explored {
  std::size_t executions = 0;
  bool complete = false;  // every schedule within the bound on preemptions was run
  std::string failure;    // of the first execution that failed, with the schedule that shows it again
};
struct Bounds {
  unsigned preemptions = 3;         // at most; fewer are tried first
  std::size_t executions = 10'000;  // at most, with each number of preemptions
  std::size_t random_walks = 5000;  // further ones, each with as many preemptions as come
  std::uint64_t seed = 1;
};

// Runs `once` under one schedule after another; it throws where something is wrong, and uses schedule() meanwhile.
// With TAILRACE_SCHEDULE in the environment only that one is run.
Explored explore(const std::function<void(const Schedule::Pick&)>& once, const Bounds& bounds = {});
Schedule& schedule();

}  // namespace tailrace::interleave
