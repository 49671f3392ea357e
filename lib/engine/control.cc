#include <algorithm>
#include <cstdio>
#include <cstring>

#include "engine/cascade.h"
#include "engine/cut_off.h"
#include "engine/drive.h"
#include "engine/hedge.h"
#include "engine/park.h"
#include "engine/rungs.h"
#include "engine/shed.h"
#include "engine/trace.h"

// Races, choices and forks, and which control does what: which arms start, and what becomes of a region's answer or
// error.
//
// ControlWords:   a                              b
//   race          winner + 1                     arms that are out; in_order
//   quorum        winner + 1                     in_order                        (quorum.cc)
//   hedge         call that answered + 1         HedgeWord                       (hedge.cc)
//   cascade       best rung so far + 1           rung that answered + 1; fallback_bit; CutWord (cascade.cc, cut_off.cc)
//   staged        best stage so far + 1          stage that answered + 1; CutWord              (staged.cc)
//   choose        chosen arm + 1
//   join          branches that are done         in_order
//   then          ParkState
namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

const Region& arm_region(const Control& c, std::size_t arm) noexcept { return *c.arms[arm]; }

// Asks a test of the user's. A test that throws answers `otherwise`.
std::size_t ask(const Test& test, void* slot, std::size_t otherwise) noexcept {
  try {
    return test.run(test.context.get(), slot);
  } catch (...) {
    return otherwise;
  }
}

Step answer_request(Frame& f, std::uint32_t slot) noexcept {
  if (claim(f)) {
    f.answer = slot;
    complete(f);
  }
  return nothing(f);
}

// ---- race

// "label[0]: bang; label[1]: not a valid answer", each arm with an equal share of the room.
Step all_arms_out(Frame& f, const Control& c) noexcept {
  char text[text_bytes];
  std::size_t size = 0;
  for (std::size_t arm = 0; arm < c.arms.size(); ++arm) {
    const Region& r = arm_region(c, arm);
    const bool own = f.region_state(r).flag.halt.load(std::memory_order_acquire) == failed;
    const auto room = size + (text_bytes - size) / (c.arms.size() - arm);
    append(text, size, room, arm ? "; " : "");
    append(text, size, room, own ? f.region_state(r).where : std::string_view(c.name));
    append(text, size, room, ": ");
    append(text, size, room, own ? text_of(f, r) : "not a valid answer");
  }
  return fail_control(f, c, Code::all_arms_failed, c.name.c_str(), {text, size});
}

// An arm has failed or gave an answer that is not valid.
Step arm_out(Frame& f, const Region& r) noexcept {
  const Control& c = *r.control;
  const auto before = f.words(c).b.fetch_add(1, std::memory_order_acq_rel);
  if ((before & ~in_order) + 1 == c.arms.size()) return all_arms_out(f, c);
  return before & in_order ? enter(f, arm_region(c, r.arm + 1)) : nothing(f);
}

Step arm_done(Frame& f, const Region& r) noexcept {
  const Control& c = *r.control;
  if (c.test && !ask(c.test, f.base() + r.answer, 0)) return arm_out(f, r);
  std::uint32_t nobody = 0;
  if (!f.words(c).a.compare_exchange_strong(nobody, r.arm + 1, std::memory_order_acq_rel)) return nothing(f);
  for (std::size_t arm = 0; arm < c.arms.size(); ++arm)
    if (arm != r.arm) halt_regions(f, arm_region(c, arm).first, arm_region(c, arm).last);
  observe(f, {Event::Kind::arm_won, Code::none, r.arm, c.name, {}});
  return go_on(f, c, r.answer);
}

// ---- choose

Step fail_selection(Frame& f, const Control& c, std::size_t arm) noexcept {
  char text[text_bytes];
  const int size =
      std::snprintf(text, sizeof text, "the selector gave %zu; the arms are 0 to %zu", arm, c.arms.size() - 1);
  return fail_control(f, c, Code::bad_selection, c.name.c_str(), {text, static_cast<std::size_t>(size)});
}

