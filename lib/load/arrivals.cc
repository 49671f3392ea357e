#include "tailrace/load/arrivals.h"

#include <algorithm>
#include <cmath>

namespace tailrace::load {
namespace {

// ---- check

class Checker {
 public:
  Problems operator()(const Poisson& p) {
    rate("rate", p.rate);
    some(p.rate > 0);
    return std::move(problems_);
  }
  Problems operator()(const Mmpp& p) {
    rate("rate_hi", p.rate_hi);
    rate("rate_lo", p.rate_lo);
    dwell("dwell_hi", p.dwell_hi);
    dwell("dwell_lo", p.dwell_lo);
    some(p.rate_hi > 0 || p.rate_lo > 0);
    return std::move(problems_);
  }
  Problems operator()(const Step& p) {
    bool any = false;
    for (std::size_t i = 0; i < p.rates.size(); ++i) {
      const auto& r = p.rates[i];
      rate("rate", r.rate);
      any = any || r.rate > 0;
      if (r.from < (i ? p.rates[i - 1].from : Duration{}))
        wrong("from", "the times of steps are not below 0 and do not fall");
    }
    some(any);
    return std::move(problems_);
  }
  Problems operator()(const Recorded& p) {
    some(!p.times.empty());
    if (!std::is_sorted(p.times.begin(), p.times.end()) || (!p.times.empty() && p.times.front() < Duration{}))
      wrong("times", "recorded times are not below 0 and do not fall");
    return std::move(problems_);
  }
  Problems operator()(const Closed& p) {
    some(p.clients > 0);
    if (p.think < Duration{}) wrong("think", "a client thinks for a time of 0 or more");
    return std::move(problems_);
  }

 private:
  void wrong(const char* where, std::string what) { problems_.add(Code::bad_value, where, std::move(what)); }
  void rate(const char* where, double rate) {
    if (!(rate >= 0 && rate <= 1e9))
      wrong(where, "a rate is a number of requests a second from 0 to 1e9; got " + std::to_string(rate));
  }
  void dwell(const char* where, Duration dwell) {
    if (dwell <= Duration{}) wrong(where, "a rate is kept for a time above 0");
  }
  void some(bool any) {
    if (!any && problems_.empty())
      wrong("arrivals", "nothing would ever arrive: a rate, a time or a client is missing");
  }
  Problems problems_;
};

constexpr double forever = 1e18;  // seconds

}  // namespace

Problems check(const Arrivals& arrivals) { return std::visit(Checker(), arrivals); }

ArrivalTimes::ArrivalTimes(Arrivals arrivals, std::uint64_t seed)
    : arrivals_(std::move(arrivals)), random_(seed_of({seed, number_of("arrivals")})) {
  if (const auto* p = std::get_if<Mmpp>(&arrivals_)) {
    const double hi = to_seconds(p->dwell_hi), lo = to_seconds(p->dwell_lo);
    high_ = random_.chance(hi / (hi + lo));
    change_ = random_.exponential() * (high_ ? hi : lo);
  }
}

Duration ArrivalTimes::next() noexcept {
  return std::visit([this](const auto& process) { return next_of(process); }, arrivals_);
}

Duration ArrivalTimes::next_of(const Poisson& p) noexcept {
  now_ += random_.exponential() / p.rate;
  return to_duration(now_);
}

// Whenever the rate changes the wait begins anew, which an exponential one does not notice.
Duration ArrivalTimes::next_of(const Mmpp& p) noexcept {
  for (;;) {
    const double rate = high_ ? p.rate_hi : p.rate_lo;
    const double due = rate > 0 ? now_ + random_.exponential() / rate : forever;
    if (due < change_) return to_duration(now_ = due);
    now_ = change_;
    high_ = !high_;
    change_ += random_.exponential() * to_seconds(high_ ? p.dwell_hi : p.dwell_lo);
  }
}

Duration ArrivalTimes::next_of(const Step& p) noexcept {
  for (; place_ < p.rates.size(); ++place_) {
    const double rate = p.rates[place_].rate;
    now_ = std::max(now_, to_seconds(p.rates[place_].from));
    const double end = place_ + 1 < p.rates.size() ? to_seconds(p.rates[place_ + 1].from) : forever;
    const double due = rate > 0 ? now_ + random_.exponential() / rate : forever;
    if (due < end) return to_duration(now_ = due);
  }
  return Duration::max();
}

Duration ArrivalTimes::next_of(const Recorded& p) noexcept {
  return place_ < p.times.size() ? p.times[place_++] : Duration::max();
}

}  // namespace tailrace::load
