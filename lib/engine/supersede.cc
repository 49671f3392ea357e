#include "engine/supersede.h"

#include <algorithm>
#include <utility>

#include "engine/lifetime.h"
#include "engine/park.h"

namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

// Elements that were begun and have not ended. One who looks for another element beyond the last counts as one, too.
bool has_elements_out(Frame& f, const Control& each) noexcept {
  const ControlWords& words = f.words(each);
  return words.a.load(relaxed) > words.b.load(relaxed);
}

// Whether no stage works for it: it waits for a thread or for its turn, or is on its way there.
bool is_idle(Frame& f) noexcept {
  if (f.state.load(std::memory_order_acquire) & claimed) return false;
  for (const Region& r : f.program->regions)
    if (f.region_state(r).at.load(relaxed)) return false;
  for (const Control& c : f.program->controls)
    if (is_outstanding(f, c) || (c.element && has_elements_out(f, c))) return false;
  return true;
}

// With a reference for the caller; null: there is none.
Frame* find_oldest(const Program& p, std::uint64_t stream) noexcept {
  Frame* oldest = nullptr;
  for (std::uint32_t i = 0; i < p.pool.count(); ++i) {
    Frame* f = p.pool.at(i);
    if (!find_submitted(*f)) continue;
    const bool fits = f->ranked && f->more.entry && f->more.stream == stream && is_idle(*f);
    if (fits && (!oldest || f->more.entry < oldest->more.entry)) std::swap(oldest, f);
    if (f) release(*f);
  }
  return oldest;
}

}  // namespace

bool supersede_oldest(EngineState& e, std::uint64_t stream) noexcept {
  Program* const p = keep_latest(e);
  if (!p) return false;
  bool done = false;
  // Room goes to callers who wait for it first.
  while (Frame* const f = p->pool.queued() ? nullptr : find_oldest(*p, stream)) {
    done = supersede(*f);
    const bool over = f->state.load(std::memory_order_acquire) & claimed;
    release(*f);
    if (done || !over) break;  // over: somebody else has answered it meanwhile
  }
  let_go_of(e, *p);
  return done;
}

}  // namespace tailrace::detail
