#include "engine/layout.h"

#include <algorithm>

#include "engine/control_timer.h"
#include "engine/frame.h"
#include "engine/trace.h"

namespace tailrace::detail {
namespace {

// header | region states | turns | when sites were passed | control words | request's trace | elements' timers | live
// bytes | slots | tasks | texts
class Layout {
 public:
  Layout(Program& p, const Draft& draft, bool traced, bool top) : p_(p), d_(draft), traced_(traced), top_(top) {}

  void run() {
    const auto regions = narrow(p_.regions.size()), controls = narrow(p_.controls.size());
    states_ = narrow(sizeof(Frame));
    turns_ = states_ + regions * narrow(sizeof(RegionState));
    const auto waiting = std::count_if(p_.regions.begin(), p_.regions.end(), [](const Region& r) { return r.turn; });
    begans_ = turns_ + narrow(static_cast<std::size_t>(waiting) * sizeof(Turn));
    place_sites();
    words_ = begans_ + stations_passed_ * narrow(sizeof(Atomic<TimePoint::rep>));
    const auto trace = words_ + controls * narrow(sizeof(ControlWords));
    if (traced_ && top_) p_.request_trace = trace;
    const auto timers = trace + (p_.request_trace ? narrow(sizeof(RequestTrace)) : 0);
    if (d_.element_timers && top_) p_.element_timers = timers;
    live_ = timers + (p_.element_timers ? narrow(sizeof(ControlTimer*)) : 0) - 1;  // live bytes count from 1
    p_.states = states_;
    p_.state_bytes = live_ + 1 + d_.live_bytes - states_;
    slots_at_ = round_up(live_ + 1 + d_.live_bytes, p_.frame_align);
    tasks_ = round_up(slots_at_ + d_.slots, 16);
    texts_ = tasks_ + regions * narrow(sizeof(RegionTask));
    p_.frame_bytes = round_up(texts_ + regions * text_bytes, p_.frame_align);
    place_code();
    for (Region& r : p_.regions) place_region(r);
    for (Control& c : p_.controls) place_control(c);
    for (Owned& o : p_.owned) o = {slot_at(o.slot), live_at(o.live), o.type};
    p_.input = slot_at(p_.input);
    p_.input_live = live_at(p_.input_live);
  }

 private:
  std::uint32_t slot_at(std::uint32_t slot) const { return slots_at_ + slot; }
  std::uint32_t live_at(std::uint32_t live) const { return live ? live_ + live : 0; }
  std::uint32_t state_at(std::uint32_t region) const { return states_ + region * narrow(sizeof(RegionState)); }

  void place_code() {
    for (auto& table : p_.inputs)
      for (auto& slot : table) slot = slot_at(slot);
    for (const auto& [instruction, control] : d_.parks) p_.inputs[instruction].back() = control;
    for (Instruction& i : p_.code) {
      i.in = slot_at(i.in);
      i.out = slot_at(i.out);
      i.live = live_at(i.live);
      i.region = state_at(i.region);
    }
    for (std::size_t b = 0; b < p_.blocks.size(); ++b) {
      Block& block = p_.blocks[b];
      block.state = state_at(block.region->first);
      block.memory = slot_at(block.memory);
      block.first = p_.code.data() + d_.starts[b];
      block.last = p_.code.data() + (b + 1 < d_.starts.size() ? d_.starts[b + 1] : p_.code.size());
      if (d_.seconds[b] >= 0) block.cost.store(policy::expected_cost(to_duration(d_.seconds[b])));
    }
  }
  // Of the entry in the header, and of the others one after another.
  void place_sites() {
    for (AdmitUse& use : p_.sites) {
      const bool entry = use.site == p_.entry_site.get();
      use.began = entry ? narrow(offsetof(Frame, began))
                        : begans_ + stations_passed_++ * narrow(sizeof(Atomic<TimePoint::rep>));
    }
    for (Block& b : p_.blocks)
      if (b.site) b.began = p_.sites[b.began].began;
  }
  void place_region(Region& r) {
    r.task = tasks_ + r.task * narrow(sizeof(RegionTask));
    r.text = texts_ + r.text * text_bytes;
    r.state = state_at(r.state);
    r.answer = slot_at(r.answer);
    if (traced_) r.trace = slot_at(r.trace);
    if (r.turn) {
      r.turn = turns_;
      turns_ += narrow(sizeof(Turn));
    }
  }
  void place_control(Control& c) {
    c.in = slot_at(c.in);
    c.out = slot_at(c.out);
    c.live = live_at(c.live);
    c.words = words_ + c.words * narrow(sizeof(ControlWords));
    c.gather = slot_at(c.gather);
    c.gather_live = live_at(c.gather_live);
    c.element_name = slot_at(c.element_name);
    c.rung_began = slot_at(c.rung_began);
    for (Carry& carry : c.carries)
      carry = {carry.ops, slot_at(carry.slot), live_at(carry.live), slot_at(carry.answer), live_at(carry.answer_live)};
  }

  Program& p_;
  const Draft& d_;
  const bool traced_, top_;
  std::uint32_t states_ = 0, turns_ = 0, words_ = 0, live_ = 0, slots_at_ = 0, tasks_ = 0, texts_ = 0;
  std::uint32_t begans_ = 0, stations_passed_ = 0;
};

}  // namespace

void lay_out(Program& p, const Draft& draft, bool traced, bool top) { Layout(p, draft, traced, top).run(); }

}  // namespace tailrace::detail