Step start_choice(Frame& f, const Control& c) noexcept {
  std::size_t arm;
  try {
    arm = c.test.run(c.test.context.get(), f.base() + c.in);
  } catch (...) {
    const Error error = thrown();
    return fail_control(f, c, error.code(), c.name.c_str(), error.what());
  }
  if (arm >= c.arms.size()) return fail_selection(f, c, arm);
  f.words(c).a.store(static_cast<std::uint32_t>(arm) + 1, relaxed);
  return enter(f, arm_region(c, arm));
}

// ---- a join whose branches run at the same time

Step branch_done(Frame& f, const Region& r) noexcept {
  const Control& c = *r.control;
  if (f.words(c).a.fetch_add(1, std::memory_order_acq_rel) + 1 == c.arms.size()) return {&f, c.after};
  return f.words(c).b.load(relaxed) & in_order ? enter(f, arm_region(c, r.arm + 1)) : nothing(f);
}

}  // namespace

Step go_on(Frame& f, const Control& c, std::uint32_t answer) noexcept {
  c.type->move(f.base() + c.out, f.base() + answer);
  f.set_live(c.live);
  return {&f, c.after};
}

Step start_arms(Frame& f, const Control& c, Thread thread) noexcept {
  if (f.engine->threadless || !take_spare(f)) {
    f.words(c).b.store(in_order, relaxed);
    return enter(f, arm_region(c, 0));
  }
  const std::size_t kept = thread == Thread::worker ? 1 : 0;  // a worker runs the first arm itself
  share(f, static_cast<std::uint32_t>(c.arms.size() - kept));
  for (auto arm = kept; arm < c.arms.size(); ++arm) spawn(enter(f, arm_region(c, arm)));
  return kept ? enter(f, arm_region(c, 0)) : nothing(f);
}

void append(char* text, std::size_t& size, std::size_t end, std::string_view more) noexcept {
  const auto n = std::min(more.size(), end - size);
  std::memcpy(text + size, more.data(), n);
  size += n;
}
Step start_control(Frame& f, const Control& c, Thread thread) noexcept {
  switch (c.kind) {
    case Kind::race: return start_arms(f, c, thread);
    case Kind::quorum: return start_quorum(f, c, thread);
    case Kind::hedge: return start_hedge(f, c, thread);
    case Kind::cascade:
    case Kind::staged: return has_cut_off(f, c) ? start_with_cut_off(f, c, thread) : enter(f, arm_region(c, 0));
    case Kind::choose: return start_choice(f, c);
    case Kind::each: return start_each(f, c);
    case Kind::join: return start_arms(f, c, Thread::worker);  // a borrowed thread runs a branch itself, too
    case Kind::then: return park(f, c);
    case Kind::input: break;  // compile() makes no control of these
  }
  return nothing(f);
}

Step region_done(Frame& f, const Region& r) noexcept {
  switch (r.role) {
    case Role::request: return f.parent ? element_done(f, r) : answer_request(f, r.answer);
    case Role::race_arm: return arm_done(f, r);
    case Role::voter: return voter_done(f, r);
    case Role::call: return call_done(f, r);
    case Role::rung: return rung_done(f, r);
    case Role::stage: return stage_done(f, r);
    case Role::choice: return go_on(f, *r.control, r.answer);
    case Role::branch: return branch_done(f, r);
  }
  return nothing(f);
}

Step region_failed(Frame& f, const Region& r) noexcept {
  switch (r.role) {
    case Role::request:
      if (f.parent) return element_failed(f, r);
      if (claim(f)) complete(f);
      return nothing(f);
    case Role::race_arm: return arm_out(f, r);
    case Role::voter: return voter_done(f, r);
    case Role::call: return call_failed(f, r);
    case Role::rung:
    case Role::stage: return rung_failed(f, r);
    case Role::choice:
    case Role::branch: {
      const RegionState& s = f.region_state(r);
      return fail_control(f, *r.control, s.code, s.where, text_of(f, r));
    }
  }
  return nothing(f);
}

void region_stopped(Frame& f, const Region& r) noexcept {
  if (r.role == Role::call) call_stopped(f, r);
  else if (r.role == Role::rung || r.role == Role::stage) rung_ended(f, r, false);
}

Step fail_control(Frame& f, const Control& c, Code code, const char* where, std::string_view text) noexcept {
  if (!set_failed(f, *c.around, code, where, text)) return nothing(f);
  return region_failed(f, *c.around);
}

}  // namespace tailrace::detail
