#include "tailrace/policy/batch.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tailrace {
namespace {

using Kind = BatchAction::Kind;

constexpr double remembered = 64;            // calls, of what is learned
constexpr std::uint64_t least_between = 32;  // calls between two plans; later a quarter of those seen, up to `most`
constexpr std::uint64_t most_between = 4096;
constexpr std::uint32_t most_tried = 64;  // sizes that are looked at where some must be dropped

BatchAction run(std::uint32_t rows, std::uint32_t padded = 0) noexcept { return {Kind::run, rows, padded, {}}; }
std::uint32_t all(const BatchSnapshot& seen) noexcept { return std::min(seen.waiting, seen.most); }

}  // namespace

BatchAction GreedyBatch::decide(const BatchSnapshot& seen, TimePoint, State&) const noexcept { return run(all(seen)); }

BatchAction FixedBatch::decide(const BatchSnapshot& seen, TimePoint now, State&) const noexcept {
  const std::uint32_t wanted = std::clamp(size, 1u, seen.most);
  if (seen.waiting >= wanted) return run(wanted);
  TimePoint oldest = now;
  for (const BatchWaiter& w : seen.first) oldest = std::min(oldest, w.arrival);
  if (now >= oldest + delay) return run(all(seen));
  BatchAction wait;
  wait.kind = Kind::wait;
  wait.until = oldest + delay;
  return wait;
}

BatchAction AimdBatch::decide(const BatchSnapshot& seen, TimePoint, State& s) const noexcept {
  return run(std::min(all(seen), static_cast<std::uint32_t>(std::max(1., s.limit))));
}
void AimdBatch::observe(State& s, const BatchSample& sample) const noexcept {
  if (sample.took > goal) s.limit = std::max(1., s.limit * shrink);
  else if (sample.rows >= std::floor(s.limit)) s.limit = std::min(s.limit + 1, double{BatchPlan::most_rows});
}

// ---- table

TableBatch::State::State(const BatchSetup& setup)
    : plan(setup.times.known() ? BatchPlan(setup.times, setup.most) : BatchPlan(std::min(setup.most, learned_rows))),
      learns(!setup.times.known()) {
  if (learns) sizes.resize(plan.most() + 1);
}

namespace {

// What the decision is about: those who wait, without the ones that would miss any call.
class Choice {
 public:
  Choice(const TableBatch& policy, const BatchSnapshot& seen, TimePoint now, const TableBatch::State& s) noexcept
      : seen_(seen),
        now_(now),
        plan_(s.plan),
        factor_(s.ratio + policy.margin * s.spread),
        rate_(s.within > 0 ? s.came / s.within : 0),
        known_rate_(s.came >= enough_to_know),
        budget_(s.budget),
        overloaded_(is_overloaded()) {
    hopeless_ = end(1);
    for (const BatchWaiter& w : seen.first) looked_at_ += !is_dropped(w, hopeless_);
    left_ = seen.waiting - static_cast<std::uint32_t>(seen.first.size()) + looked_at_;
  }

  BatchAction decide() const noexcept {
    BatchAction action;
    if (refuses_all()) return action.drop_before = hopeless_, action;
    const std::uint32_t wanted = quickest();
    const Hurt h = hurt(wanted);
    if (h.lost == 0 && !h.any_too_late) return fill(wanted);
    return least_harm();
  }
  bool refuses_all() const noexcept { return left_ == 0; }

 private:
  static constexpr double enough_to_know = 8;  // rows that came

  static bool is_dropped(const BatchWaiter& w, TimePoint before) noexcept { return w.may_drop && w.deadline < before; }
  double seconds(std::uint32_t n) const noexcept { return factor_ * plan_.run(n); }
  TimePoint end(std::uint32_t n) const noexcept { return now_ + to_duration(seconds(n)); }
  std::uint32_t largest() const noexcept { return std::clamp(left_, 1u, plan_.most()); }
  // Those who wait behind the ones looked at have later deadlines. When these are dropped, they will be looked at.
  std::uint32_t unseen() const noexcept { return left_ - looked_at_; }

  // Of those who are left, as many as the best way to serve them all takes first; with several replicas free, and
  // threads for them, each has its share.
  std::uint32_t quickest() const noexcept {
    const std::uint32_t calls = seen_.shared ? 1 : std::max(1u, seen_.free);
    const std::uint32_t share = (left_ + calls - 1) / calls;
    if (!known_rate_) return std::clamp(plan_.first(share), 1u, largest());
    const double busy = rate_ * seconds(plan_.best()) / plan_.best(), idle = std::max(.02, 1 - busy);
    const double others = rate_ * factor_ * plan_.total(share) / idle;
    return std::clamp(plan_.first(share, others), 1u, largest());
  }

