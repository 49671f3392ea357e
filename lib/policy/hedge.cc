#include "tailrace/policy/hedge.h"

#include <algorithm>
#include <chrono>

namespace tailrace {
namespace {

using Kind = HedgeAction::Kind;
using Seconds = std::chrono::duration<double>;

// xorshift64*: uniform in [0, 1).
double draw(std::uint64_t& random) noexcept {
  random ^= random >> 12;
  random ^= random << 25;
  random ^= random >> 27;
  return static_cast<double>((random * 0x2545F4914F6CDD1Dull) >> 11) * 0x1p-53;
}

bool begins(const HedgeSnapshot& seen) noexcept { return seen.age <= Duration{}; }
bool has_idle_place(const HedgeSnapshot& seen) noexcept { return seen.places == 0 || seen.busy < seen.places; }
Duration at_least_a_tick(Duration d) noexcept { return std::max(d, Duration{1}); }

// The figures that cost a walk over the sketch are renewed every so many calls.
constexpr std::uint64_t renew_every = 64;

}  // namespace

HedgeAction Reissue::decide(const HedgeSnapshot& seen, TimePoint, State& state) const noexcept {
  if (!begins(seen)) return {Kind::start, {}};
  if (probability < 1 && draw(state.random) >= probability) return {};
  return delay > Duration{} ? HedgeAction{Kind::wait, delay} : HedgeAction{Kind::start, {}};
}

HedgeAction QuantileHedge::decide(const HedgeSnapshot& seen, TimePoint, State& state) const noexcept {
  if (!begins(seen)) return {Kind::start, {}};
  if (state.calls.count() < least) return {};
  if (state.refreshed == 0 || state.calls.count() - state.refreshed >= renew_every) {
    state.delay = at_least_a_tick(state.calls.quantile(quantile));
    state.refreshed = state.calls.count();
  }
  return {Kind::wait, state.delay};
}

// A call that its copy has overtaken counts with its age then: it took longer, and so it is on the right side of every
// age at which a copy was started.
void QuantileHedge::observe(State& state, const HedgeSample& sample) const noexcept {
  if (sample.kind == HedgeSample::Kind::call) state.calls.add(sample.took);
  if (sample.kind == HedgeSample::Kind::copy) state.calls.add(sample.age);
}

HedgeAction IdleHedge::decide(const HedgeSnapshot& seen, TimePoint, State&) const noexcept {
  if (begins(seen) && delay > Duration{}) return {Kind::wait, delay};
  return has_idle_place(seen) ? HedgeAction{Kind::start, {}} : HedgeAction{};
}

// ---- ours

namespace {

constexpr double load_memory = 256;   // calls that the mean load is of
constexpr double time_memory = 64;    // the same for mean times
constexpr double copies_memory = 64;  // copies that the count of wins is of
constexpr std::uint64_t probe_every = 32;

// A running mean that begins as a plain one.
void blend(double& mean, double value, double n, double memory) noexcept {
  mean += (value - mean) / std::min(n, memory);
}

void count_copy(AdaptiveHedge::State& s, bool won) noexcept {
  constexpr double keep = 1 - 1 / copies_memory;
  s.copies = s.copies * keep + 1;
  s.won = s.won * keep + (won ? 1 : 0);
  s.expected = s.expected * keep + s.chance;
}

}  // namespace

bool AdaptiveHedge::correlated(const State& s) noexcept { return s.copies >= 8 && s.won + 1 < 0.4 * s.expected; }
bool AdaptiveHedge::kills(const State& s) noexcept { return s.stop >= 0 && s.stop < 0.25 * s.mean; }

double AdaptiveHedge::share_now(const State& s) const noexcept {
  const double limit = kills(s) ? most_load : most_load / 2;
  return share * std::clamp(1 - s.load / limit, 0.0, 1.0);
}

HedgeAction AdaptiveHedge::decide(const HedgeSnapshot& seen, TimePoint, State& s) const noexcept {
  if (!begins(seen)) {
    if (!seen.waiting && has_idle_place(seen)) return {Kind::start, {}};
    return {Kind::wait, at_least_a_tick(seen.age + seen.age / 4)};
  }
  const double load = seen.places ? std::min(1.0, static_cast<double>(seen.busy) / seen.places) : 0.0;
  blend(s.load, load, static_cast<double>(++s.begun), load_memory);
  if (s.calls.count() < least_calls) return {};
  if (s.refreshed == 0 || s.calls.count() - s.refreshed >= renew_every) {
    const double wanted = share_now(s);
    s.delay = wanted < 0.002 ? Duration{} : at_least_a_tick(s.calls.quantile(1 - wanted));
    s.chance = s.delay > Duration{} ? s.calls.chance_to_overtake(s.delay) : 0;
    s.refreshed = s.calls.count();
  }
  if (s.delay == Duration{}) return {};
  if (correlated(s) && ++s.probes % probe_every != 0) return {};
  return {Kind::wait, s.delay};
}

void AdaptiveHedge::observe(State& s, const HedgeSample& sample) const noexcept {
  const double took = Seconds(sample.took).count();
  switch (sample.kind) {
    case HedgeSample::Kind::call:
      s.calls.add(sample.took);
      blend(s.mean, took, static_cast<double>(s.calls.count()), time_memory);
      if (sample.copied) count_copy(s, false);
      return;
    case HedgeSample::Kind::copy:
      s.calls.add(sample.age);
      blend(s.mean, took, static_cast<double>(s.calls.count()), time_memory);
      return count_copy(s, true);
    case HedgeSample::Kind::stopped: s.stop = s.stop < 0 ? took : s.stop + (took - s.stop) / time_memory; return;
  }
}

}  // namespace tailrace
