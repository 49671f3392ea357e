#include "tailrace/policy/forecast.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "tailrace/core/random.h"

namespace tailrace {
namespace {

using Values = std::array<double, LatencySketch::buckets>;

double middle(std::size_t bucket) noexcept { return LatencySketch::middle_of(bucket) * 1e-9; }

// Work of calls and copies, per call: how many there are, the sum of their lengths and of the squares; how many copies
// win, and how long call and copy are at it together.
struct Jobs {
  double n = 0, sum = 0, squares = 0, won = 0, paired = 0;
  void add(double share, double length, double square) noexcept {
    n += share;
    sum += share * length;
    squares += share * square;
  }
};

// One walk over X from the delay on. The share of Y below X - d, and the sums of such Y and of their squares, grow
// along with it.
Jobs jobs_of(const HedgeModel& m, double delay, bool copies) noexcept {
  Jobs all;
  double faster = 0, sum = 0, squares = 0, mean = 0, square = 0;
  for (std::size_t b = m.first; b < m.end; ++b) {
    mean += m.share[b] * middle(b);
    square += m.share[b] * middle(b) * middle(b);
  }
  std::size_t y = m.first;
  for (std::size_t b = m.first; b < m.end; ++b) {
    const double x = middle(b), rest = x - delay, share = m.share[b];
    if (!copies || rest <= 0) {
      all.add(share, x, x * x);
      continue;
    }
    for (; y < m.end && middle(y) < rest; ++y) {
      faster += m.share[y];
      sum += m.share[y] * middle(y);
      squares += m.share[y] * middle(y) * middle(y);
    }
    all.won += share * faster;
    const double length = sum + (1 - faster) * rest, length2 = squares + (1 - faster) * rest * rest;  // of min(Y, rest)
    all.paired += share * length;
    if (m.stop >= 0) {
      const double called = m.stop * faster, copied = m.stop * (1 - faster);  // whoever comes second goes on so long
      all.add(share, delay + length + called,
              delay * delay + 2 * delay * length + length2 + called * (2 * (delay + length) + m.stop));
      all.add(share, length + copied, length2 + copied * (2 * length + m.stop));
    } else {
      all.add(share, x, x * x);
      all.add(share, mean, square);
    }
  }
  return all;
}

// P(V + wait > t) of a V with these shares: a wait is 0 or, with a probability, exponential.
struct Wait {
  double chance = 0, mean = 0;
};
Values tail_with(const HedgeModel& m, const Values& share, Wait wait) noexcept {
  Values tail{};
  double above = 1, delayed = 0, before = 0;
  for (std::size_t b = m.first; b < m.end; ++b) {
    const double t = middle(b);
    if (delayed > 0) delayed *= detail::same_exp(std::max(-700., -(t - before) / wait.mean));
    if (wait.chance > 0) delayed += share[b];
    above -= share[b];
    before = t;
    tail[b] = std::max(0., above) + wait.chance * delayed;
  }
  return tail;
}

Wait wait_of(const HedgeModel& m, const Jobs& jobs, double load) noexcept {
  if (m.places == 0) return {};
  const double busy = std::clamp(load, 1e-9, .99), places = m.places / (1 + jobs.paired / jobs.sum);
  const double power = std::sqrt(2 * (places + 1)) - 1;
  const double mean = jobs.squares / (2 * jobs.sum) / (places * (1 - busy));
  return {detail::same_exp(std::max(-700., power * detail::same_log(busy))), std::max(mean, 1e-12)};
}

// Where a tail falls to one in a hundred.
double p99_of(const HedgeModel& m, const Values& tail, Wait wait) noexcept {
  double before = 1, at = 0;
  for (std::size_t b = m.first; b < m.end; ++b) {
    const double t = middle(b);
    if (tail[b] <= .01) return before > tail[b] ? at + (t - at) * (before - .01) / (before - tail[b]) : t;
    before = tail[b];
    at = t;
  }
  return at + wait.mean * std::max(0., detail::same_log(std::max(before, 1e-9) / .01));
}

// The shares of T = min(X, d + Y + the copy's wait).
Values first_of_two(const HedgeModel& m, const Values& copy, double delay) noexcept {
  Values share{};
  double above = 1, before = 1;
  std::size_t y = m.first;
  for (std::size_t b = m.first; b < m.end; ++b) {
    above -= m.share[b];
    const double rest = middle(b) - delay;
    while (y < m.end && middle(y) <= rest) ++y;
    const double still = rest > 0 && y > m.first ? std::min(1., copy[y - 1]) : 1;
    const double tail = std::min(before, std::max(0., above) * still);
    share[b] = before - tail;
    before = tail;
  }
  return share;
}

HedgeForecast forecast(const HedgeModel& m, double delay, bool copies) noexcept {
  const Jobs alone = jobs_of(m, 0, false);
  if (alone.sum <= 0) return {};
  const Jobs jobs = jobs_of(m, delay, copies);
  HedgeForecast f;
  f.work = jobs.sum / alone.sum - 1;
  f.copies = jobs.n - alone.n;
  f.chance = f.copies > 0 ? jobs.won / f.copies : 0;
  const Wait wait = wait_of(m, jobs, m.load * (1 + f.work));
  const Values share = copies ? first_of_two(m, tail_with(m, m.share, wait), delay) : m.share;
  f.p99 = p99_of(m, tail_with(m, share, wait), wait);
  return f;
}

}  // namespace

HedgeModel::HedgeModel(const LatencySketch& calls, double load_of_places, std::uint32_t number_of_places,
                       double losers_stop)
    : share(calls.shares()), load(load_of_places), places(number_of_places), stop(losers_stop) {
  while (end < share.size() && share[end] == 0) ++end;
  first = end;
  for (std::size_t b = first; b < share.size(); ++b)
    if (share[b] > 0) end = b + 1;
}

HedgeForecast HedgeModel::with_copies_at(Duration delay) const noexcept {
  return forecast(*this, to_seconds(delay), true);
}
HedgeForecast HedgeModel::without() const noexcept { return forecast(*this, 0, false); }

}  // namespace tailrace