  struct Hurt {
    std::uint32_t answered = 0;  // in the call, in time
    double lost = 0;             // who misses by it
    bool any_too_late = false;   // somebody cannot wait for its end
  };
  // What a call of n rows does to those in it, to those behind it and to those who will come while it runs. The next
  // one has those by then, as far as it is no longer than this one or half of the time that requests have.
  Hurt hurt(std::uint32_t n) const noexcept {
    const double takes = seconds(n), come = rate_ * takes;
    const double limit = budget_ > 0 ? std::max(takes, budget_ / 2) : std::numeric_limits<double>::infinity();
    std::uint32_t next = static_cast<std::uint32_t>(
        std::clamp(double(left_) - n + std::floor(come), 1., static_cast<double>(plan_.most())));
    while (next > 1 && seconds(next) > limit) --next;
    const TimePoint over = end(n);
    const Duration each = to_duration(seconds(next));
    Hurt h;
    std::uint32_t late = 0, behind = 0;
    for (const BatchWaiter& w : seen_.first) {
      if (is_dropped(w, hopeless_)) continue;
      if (is_dropped(w, over)) ++late, h.any_too_late = true;
      else if (h.answered < n) ++h.answered;
      else if (is_dropped(w, over + (behind++ / next + 1) * each)) ++late;
    }
    h.answered = std::min(n, h.answered + unseen());
    double lost = late;
    if (budget_ > 0 && known_rate_) lost += rate_ * std::max(0., takes + seconds(next) - budget_);
    if (overloaded_) lost = std::max(0., lost - std::max(0., double(left_) - h.answered + come - next));
    h.lost = lost < least_lost ? 0 : lost;
    return h;
  }
  static constexpr double least_lost = .01;
  // More come than can be served by calls that fit twice into the time that requests have.
  bool is_overloaded() const noexcept {
    if (budget_ <= 0 || !known_rate_) return false;
    double most = 1 / seconds(1);
    for (std::uint32_t n = 2; n <= plan_.most() && seconds(n) <= budget_ / 2; ++n)
      most = std::max(most, n / seconds(n));
    return rate_ > most;
  }

  // Who misses counts most, unless there are some who do in any case; then how many are answered each second.
  BatchAction least_harm() const noexcept {
    std::uint32_t best = 0, rows = 0;
    double least = 0, most = 0;
    const std::uint32_t step = largest() / most_tried + 1;
    for (std::uint32_t n = 1; n <= largest(); n += step) {
      const Hurt h = hurt(n);
      if (h.answered == 0) break;
      const double takes = seconds(std::min(n, h.answered));
      const double lost = overloaded_ ? 0 : h.lost, rate = (h.answered - (overloaded_ ? h.lost : 0)) / takes;
      const bool better = best == 0 || lost < least - least_lost || (lost < least + least_lost && rate > most);
      if (!better) continue;
      least = lost;
      most = rate;
      best = n;
      rows = h.answered;
    }
    return best ? take(rows, end(best)) : take(1, hopeless_);
  }
  BatchAction take(std::uint32_t n, TimePoint drop_before) const noexcept {
    BatchAction action = run(n, plan_.padded(n));
    action.drop_before = drop_before;
    return action;
  }
  // The call that hurts nobody; or other work goes first, so that it will be one of more of them.
  BatchAction fill(std::uint32_t n) const noexcept {
    BatchAction action = take(n, hopeless_);
    const std::uint32_t best = plan_.best();
    if (!seen_.shared || n < left_ || n >= best) return action;
    if (seconds(best) / best > clearly_less * seconds(n) / n) return action;
    TimePoint oldest = now_, earliest = never;
    for (const BatchWaiter& w : seen_.first) {
      oldest = std::min(oldest, w.arrival);
      if (!is_dropped(w, hopeless_)) earliest = std::min(earliest, w.may_drop ? w.deadline : never);
    }
    const TimePoint until =
        std::min(oldest + to_duration(2 * seconds(best)), earliest - to_duration(1.1 * seconds(best)));
    if (until <= now_) return action;
    action.kind = Kind::yield;
    action.until = until;
    return action;
  }
  static constexpr double clearly_less = .95;

