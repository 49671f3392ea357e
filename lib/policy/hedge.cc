#include "tailrace/policy/hedge.h"

#include <algorithm>
#include <chrono>

#include "tailrace/policy/forecast.h"

namespace tailrace {
namespace {

using Kind = HedgeAction::Kind;
using Seconds = std::chrono::duration<double>;

bool begins(const HedgeSnapshot& seen) noexcept { return seen.age <= Duration{}; }
bool has_idle_place(const HedgeSnapshot& seen) noexcept { return seen.places == 0 || seen.busy < seen.places; }
Duration at_least_a_tick(Duration d) noexcept { return std::max(d, Duration{1}); }

// What costs a walk over the sketch is done again after so many calls: more of them, the more are known.
std::uint64_t next_look(std::uint64_t count) noexcept { return count + std::clamp<std::uint64_t>(count / 4, 16, 512); }

}  // namespace

HedgeAction FixedHedge::decide(const HedgeSnapshot& seen, TimePoint, State&) const noexcept {
  return begins(seen) && delay > Duration{} ? HedgeAction{Kind::wait, delay} : HedgeAction{Kind::start, {}};
}

HedgeAction Reissue::decide(const HedgeSnapshot& seen, TimePoint, State& state) const noexcept {
  if (!begins(seen)) return {Kind::start, {}};
  if (probability < 1 && !state.random.chance(probability)) return {};
  return delay > Duration{} ? HedgeAction{Kind::wait, delay} : HedgeAction{Kind::start, {}};
}

HedgeAction QuantileHedge::decide(const HedgeSnapshot& seen, TimePoint, State& state) const noexcept {
  if (!begins(seen)) return {Kind::start, {}};
  if (state.calls.count() < least) return {};
  if (state.calls.count() >= state.renew_at) {
    state.delay = at_least_a_tick(state.calls.quantile(quantile));
    state.renew_at = next_look(state.calls.count());
  }
  return {Kind::wait, state.delay};
}

void QuantileHedge::observe(State& state, const HedgeSample& sample) const noexcept {
  if (sample.kind == HedgeSample::Kind::call) state.calls.add(sample.took);
  if (sample.kind == HedgeSample::Kind::copy) state.calls.add_longer_than(sample.age);
}

HedgeAction IdleHedge::decide(const HedgeSnapshot& seen, TimePoint, State&) const noexcept {
  if (begins(seen) && delay > Duration{}) return {Kind::wait, delay};
  return has_idle_place(seen) ? HedgeAction{Kind::start, {}} : HedgeAction{};
}

// ---- ours

namespace {

constexpr double load_memory = 512;   // calls that the mean load is of
constexpr double stop_memory = 32;    // losers that the mean time to stop is of
constexpr double copies_memory = 64;  // copies that the count of wins is of
constexpr std::uint64_t probe_every = 32;

void count_copy(AdaptiveHedge::State& s, bool won) noexcept {
  constexpr double keep = 1 - 1 / copies_memory;
  s.copies = s.copies * keep + 1;
  s.won = s.won * keep + (won ? 1 : 0);
  s.expected = s.expected * keep + s.chance;
}

}  // namespace

bool AdaptiveHedge::correlated(const State& s) noexcept { return s.expected >= 3 && s.won < 0.1 * s.expected; }
bool AdaptiveHedge::kills(const State& s) noexcept { return s.stop < 0.25 * Seconds(s.calls.quantile(.5)).count(); }

namespace {

// More work for copies must buy something, the more so the fewer places are free.
double weigh(const HedgeForecast& f, double load) noexcept { return f.p99 * (1 + .1 * load * std::max(0., f.work)); }

// The best of some ages, if it gains enough.
void choose_delay(const AdaptiveHedge& policy, AdaptiveHedge::State& s, std::uint32_t places) noexcept {
  constexpr double enough = .99;  // of p99 without copies
  constexpr double ages[] = {0.02, 0.1, 0.2,  0.3,  0.4,  0.5,  0.6,   0.7, 0.8,
                             0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.985, 0.99};
  const HedgeModel model(s.calls, s.load / (1 + s.more), places, AdaptiveHedge::kills(s) ? s.stop : HedgeModel::run_on);
  double best = enough * model.without().p99;
  s.on = false;
  s.more = 0;
  for (double q : ages) {
    if (1 - q > policy.share + 1e-9) continue;
    const Duration d = at_least_a_tick(s.calls.quantile(q));
    const HedgeForecast f = model.with_copies_at(d);
    if (f.copies > policy.share || weigh(f, model.load) >= best) continue;
    best = weigh(f, model.load);
    s.on = true;
    s.delay = d;
    s.more = f.work;
    s.chance = f.chance;
  }
}

}  // namespace

HedgeAction AdaptiveHedge::decide(const HedgeSnapshot& seen, TimePoint, State& s) const noexcept {
  if (!begins(seen)) {
    if (seen.waiting) return {Kind::wait, seen.age + at_least_a_tick(s.delay)};
    // As many wait as have places: each per cent of work now makes them wait several per cent longer.
    if (seen.places != 0 && seen.busy >= 2 * seen.places && !kills(s)) return {};
    const Duration wanted = seen.waited + s.delay;
    return seen.age >= wanted - s.delay / 32 ? HedgeAction{Kind::start, {}} : HedgeAction{Kind::wait, wanted};
  }
  const double load = seen.places ? std::min(1.0, static_cast<double>(seen.busy) / seen.places) : 0.0;
  s.load += (load - s.load) / std::min(static_cast<double>(++s.begun), load_memory);
  if (s.calls.count() < least_calls) return {};
  if (s.calls.count() >= s.renew_at) {
    choose_delay(*this, s, seen.places);
    s.renew_at = next_look(s.calls.count());
  }
  if (!s.on) return {};
  if (correlated(s) && ++s.probes % probe_every != 0) return {};
  return {Kind::wait, at_least_a_tick(s.delay)};
}

void AdaptiveHedge::observe(State& s, const HedgeSample& sample) const noexcept {
  switch (sample.kind) {
    case HedgeSample::Kind::call:
      s.calls.add(sample.took - sample.waited);
      if (sample.copied) count_copy(s, false);
      return;
    case HedgeSample::Kind::copy: s.calls.add_longer_than(sample.age - sample.waited); return count_copy(s, true);
    case HedgeSample::Kind::stopped: {
      const double took = Seconds(sample.took).count();
      s.stop += (took - s.stop) / stop_memory;
      return;
    }
  }
}

}  // namespace tailrace
