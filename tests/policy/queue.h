#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "tailrace/core/random.h"
#include "tailrace/policy/hedge.h"

// One stage with a few places and one queue, calls that come at random, and a hedging policy: what policies are judged
// by without an engine. All of it is a function of its seed.
namespace tailrace::test {

// Seconds that a call takes.
using Service = std::function<double(Random&)>;
inline Service lognormal(double median, double sigma) {
  return [=](Random& r) { return median * std::exp(sigma * r.normal()); };
}
inline Service gamma3(double mean) {
  return [=](Random& r) { return mean / 3 * (r.exponential() + r.exponential() + r.exponential()); };
}
inline Service pareto(double least, double shape) {
  return [=](Random& r) { return least * std::pow(r.uniform(), -1 / shape); };
}
inline Service stalls(double usual, double stall, double share) {
  return [=](Random& r) { return usual * (0.9 + 0.2 * r.uniform()) + (r.uniform() < share ? stall : 0); };
}

inline Duration seconds(double s) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s)); }
inline double in_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

struct Load {
  Service service;
  double load = 0.3;  // of the places, without copies
  unsigned places = 2;
  bool kills = true;           // a call that is told to stop ends at its next checkpoint
  bool of_the_input = false;   // a copy takes as long as its call
  double checkpoint = 0.0005;  // seconds between them
  std::size_t requests = 100000;
  std::uint64_t seed = 1;
};
struct Judged {
  double p50 = 0, p99 = 0, mean = 0;  // seconds
  double copies = 0;                  // share of calls that had one
};

template <class P>
class Queue {
 public:
  Queue(const P& policy, const Load& load) : policy_(policy), load_(load) {}

  Judged run() {
    draw();
    while (!events_.empty()) {
      const Event e = events_.top();
      events_.pop();
      now_ = e.at;
      switch (e.what) {
        case What::arrives: arrive(e.request); break;
        case What::ends: end(e.request, e.copy); break;
        case What::asks: ask(e.request); break;
      }
    }
    return judged();
  }

 private:
  enum class What { arrives, ends, asks };
  struct Event {
    double at;
    std::uint64_t order;
    What what;
    std::size_t request;
    bool copy;
    bool operator<(const Event& o) const { return at != o.at ? at > o.at : order > o.order; }
  };
  enum class Stands { nowhere, waits, works, over };
  struct Call {
    double takes = 0, began = 0, ends = 0;  // began: 0 before it has its place
    Stands stands = Stands::nowhere;
  };
  struct Request {
    double arrived = 0, answered = -1;
    Call call[2];
  };

