#include "interleave/schedule.h"

#include <cxxabi.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <sstream>
#include <utility>

#include "engine/drive.h"

#if defined(__SANITIZE_ADDRESS__)
#define TAILRACE_STACKS_ARE_TOLD
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TAILRACE_STACKS_ARE_TOLD
#endif
#endif
#if defined(TAILRACE_STACKS_ARE_TOLD)
#include <sanitizer/common_interface_defs.h>
#endif

namespace tailrace::interleave {
namespace {

constexpr std::size_t most_points = 200'000;
constexpr std::size_t stack_bytes = 256 * 1024;
std::size_t me = 0;  // number + 1 of the running thread; 0: none of a schedule's

}  // namespace

std::string in_words(const Path& path) {
  std::string words;
  for (std::size_t i = 0; i < path.size(); ++i)
    if (path[i].taken) words += (words.empty() ? "" : " ") + std::to_string(i) + ":" + std::to_string(path[i].taken);
  return words;
}

std::vector<std::pair<std::size_t, std::uint16_t>> from_words(const std::string& words) {
  std::vector<std::pair<std::size_t, std::uint16_t>> all;
  std::istringstream in(words);
  std::size_t position = 0;
  std::uint16_t taken = 0;
  for (char colon; in >> position >> colon >> taken;) all.emplace_back(position, taken);
  return all;
}

Schedule& schedule() {
  static Schedule all;
  return all;
}

void point() noexcept { schedule().point(); }
void wait_while(const bool& taken) noexcept {
  if (taken) schedule().block([&taken] { return !taken; });
}

// ---- one execution

// A stack, and what a real thread would have of its own: which exceptions are being handled, and how many tasks of
// engines it is inside of.
struct Schedule::Thread {
  ucontext_t context{};
  std::unique_ptr<char[]> stack;
  std::function<void()> body;
  std::function<bool()> ready;  // empty: can go on
  bool done = true;
  unsigned char exceptions[sizeof(void*) + sizeof(unsigned)] = {};
  unsigned tasks = 0;
  // For the sanitizer.
  const void* bottom = nullptr;
  std::size_t size = 0;
  void* fake_stack = nullptr;
};

Schedule::Schedule() : outside_(std::make_unique<Thread>()) {}
Schedule::~Schedule() = default;

std::size_t Schedule::current() const noexcept { return me ? me - 1 : none; }

void Schedule::run(std::vector<std::function<void()>> bodies, Pick pick) {
  used_ = bodies.size();
  while (threads_.size() < used_) {
    threads_.push_back(std::make_unique<Thread>());
    threads_.back()->stack = std::make_unique<char[]>(stack_bytes);
  }
  pick_ = std::move(pick);
  thrown_ = nullptr;
  for (std::size_t i = 0; i < used_; ++i) {
    Thread& t = *threads_[i];
    t.body = std::move(bodies[i]);
    t.ready = nullptr;
    t.done = false;
    t.tasks = 0;
    std::memset(t.exceptions, 0, sizeof t.exceptions);
    getcontext(&t.context);
    t.context.uc_stack.ss_sp = t.stack.get();
    t.context.uc_stack.ss_size = stack_bytes;
    t.context.uc_link = nullptr;
    t.bottom = t.stack.get();
    t.size = stack_bytes;
    t.fake_stack = nullptr;
    makecontext(&t.context, reinterpret_cast<void (*)()>(enter), 0);
  }
  hand_over(used_, false);
  if (thrown_) std::rethrow_exception(thrown_);
}

void Schedule::enter() noexcept {
  Schedule& all = schedule();
  const std::size_t number = me - 1;
  Thread& mine = *all.threads_[number];
#if defined(TAILRACE_STACKS_ARE_TOLD)
  Thread& outside = *all.outside_;
  const void* bottom = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &size);
  if (!outside.bottom) outside.bottom = bottom, outside.size = size;  // the first switch is from there
#endif
  try {
    mine.body();
  } catch (...) {
    if (!all.thrown_) all.thrown_ = std::current_exception();
  }
  mine.body = nullptr;
  mine.done = true;
  all.hand_over(number, false);
  std::abort();  // nobody comes back here
}

void Schedule::switch_to(Thread& from, Thread& to) noexcept {
  auto* const exceptions = reinterpret_cast<unsigned char*>(abi::__cxa_get_globals());
  std::memcpy(from.exceptions, exceptions, sizeof from.exceptions);
  std::memcpy(exceptions, to.exceptions, sizeof to.exceptions);
  from.tasks = std::exchange(detail::tasks_running, to.tasks);
#if defined(TAILRACE_STACKS_ARE_TOLD)
  __sanitizer_start_switch_fiber(&from == outside_.get() || !from.done ? &from.fake_stack : nullptr, to.bottom,
                                 to.size);
#endif
  swapcontext(&from.context, &to.context);
#if defined(TAILRACE_STACKS_ARE_TOLD)
  __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
}

