#include "tailrace/sim/simulate.h"

#include <algorithm>
#include <map>
#include <new>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

#include "tailrace/sim/event_log.h"
#include "tailrace/trace/all.h"

namespace tailrace::detail {
namespace {

using sim::Report;
using sim::SimulateOptions;

Problems check(const load::Arrivals& arrivals, const SimulateOptions& o) {
  Problems problems = load::check(arrivals);
  if (o.requests == 0) problems.add(Code::bad_value, "requests", "a simulation needs at least 1 request; got 0");
  if (o.until < Duration{}) problems.add(Code::bad_value, "until", "the time of the last arrival is 0 or more");
  return problems;
}

Problems no_memory() {
  return Problems(Code::out_of_memory, "requests",
                  "there is not enough memory for what a simulation keeps of requests");
}

// Means over time of what changes only when the clock stands.
class States {
 public:
  explicit States(const std::vector<QueueView>& queues) : queues_(queues), waiting_(queues.size() + 1) {}

  // So much time passes; nothing changes meanwhile.
  void pass(double time, sim::VirtualTime& executor, std::uint32_t in_flight) {
    const auto now = executor.occupancy();
    time_ += time;
    held_ += time * now.held;
    in_flight_.pass(time, in_flight);
    waiting_[0].pass(time, now.waiting);
    for (std::size_t i = 0; i < queues_.size(); ++i)
      waiting_[i + 1].pass(time, queues_[i].waiting->load(std::memory_order_relaxed));
    if (running_.size() < now.stages.size()) {
      running_.resize(now.stages.size());
      wasted_.resize(now.stages.size());
    }
    for (std::size_t i = 0; i < now.stages.size(); ++i) {
      running_[i] += time * now.stages[i].running;
      wasted_[i] = to_seconds(now.stages[i].wasted);
    }
  }
  // What was before the first request that counts.
  void begin(const sim::VirtualTime::Occupancy& now) {
    for (const auto& stage : now.stages) {
      calls_before_.push_back(stage.calls);
      wasted_before_.push_back(to_seconds(stage.wasted));
    }
  }
  void end(const sim::VirtualTime::Occupancy& now) {
    for (const auto& stage : now.stages) {
      const auto i = stages_.size();
      stages_.push_back({stage.where, stage.calls - (i < calls_before_.size() ? calls_before_[i] : 0), 0, 0,
                         stage.holds_worker ? ~0u : 0});
    }
  }
  void write(Report& r) const {
    const double all = time_ > 0 ? time_ : 1;
    r.held = held_ / all;
    r.in_flight = in_flight_.sum / all;
    r.most_in_flight = in_flight_.most;
    for (std::size_t i = 0; i < waiting_.size(); ++i)
      r.queues.push_back({i ? queues_[i - 1].where : "", waiting_[i].sum / all, waiting_[i].most});
    r.stages = stages_;
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      Report::Stage& stage = r.stages[i];
      if (i < running_.size()) {
        stage.running = running_[i] / all;
        stage.wasted = (wasted_[i] - (i < wasted_before_.size() ? wasted_before_[i] : 0)) / all;
      }
      if (stage.places) stage.places = r.workers;
      for (const QueueView& q : queues_)
        if (q.where == stage.where && q.limit) stage.places = q.limit;
    }
  }

 private:
  struct Level {
    double sum = 0;
    std::uint32_t most = 0;
    void pass(double time, std::uint32_t level) {
      sum += time * level;
      most = std::max(most, level);
    }
  };
  const std::vector<QueueView>& queues_;
  double time_ = 0, held_ = 0;
  Level in_flight_;
  std::vector<Level> waiting_;  // for a worker, then at the queues
  std::vector<double> running_, wasted_, wasted_before_;
  std::vector<std::uint64_t> calls_before_;
  std::vector<Report::Stage> stages_;
};

class Run final : public Simulation {
 public:
  Run(std::string flow, const load::Arrivals& arrivals, const Request& request, const SimulateOptions& options,
      std::shared_ptr<sim::VirtualTime> time)
      : flow_(std::move(flow)),
        request_(request),
        options_(options),
        time_(std::move(time)),
        start_(time_->now()),
        first_id_(seed_of({options.seed, number_of("requests")})),
        all_(options.requests > ~std::uint64_t{0} - options.warm_up ? ~std::uint64_t{0}
                                                                    : options.requests + options.warm_up),
        think_(seed_of({options.seed, number_of("think")})) {
    if (const auto* closed = std::get_if<load::Closed>(&arrivals)) begin_clients(*closed);
    else times_.emplace(arrivals, options.seed);
    latencies_.reserve(std::min<std::uint64_t>(options.requests, 1 << 20));
  }