  const BatchSnapshot& seen_;
  const TimePoint now_;
  const BatchPlan& plan_;
  const double factor_, rate_;
  const bool known_rate_;
  const double budget_;
  const bool overloaded_;
  TimePoint hopeless_{};
  std::uint32_t looked_at_ = 0, left_ = 0;
};

// Who has come since the last decision, and what time they have.
void look_at_arrivals(const BatchSnapshot& seen, TimePoint now, TableBatch::State& s) noexcept {
  for (const BatchWaiter& w : seen.first)
    if (w.deadline != never) s.budget = std::max(s.budget, to_seconds(w.deadline - std::max(w.arrival, s.decided)));
  const bool again = now == s.decided;  // about those whom it did not see because of others, who were dropped
  const double came = seen.waiting > s.left && !again ? seen.waiting - s.left : 0;
  if (s.decided != TimePoint{}) {
    const double kept = remembered / (remembered + came);
    s.came = kept * s.came + came;
    s.within = kept * s.within + to_seconds(now - s.decided);
    s.budget *= .999;
  }
  s.decided = now;
}
void note_decision(const BatchSnapshot& seen, const BatchAction& action, TableBatch::State& s) noexcept {
  std::uint32_t gone = action.kind == Kind::run ? action.rows : 0;
  for (const BatchWaiter& w : seen.first) gone += w.may_drop && w.deadline < action.drop_before;
  s.left = seen.waiting > gone ? seen.waiting - gone : 0;
}

double between(double a, double b, double share) noexcept { return a + share * (b - a); }

// What a call of n rows takes by what was seen of others: on the line between its neighbours, and beyond the largest by
// what a row more took on average, so that larger calls are tried.
double expected(const std::vector<TableBatch::State::Size>& sizes, std::uint32_t n) noexcept {
  std::uint32_t below = n, above = n, least = 1;
  const auto end = static_cast<std::uint32_t>(sizes.size());
  while (below > 0 && sizes[below].seconds <= 0) --below;
  while (above < end && sizes[above].seconds <= 0) ++above;
  if (below == 0) return above < end ? sizes[above].seconds : 0;
  if (above < end)
    return above == below ? sizes[n].seconds
                          : between(sizes[below].seconds, sizes[above].seconds, double(n - below) / (above - below));
  while (sizes[least].seconds <= 0) ++least;
  const double slope = below > least ? (sizes[below].seconds - sizes[least].seconds) / (below - least)
                                     : .5 * sizes[below].seconds / below;
  return sizes[below].seconds + std::clamp(slope, 0., sizes[below].seconds / below) * (n - below);
}

// A size that was not tried since is believed to take a tenth less: one that was disturbed once is tried again.
void renew(TableBatch::State& s) noexcept {
  s.renew_at = s.calls + std::clamp(s.calls / 4, least_between, most_between);
  for (auto& size : s.sizes) {
    if (!size.fresh) size.seconds *= .9;
    size.fresh = false;
  }
  s.plan.renew([&](std::uint32_t n) { return expected(s.sizes, n); });
}

// Nobody is served any more for what was learned: without calls nothing is learned anew, so it is believed a tenth less
// until one is tried. Who would be too late by the table as well is no reason for that.
void doubt(const BatchSnapshot& seen, TimePoint now, TableBatch::State& s) noexcept {
  const TimePoint least = s.learns ? now : now + to_duration(s.plan.run(1));
  const auto in_time = [&](const BatchWaiter& w) { return w.deadline > least; };
  if (std::none_of(seen.first.begin(), seen.first.end(), in_time)) return;
  s.ratio = between(s.ratio, 1, .1);
  s.spread *= .9;
  if (s.learns) renew(s);
}

}  // namespace

BatchAction TableBatch::decide(const BatchSnapshot& seen, TimePoint now, State& s) const noexcept {
  if (s.learns && s.calls >= s.renew_at) renew(s);
  look_at_arrivals(seen, now, s);
  if (!s.plan.known() || seen.first.empty()) {
    const BatchAction action = run(all(seen));
    return note_decision(seen, action, s), action;
  }
  const Choice choice(*this, seen, now, s);
  const BatchAction action = choice.decide();
  note_decision(seen, action, s);
  if (choice.refuses_all()) doubt(seen, now, s);
  return action;
}

void TableBatch::observe(State& s, const BatchSample& sample) const noexcept {
  const double took = std::max(to_seconds(sample.took), 1e-9);
  const std::uint32_t ran = std::clamp(std::max(sample.rows, sample.padded), 1u, s.plan.most());
  ++s.calls;
  if (s.learns) {
    auto& size = s.sizes[ran];
    size.seconds = size.seconds > 0 ? between(size.seconds, took, 1 / 8.) : took;
    size.fresh = true;
  }
  if (!s.plan.known()) return;
  const double weight = 1 / std::min(static_cast<double>(s.calls), remembered);
  const double ratio = took / s.plan.run(ran);
  s.ratio = between(s.ratio, ratio, weight);
  s.spread = between(s.spread, std::abs(ratio - s.ratio), weight);
}

}  // namespace tailrace
