#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "exec/measure_walk.h"

// How a walk deals with asynchronous and stateful stages, and with staged networks.
namespace tailrace::detail {

// An asynchronous stage, whose value this thread waits for.
struct Walk::Later {
  std::mutex mutex;
  std::condition_variable changed;
  bool used = false;
  Walk* walk = nullptr;
  void* slot = nullptr;

  void use(const Error* error) noexcept {
    const std::lock_guard lock(mutex);
    if (error) {
      walk->returned_ = *error;
      walk->failed_ = true;
    }
    used = true;
    changed.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return used; });
  }
  static Later& of(const Pending& p) noexcept { return *static_cast<Later*>(p.frame); }
  static const Pending::Ops ops;
};

const Pending::Ops Walk::Later::ops{[](const Pending&) noexcept { return true; },
                                    [](const Pending& p) noexcept { return of(p).slot; },
                                    [](const Pending& p, const Error* error) noexcept { of(p).use(error); },
                                    [](const Pending& p) noexcept {
                                      const Error error(Code::stage_failed,
                                                        "the stage gave up its Completion without using it");
                                      of(p).use(&error);
                                    },
                                    [](const Pending&) noexcept { return false; },
                                    [](const Pending&) noexcept { return never; },
                                    [](const Pending&) noexcept { return CallFacts{}; }};

Pending Walk::begin() noexcept { return {&Later::ops, later_, nullptr}; }

// Runs an instruction, and where it is an asynchronous stage's waits for its value.
void Walk::run_step(const Instruction& i) {
  if (!waits_) return i.run(i, memory_);
  Later later;
  later.walk = this;
  later.slot = memory_ + i.out;
  later_ = &later;
  try {
    i.run(i, memory_);
  } catch (...) {
    later.wait();
    if (!failed_ && i.type->destroy) i.type->destroy(memory_ + i.out);
    throw;
  }
  later.wait();
}

// The state that a stage finds behind its inputs, made when it is needed first.
void Walk::ready_state(const Line& line, std::size_t i) {
  const Stage& stage = line.graph->nodes[i].stage;
  auto& place = *reinterpret_cast<void**>(memory_ + line.extra[i]);
  if (const StateOps* ops = stage.station.state; ops && !place) {
    states_.reserve(states_.size() + 1);
    place = ops->make(stage.context.get());
    states_.push_back({place, ops});
  }
}

// All arms start together, so it takes as long as the last one needed of those that agree first, in the order
// written.
Walk::Value Walk::quorum(Line& line, std::size_t i, std::uint32_t in) {
  const Node& n = line.graph->nodes[i];
  const auto agree = [&](const Value& a, const Value& b) {
    try {
      return n.equality->equal(memory_ + a.slot, memory_ + b.slot);
    } catch (...) {
      return false;
    }
  };
  std::vector<std::vector<Value>> groups;
  Value answer;
  for (Line& arm : line.arms[i]) {
    const Value v = evaluate(arm, in);
    if (!v.there) continue;
    if (!arm.lone) arm.whole->add(v.seconds, 0);
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return agree(g.front(), v); });
    if (group == groups.end()) group = groups.emplace(group);
    group->push_back(v);
    if (answer.there || group->size() != static_cast<std::size_t>(n.agree)) continue;
    answer = group->front();
    for (const Value& of : *group) answer.seconds = std::max(answer.seconds, of.seconds);
  }
  return answer.there ? answer : failed(*line.records[i], {Code::no_quorum, "too few arms agreed"});
}

// Both calls are measured, and the first one alone counts: how often there is a second is not known here.
Walk::Value Walk::hedge(Line& line, std::size_t i, std::uint32_t in) {
  std::vector<Value> calls;
  for (Line& arm : line.arms[i]) {
    const Value v = calls.emplace_back(evaluate(arm, in));
    if (v.there && !arm.lone) arm.whole->add(v.seconds, 0);
  }
  if (!calls.front().there) line.records[i]->fail(calls.front().why.what());
  return calls.front();
}

// Goes as far as this input goes: stages behind its exit have no carry that they could be measured on.
Walk::Value Walk::staged(Line& line, std::size_t i, std::uint32_t in) {
  const Node& n = line.graph->nodes[i];
  Record& record = *line.records[i];
  Value v;
  double way = 0;
  bool left = false;
  for (std::size_t k = 0; k < n.arms.size(); ++k) {
    Line& part = line.arms[i][k];
    enter(part, !left);
    if (left) continue;
    v = evaluate(part, in);
    way += v.seconds;
    if (v.there && !part.lone) part.whole->add(v.seconds, 0);
    const ExitOps* ops = n.arms[k].exit_ops;
    left = !v.there || !ops || ops->way(memory_ + v.slot) != ExitOps::goes_on;
    if (!v.there || !ops) continue;
    if (ops->way(memory_ + v.slot) == ExitOps::empty) {
      v = failed(record, {Code::stage_failed, "a stage gave an Exit that neither leaves nor goes on"});
      continue;
    }
    const auto slot = left ? line.slots[i] : line.carries[i][k];
    try {
      timed(way, [&] { (left ? ops->take_answer : ops->take_carry)(memory_ + slot, memory_ + v.slot); });
    } catch (...) {
      v = failed(record, thrown());
      left = true;
      continue;
    }
    own(slot, left ? *ops->answer : *ops->carry);
    v.slot = in = slot;
  }
  v.seconds = way;
  return v;
}

}  // namespace tailrace::detail