  Built<EngineCore> start(std::shared_ptr<const PlanData> plan) override {
    if (options_.events)
      events_ = std::make_shared<sim::EventTable>(time_, *options_.events, first_id_, options_.events_detail);
    return EngineCore::start(std::move(plan),
                             {options_.max_in_flight, options_.max_losers, unlimited, options_.ageing, options_.shed},
                             time_, trace::all({events_, options_.observer}), {}, options_.policies);
  }

  Built<Report> run(const std::vector<QueueView>& queues, const Figures& figures, const Submit& submit) override {
    States states(queues);
    submit_ = &submit;
    figures_ = &figures;
    states_ = &states;
    if (options_.raw) *options_.raw << "request,arrival_ns,latency_ns,code,rung,winner,anytime,fallback,late\n";
    if (times_) arm_next();
    try {
      for (;;) {
        const TimePoint before = time_->now();
        if (!time_->run_to_next() || failure_) break;
        if (counting_) states.pass(to_seconds(time_->now() - before), *time_, in_flight_);
      }
      disarm();
      if (failure_) return Problems(failure_->code(), "input", std::string(failure_->what()));
      states.end(time_->occupancy());
      return report(states, figures());
    } catch (const std::bad_alloc&) {
      disarm();
      return no_memory();
    }
  }

 private:
  struct Moment : Timer {
    Run* run;
    Moment* next_free;
  };

  // ---- arrivals

  // Clients of a closed loop are all alike: each answer, and the start, lets one of them think and then ask.
  void begin_clients(const load::Closed& closed) {
    closed_ = closed;
    clients_.resize(closed.clients);
    for (Moment& c : clients_) {
      c.run = this;
      c.fire = [](Timer& timer) noexcept {
        Moment& client = static_cast<Moment&>(timer);
        client.next_free = std::exchange(client.run->free_, &client);
        client.run->send(timer.due);
      };
      time_->wake_at(start_, c);
    }
  }
  void think() noexcept {
    Moment& client = *std::exchange(free_, free_->next_free);
    const double share = closed_.random ? think_.exponential() : 1;
    time_->wake_at(time_->now() + to_duration(to_seconds(closed_.think) * share), client);
  }
  // The next arrival of an open process, if there is one.
  void arm_next() noexcept {
    const Duration next = sent_ < all_ ? times_->next() : Duration::max();
    if (next > options_.until || next == Duration::max()) return end_window();
    arrival_.run = this;
    arrival_.fire = [](Timer& timer) noexcept {
      Run& run = *static_cast<Moment&>(timer).run;
      run.send(timer.due);
      if (!run.failure_) run.arm_next();
    };
    time_->wake_at(start_ + next, arrival_);
  }
  // One more request, which arrives at that time.
  void send(TimePoint arrival) noexcept {
    if (sent_ == all_ || arrival - start_ > options_.until) return end_window();
    try {
      if (sent_ == options_.warm_up) begin_window(arrival);
      Request request = request_;
      request.id = first_id_ + sent_;
      if (request.within != Duration{} && request.within < never - arrival)
        request.deadline = std::min(request.deadline, arrival + request.within);
      request.within = {};
      const Answered answered{this, sent_, arrival, request.deadline};
      last_arrival_ = arrival;
      if (++sent_ == all_) end_window();
      ++in_flight_;
      if (const Status refused = (*submit_)(request, answered); !refused) record(answered, refused.error(), {});
    } catch (...) {
      failure_ = thrown();
    }
  }
  void begin_window(TimePoint arrival) {
    counting_ = true;
    first_arrival_ = arrival;
    states_->begin(time_->occupancy());
    before_ = (*figures_)();
  }
  void end_window() noexcept { counting_ = false; }
  // Nothing of this is called any more.
  void disarm() noexcept {
    submit_ = nullptr;
    time_->cancel(arrival_);
    for (Moment& c : clients_) time_->cancel(c);
  }

  // ---- answers