void Schedule::hand_over(std::size_t from, bool can_go_on) noexcept {
  std::size_t able[16];
  std::size_t count = 0, done = 0;
  if (can_go_on) able[count++] = from;
  for (std::size_t i = 0; i < used_; ++i) {
    const Thread& t = *threads_[i];
    done += t.done;
    if (!t.done && !(can_go_on && i == from) && (!t.ready || t.ready())) able[count++] = i;
  }
  Thread& mine = from < used_ ? *threads_[from] : *outside_;
  if (done == used_) {
    me = 0;
    return switch_to(mine, *outside_);
  }
  if (count == 0) stuck("nobody can go on");
  std::size_t next = able[0];
  if (count > 1) {
    if (path_.size() >= most_points) stuck("it does not end");
    Decision d{0, static_cast<std::uint16_t>(count), can_go_on};
    d.taken = pick_(path_.size(), d);
    if (d.taken >= count) stuck("the schedule is another case's, or the case is not the same every time");
    path_.push_back(d);
    next = able[d.taken];
  }
  threads_[next]->ready = nullptr;
  if (next == from) return;
  me = next + 1;
  switch_to(mine, *threads_[next]);
}

void Schedule::point() noexcept {
  if (me) hand_over(me - 1, true);
}

void Schedule::block(std::function<bool()> ready) noexcept {
  threads_[me - 1]->ready = std::move(ready);
  hand_over(me - 1, false);
}

void Schedule::stuck(const char* why) noexcept {
  std::fprintf(stderr, "%s, with TAILRACE_SCHEDULE=\"%s\"\n", why, in_words(path_).c_str());
  std::fflush(stderr);
  std::_Exit(1);
}

// ---- many

namespace {

// The next path in order within the bound on preemptions; false: that was the last.
bool next_path(Path& path, unsigned preemptions) {
  while (!path.empty()) {
    Decision& last = path.back();
    unsigned before = 0;
    for (std::size_t i = 0; i + 1 < path.size(); ++i) before += path[i].preempts && path[i].taken;
    const bool affordable = !last.preempts || before < preemptions;
    if (affordable && last.taken + 1 < last.of) return ++last.taken, true;
    path.pop_back();
  }
  return false;
}

// Empty: nothing was wrong.
std::string failure_of(const std::function<void(const Schedule::Pick&)>& once, const Schedule::Pick& pick) {
  schedule().restart();
  try {
    once(pick);
    return "";
  } catch (const std::exception& e) {
    return std::string(e.what()) + "\nagain: TAILRACE_SCHEDULE=\"" + in_words(schedule().path()) + "\"";
  }
}

// One path after another, the latest decision first.
void explore_within(const std::function<void(const Schedule::Pick&)>& once, unsigned preemptions, std::size_t most,
                    Explored& all) {
  Path path;
  all.complete = false;
  for (std::size_t i = 0; i < most && all.failure.empty(); ++i, ++all.executions) {
    all.failure = failure_of(once, [&](std::size_t position, const Decision&) -> std::uint16_t {
      return position < path.size() ? path[position].taken : 0;
    });
    path = schedule().path();
    if (!next_path(path, preemptions)) {
      all.complete = true;
      return;
    }
  }
}

}  // namespace

Explored explore(const std::function<void(const Schedule::Pick&)>& once, const Bounds& bounds) {
  Explored all;
  if (const char* words = std::getenv("TAILRACE_SCHEDULE")) {
    const auto given = from_words(words);
    all.failure = failure_of(once, [&](std::size_t position, const Decision&) -> std::uint16_t {
      for (const auto& [at, taken] : given)
        if (at == position) return taken;
      return 0;
    });
    all.executions = 1;
    return all;
  }
  for (unsigned preemptions = 1; preemptions <= bounds.preemptions && all.failure.empty(); ++preemptions)
    explore_within(once, preemptions, bounds.executions, all);
  std::mt19937_64 random(bounds.seed);
  for (std::size_t i = 0; i < bounds.random_walks && all.failure.empty(); ++i, ++all.executions) {
    const auto rarely = 2 + random() % 30;
    all.failure = failure_of(once, [&](std::size_t, const Decision& d) -> std::uint16_t {
      if (d.preempts && random() % rarely) return 0;
      return static_cast<std::uint16_t>(random() % d.of);
    });
  }
  return all;
}

}  // namespace tailrace::interleave
