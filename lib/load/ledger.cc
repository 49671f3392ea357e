#include "load/ledger.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>

namespace tailrace::load {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
using Later = std::greater<TimePoint>;

}  // namespace

// ---- Done

std::uint64_t Done::id() const noexcept { return ledger_->first_id() + number_; }
TimePoint Done::intended() const noexcept { return ledger_->start() + ledger_->intended(number_); }
void Done::operator()(Code code, const Facts& facts) const noexcept { ledger_->tell(number_, code, facts); }

// ---- Ledger

Done::Ledger::Ledger(std::uint64_t seed, std::uint64_t warm_up, std::uint64_t lines, bool counts)
    : first_id_(seed_of({seed, number_of("requests")})), warm_up_(warm_up), lines_(lines) {
  if (counts) counts_ = std::make_unique<std::array<std::atomic<std::uint32_t>, 64 << digits>>();
}

void Done::Ledger::send(std::uint64_t number) noexcept {
  lines_[number].sent = Clock::now() - start_;
  users_.fetch_add(1, relaxed);
}

void Done::Ledger::tell(std::uint64_t number, Code code, const Facts& facts) noexcept {
  Line& line = lines_[number];
  if (line.claimed.exchange(true, relaxed)) return;
  const Duration now = Clock::now() - start_;
  line.code = code;
  line.facts = facts;
  line.told.store(now.count() + 1, std::memory_order_release);
  if (counts_ && code == Code::none && number >= warm_up_)
    (*counts_)[bucket_of(now - line.intended)].fetch_add(1, relaxed);
  if (clients_) think();
  leave();
}

void Done::Ledger::leave() noexcept {
  if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

Sample Done::Ledger::sample(std::uint64_t number) const noexcept {
  const Line& line = lines_[number];
  const auto told = line.told.load(std::memory_order_acquire);
  Sample s;
  s.number = number;
  s.arrival = line.intended;
  s.lateness = line.sent - line.intended;
  s.unanswered = told == 0;
  if (s.unanswered) return s;
  s.latency = Duration(told - 1) - line.intended;
  s.code = line.code;
  s.facts = line.facts;
  return s;
}

// Below 2^digits each nanosecond has a bucket; above, buckets are as wide as a 2^digits-th of the power of two below.
std::size_t Done::Ledger::bucket_of(Duration latency) noexcept {
  const auto ns = static_cast<std::uint64_t>(std::max<Duration::rep>(latency.count(), 0));
  if (ns < (1u << digits)) return ns;
  const int power = std::bit_width(ns) - 1 - digits;
  return (static_cast<std::size_t>(power) << digits) + (ns >> power);
}
double Done::Ledger::lower_end(std::size_t bucket) noexcept {
  const std::size_t power = bucket >> digits;
  if (power < 2) return static_cast<double>(bucket);
  return std::ldexp(static_cast<double>((bucket & ((1u << digits) - 1)) + (1u << digits)), static_cast<int>(power) - 1);
}

bool Done::Ledger::settled(double precise) const noexcept {
  std::uint64_t all = 0;
  for (const auto& c : *counts_) all += c.load(relaxed);
  if (all < 1000) return false;
  const Ranks ranks = interval_ranks(all, .99);
  std::uint64_t seen = 0;
  double low = 0, middle = 0;
  for (std::size_t b = 0; b < counts_->size(); ++b) {
    const std::uint64_t before = seen;
    seen += (*counts_)[b].load(relaxed);
    const auto holds = [&](std::uint64_t rank) { return before < rank && rank <= seen; };
    if (holds(ranks.low)) low = lower_end(b);
    if (holds(all - all / 100)) middle = lower_end(b);
    if (holds(ranks.high)) return lower_end(b + 1) - low <= precise * middle;
  }
  return false;
}

// ---- clients

void Done::Ledger::begin_clients(const Closed& closed, std::uint64_t seed, TimePoint now) {
  auto clients = std::make_unique<Clients>();
  clients->due.assign(closed.clients, now);
  clients->think = closed.think;
  clients->random = closed.random;
  clients->draws = Random(seed_of({seed, number_of("think")}));
  clients_ = std::move(clients);
}

void Done::Ledger::think() noexcept {
  Clients& c = *clients_;
  const std::lock_guard lock(c.mutex);
  const double share = c.random ? c.draws.exponential() : 1;
  c.due.push_back(Clock::now() + to_duration(to_seconds(c.think) * share));  // no more than there are clients
  std::push_heap(c.due.begin(), c.due.end(), Later());
  c.changed.notify_one();
}

TimePoint Done::Ledger::next_client(TimePoint until) noexcept {
  Clients& c = *clients_;
  std::unique_lock lock(c.mutex);
  for (;;) {
    const TimePoint now = Clock::now();
    if (!c.due.empty() && c.due.front() <= now) break;
    if (now >= until) return never;
    // By the wait that needs no look at a time point far away, which some systems take for one in the past.
    const TimePoint wake = std::min(until, now + std::chrono::seconds(1));
    c.changed.wait_until(lock, c.due.empty() ? wake : std::min(wake, c.due.front()));
  }
  const TimePoint due = c.due.front();
  std::pop_heap(c.due.begin(), c.due.end(), Later());
  c.due.pop_back();
  return due;
}

}  // namespace tailrace::load