  void draw() {
    Random random(load_.seed), of_arrivals(load_.seed + 1000);
    double sum = 0;
    requests_.resize(load_.requests);
    for (Request& r : requests_) {
      r.call[0].takes = load_.service(random);
      r.call[1].takes = load_.service(random);
      if (load_.of_the_input) r.call[1].takes = r.call[0].takes;
      sum += r.call[0].takes;
    }
    const double gap = sum / static_cast<double>(load_.requests) / load_.places / load_.load;
    double at = 0;
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      requests_[i].arrived = at += gap * of_arrivals.exponential();
      push(at, What::arrives, i, false);
    }
  }
  void push(double at, What what, std::size_t request, bool copy) { events_.push({at, order_++, what, request, copy}); }

  HedgeSnapshot look(Duration age, const Request& r) const {
    const bool waits = age > Duration{} && r.call[0].stands == Stands::waits;
    return {age, working_ + waiting_, load_.places, waits, waits ? age : waited(r)};
  }
  // How long the call waited for its place, up to now.
  Duration waited(const Request& r) const {
    if (r.call[0].stands == Stands::nowhere) return {};
    return seconds((r.call[0].began > 0 ? r.call[0].began : now_) - r.arrived);
  }
  void arrive(std::size_t i) {
    const HedgeAction action = policy_.decide(look({}, requests_[i]), {}, state_);
    refill();
    add(i, false);
    follow(i, action);
  }
  void ask(std::size_t i) {
    Request& r = requests_[i];
    if (r.answered >= 0) return;
    follow(i, policy_.decide(look(std::max(seconds(now_ - r.arrived), Duration{1}), r), {}, state_));
  }
  void follow(std::size_t i, const HedgeAction& action) {
    if (action.kind == HedgeAction::Kind::wait)
      push(requests_[i].arrived + in_seconds(action.age), What::asks, i, false);
    if (action.kind == HedgeAction::Kind::start && take()) add(i, true), ++copies_;
  }
  void refill() {
    if constexpr (requires { policy_.budget(); })
      left_ = std::min(left_ + policy_.budget().share, policy_.budget().burst);
  }
  bool take() {
    if constexpr (requires { policy_.budget(); }) return left_ >= 1 && (left_ -= 1, true);
    else return true;
  }

  void add(std::size_t i, bool copy) {
    Call& c = requests_[i].call[copy];
    c.stands = Stands::waits;
    ++waiting_;
    queue_.push_back({i, copy});
    begin_next();
  }
  void begin_next() {
    while (working_ < load_.places && !queue_.empty()) {
      const auto [i, copy] = queue_.front();
      queue_.pop_front();
      Call& c = requests_[i].call[copy];
      if (c.stands != Stands::waits) continue;  // was taken out
      c.stands = Stands::works;
      --waiting_;
      ++working_;
      c.began = now_;
      push(c.ends = now_ + c.takes, What::ends, i, copy);
    }
  }
  void end(std::size_t i, bool copy) {
    Request& r = requests_[i];
    Call& c = r.call[copy];
    if (c.stands != Stands::works || c.ends > now_) return;
    c.stands = Stands::over;
    --working_;
    if (r.answered < 0) answer(r, i, copy);
    else policy_.observe(state_, {HedgeSample::Kind::stopped, seconds(now_ - r.answered), {}, false});
    begin_next();
  }
  void answer(Request& r, std::size_t i, bool copy) {
    r.answered = now_;
    const Duration age = seconds(now_ - r.arrived);
    Call& other = r.call[!copy];
    if (copy) policy_.observe(state_, {HedgeSample::Kind::copy, seconds(now_ - r.call[1].began), age, true, waited(r)});
    else policy_.observe(state_, {HedgeSample::Kind::call, age, {}, other.stands != Stands::nowhere, waited(r)});
    if (other.stands == Stands::waits) other.stands = Stands::over, --waiting_;
    if (other.stands != Stands::works || !load_.kills) return;
    const double worked = now_ - other.began;
    other.ends = std::min(other.ends, other.began + std::ceil(worked / load_.checkpoint) * load_.checkpoint);
    push(std::max(other.ends, now_), What::ends, i, !copy);
    other.ends = std::max(other.ends, now_);
  }

  Judged judged() const {
    std::vector<double> times;
    for (std::size_t i = requests_.size() / 10; i < requests_.size(); ++i)
      times.push_back(requests_[i].answered - requests_[i].arrived);
    std::sort(times.begin(), times.end());
    Judged j;
    for (double t : times) j.mean += t / static_cast<double>(times.size());
    j.p50 = times[times.size() / 2];
    j.p99 = times[times.size() * 99 / 100];
    j.copies = static_cast<double>(copies_) / static_cast<double>(requests_.size());
    return j;
  }

  const P& policy_;
  const Load& load_;
  typename P::State state_;
  std::vector<Request> requests_;
  std::priority_queue<Event> events_;
  std::deque<std::pair<std::size_t, bool>> queue_;
  std::uint64_t order_ = 0;
  double now_ = 0, left_ = 8;
  std::uint32_t working_ = 0, waiting_ = 0;
  std::size_t copies_ = 0;
};

template <class P>
Judged judge(const P& policy, const Load& load) {
  return Queue<P>(policy, load).run();
}

}  // namespace tailrace::test
