#include "engine/trace.h"

#include <utility>

namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

Frame& frame_of(char* frame) noexcept { return *reinterpret_cast<Frame*>(frame); }
RegionTrace& trace_of(const Instruction& i, char* frame) noexcept {
  return *reinterpret_cast<RegionTrace*>(frame + i.in);
}
RequestTrace* request_of(Frame& f) noexcept {
  Frame& root = root_of(f);
  const auto place = root.program->request_trace;
  return place ? &root.at<RequestTrace>(place) : nullptr;
}
// The stage that a mark, or the first instruction behind a station, is or tells of.
const std::string& stage_of(const Frame& f, const Instruction& i) noexcept {
  return f.program->names[static_cast<std::size_t>(&i - f.program->code.data())];
}

// Tells of what the region has been doing until now, and lets it begin something else.
void tell_until_now(Frame& f, RegionTrace& t, Event&& event) noexcept {
  event.at = f.executor->now();
  event.began = std::exchange(t.began, event.at);
  event.request = request_of(f)->number;
  f.engine->observer->on_event(event);
}

void pass(const Instruction& i, char* frame, Event::Kind kind) noexcept {
  Frame& f = frame_of(frame);
  RegionTrace& t = trace_of(i, frame);
  t.next = &i + 1;
  tell_until_now(f, t, {kind, Code::none, 0, stage_of(f, i), {}});
}

}  // namespace

void tell(Frame& f, Event event) noexcept {
  const RequestTrace* const t = request_of(f);
  if (t && !t->number) trace_begin(root_of(f));  // answered before anything ran
  event.at = f.executor->now();
  event.request = t ? t->number : request_id(f);
  if (t && (event.kind == Event::Kind::answered || event.kind == Event::Kind::late)) event.began = t->began;
  f.engine->observer->on_event(event);
}

void tell_stage(Frame& f, const Region& r, Event event) noexcept {
  if (r.trace) tell_until_now(f, f.at<RegionTrace>(r.trace), std::move(event));
  else tell(f, event);
}

void trace_begin(Frame& f) noexcept {
  RequestTrace& t = *request_of(f);
  if (t.number) return;
  const auto id = request_id(f);
  t.number = id ? id : f.engine->numbers.fetch_add(1, relaxed) + 1;
  t.began = f.executor->now();
  f.engine->observer->on_event({Event::Kind::begun, Code::none, 0, {}, {}, t.number, t.began, t.began});
}

void mark_begin(const Instruction& i, char* frame) noexcept {
  Frame& f = frame_of(frame);
  trace_begin(f);
  trace_of(i, frame) = {f.executor->now(), &i + 1};
}

void mark_ran(const Instruction& i, char* frame) noexcept { pass(i, frame, Event::Kind::stage_ran); }
void mark_completed(const Instruction& i, char* frame) noexcept { pass(i, frame, Event::Kind::completed); }

void trace_stopped(Frame& f, const Block& b) noexcept {
  RegionTrace& t = f.at<RegionTrace>(b.region->trace);
  if (t.next < b.first || t.next >= b.last) return;  // it was stopped before it began
  for (const Instruction* i = t.next; i != b.last; ++i)
    if (i->run == mark_ran)
      return tell_until_now(f, t, {Event::Kind::stage_ran, Code::cancelled, 0, stage_of(f, *i), {}});
}

void trace_turn(Frame& f, const Block& b) noexcept {
  RegionTrace& t = f.at<RegionTrace>(b.region->trace);
  t.next = b.first;
  tell_until_now(f, t, {Event::Kind::waited, Code::none, 0, stage_of(f, *b.first), {}});
}

void trace_batch(Frame& leader, const Block& b, std::uint32_t rows, std::uint32_t padded) noexcept {
  RegionTrace& t = leader.at<RegionTrace>(b.region->trace);
  const TimePoint began = t.began;
  Event event{Event::Kind::batched, Code::none, rows, stage_of(leader, *b.first), {}};
  event.padded = padded;
  tell_until_now(leader, t, std::move(event));
  t.began = began;  // as a row, it is told of once more
}

void trace_row(Frame& f, const Block& b) noexcept {
  const auto halt = f.region_state(*b.region).flag.halt.load(std::memory_order_acquire);
  if (halt == failed) return;  // its error was told
  const Code code = halt == running ? Code::none : Code::cancelled;
  tell_until_now(f, f.at<RegionTrace>(b.region->trace), {Event::Kind::completed, code, 0, stage_of(f, *b.first), {}});
}

}  // namespace tailrace::detail
