#include "interleave/world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace tailrace::interleave {
// ---- the executor's threads

void SteeredExecutor::work() noexcept {
  for (;;) {
    schedule().block([this] { return !tasks_.empty() || quiet(); });
    if (tasks_.empty()) return;
    Task* const task = tasks_.front();
    tasks_.pop_front();
    ++busy_;
    task->run(*task);
    --busy_;
  }
}

void SteeredExecutor::tell_time() noexcept {
  for (;;) {
    schedule().block([this] { return next_event() != never || quiet(); });
    if (quiet()) return;
    ++busy_;
    now_ = std::max(now_, next_event());
    point();
    fire_due();
    --busy_;
  }
}

TimePoint SteeredExecutor::next_event() const noexcept {
  TimePoint next = never;
  for (const Timer* t : timers_) next = std::min(next, t->due);
  for (const Waiter* w : waiters_)
    if (w->until > now_) next = std::min(next, w->until);
  return next;
}

void SteeredExecutor::fire_due() noexcept {
  for (;;) {
    const auto due = std::find_if(timers_.begin(), timers_.end(), [&](const Timer* t) { return t->due <= now_; });
    if (due == timers_.end()) return;
    Timer* const timer = *due;
    timers_.erase(due);
    timer->fire(*timer);
  }
}

// ---- Executor

TimePoint SteeredExecutor::now() const noexcept { return point(), now_; }

void SteeredExecutor::spawn(Task& task) noexcept {
  point();
  tasks_.push_back(&task);
}

void SteeredExecutor::wake_at(TimePoint due, Timer& timer) noexcept {
  point();
  timer.due = due;
  timers_.push_back(&timer);
}

bool SteeredExecutor::cancel(Timer& timer) noexcept {
  point();
  return std::erase(timers_, &timer) == 1;
}

bool SteeredExecutor::on_worker() const noexcept {
  const auto me = schedule().current();
  return me >= first_worker && me < first_worker + workers_;
}

// As the system does it: looks and falls asleep in one step, and is woken by the address.
void SteeredExecutor::wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept {
  if (schedule().current() == Schedule::none) {  // destruction at the end, when everything should be quiet
    if (++waits_ < 1000) return;
    std::fprintf(stderr, "a frame, a task or a timer was left, with TAILRACE_SCHEDULE=\"%s\"\n",
                 in_words(schedule().path()).c_str());
    std::_Exit(1);
  }
  point();
  if (word.load() != seen || now_ >= until) return;
  Waiter me{&word, until};
  waiters_.push_back(&me);
  schedule().block([&] { return me.woken || now_ >= me.until; });
  std::erase(waiters_, &me);
}

void SteeredExecutor::wake(const std::atomic<std::uint32_t>& word) noexcept {
  point();
  for (Waiter* w : waiters_) w->woken = w->woken || w->word == &word;
}

// ---- World

void World::run(std::vector<std::function<void()>> callers) {
  std::size_t left = callers.size();
  std::vector<std::function<void()>> bodies;
  for (auto& caller : callers)
    bodies.push_back([&left, call = std::move(caller)] {
      struct Done {
        std::size_t& left;
        ~Done() { --left; }
      } done{left};  // also where a check throws
      call();
    });
  executor->callers_done = [&left] { return left == 0; };
  executor->first_worker = bodies.size();
  for (unsigned i = 0; i < executor->concurrency(); ++i) bodies.push_back([this] { executor->work(); });
  bodies.push_back([this] { executor->tell_time(); });
  schedule().run(std::move(bodies), pick_);
  executor->callers_done = [] { return true; };
  test::check(executor->armed() == 0, "a timer was left");
}

}  // namespace tailrace::interleave