  void record(const Answered& answered, const Error& error, const Facts& facts) noexcept override {
    --in_flight_;
    if (!submit_) return;
    // An answer at the deadline stands from then on, even where its callback waits for a worker.
    const Duration latency = std::min(time_->now(), answered.deadline) - answered.arrival;
    try {
      if (answered.number >= options_.warm_up) count(latency, error, facts);
      if (options_.raw) write_raw(answered, latency, error.code(), facts);
    } catch (...) {
      failure_ = thrown();
    }
    if (!times_ && !failure_) think();
  }
  void count(Duration latency, const Error& error, const Facts& facts) {
    Report::Outcomes& outcomes = outcomes_[error.code()];
    if (outcomes.requests++ == 0 && error.code() != Code::none) outcomes.example = describe(error);
    ++counted_;
    anytime_ += facts.anytime;
    fallback_ += facts.fallback;
    late_ += facts.late;
    if (error.code() == Code::none) latencies_.push_back(latency);
  }
  void write_raw(const Answered& answered, Duration latency, Code code, const Facts& facts) const {
    std::ostream& out = *options_.raw;
    const auto number = [&](int n) { out << (n < 0 ? "" : std::to_string(n)) << ','; };
    out << answered.number << ',' << (answered.arrival - start_).count() << ',' << latency.count() << ',';
    out << (code == Code::none ? "answered" : name(code)) << ',';
    number(facts.rung);
    number(facts.winner);
    out << facts.anytime << ',' << facts.fallback << ',' << facts.late << '\n';
  }

  Report report(const States& states, const EngineFigures& after) {
    Report r;
    r.flow = flow_;
    r.seed = options_.seed;
    r.workers = options_.workers;
    r.requests = sent_ > options_.warm_up ? sent_ - options_.warm_up : 0;
    r.time = r.requests ? last_arrival_ - first_arrival_ : Duration{};
    if (const auto open = r.requests - counted_) {
      Report::Outcomes& outcomes = outcomes_[Code::shutting_down];
      outcomes.requests += open;
      outcomes.example = "nothing was left to happen that could have answered it";
    }
    for (auto& [code, outcomes] : outcomes_) r.outcomes.push_back({code, outcomes.requests, outcomes.example});
    r.anytime = anytime_;
    r.fallback = fallback_;
    r.late = late_;
    r.copies = after.copies - before_.copies;
    r.copies_won = after.copies_won - before_.copies_won;
    r.copies_refused = after.copies_refused - before_.copies_refused;
    r.latency = sim::summarise(std::move(latencies_));
    states.write(r);
    return r;
  }

  const std::string flow_;
  const Request request_;
  const SimulateOptions options_;
  const std::shared_ptr<sim::VirtualTime> time_;
  const TimePoint start_;
  const std::uint64_t first_id_;
  const std::uint64_t all_;
  std::shared_ptr<sim::EventTable> events_;
  const Submit* submit_ = nullptr;
  const Figures* figures_ = nullptr;
  EngineFigures before_;  // the first request that counts
  States* states_ = nullptr;

  std::optional<load::ArrivalTimes> times_;  // none: a closed loop
  Moment arrival_;
  load::Closed closed_;
  std::vector<Moment> clients_;
  Moment* free_ = nullptr;
  Random think_;

  std::uint64_t sent_ = 0;
  std::uint32_t in_flight_ = 0;
  bool counting_ = false;
  TimePoint first_arrival_{}, last_arrival_{};
  std::optional<Error> failure_;

  std::map<Code, Report::Outcomes> outcomes_;
  std::uint64_t counted_ = 0, anytime_ = 0, fallback_ = 0, late_ = 0;
  std::vector<Duration> latencies_;
};

}  // namespace

Built<std::unique_ptr<Simulation>> Simulation::prepare(const std::string& flow, const load::Arrivals& arrivals,
                                                       const Request& request, const SimulateOptions& options) {
  try {
    Problems problems = check(arrivals, options);
    auto time = sim::virtual_time({.workers = options.workers});
    if (!time) problems.add(std::move(time).error());
    if (!problems.empty()) return problems;
    return std::unique_ptr<Simulation>(std::make_unique<Run>(flow, arrivals, request, options, std::move(*time)));
  } catch (const std::bad_alloc&) {
    return no_memory();
  }
}

}  // namespace tailrace::detail
