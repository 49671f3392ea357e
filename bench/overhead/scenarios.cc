#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

#include "overhead/scenario.h"

namespace overhead {
namespace {

using namespace std::chrono_literals;
using bench::Arm, bench::Comparison, bench::Figure, bench::Results, bench::Table, bench::text;

std::vector<Arm> m1_arms(int length) {
  const auto n = " " + std::to_string(length);
  return {{"std::function chain" + n, function_chain(length)},
          {"fused block alone" + n, block_chain(length)},
          {"whole request" + n, request_chain(length, Fuse::yes)}};
}
std::vector<Arm> m2_arms(int length) {
  std::vector<Arm> arms;
  const auto n = " " + std::to_string(length);
#if TAILRACE_HAS_TBB
  arms.push_back({"flow graph" + n, flow_graph_chain(length, Body::hard_coded)});
  arms.push_back({"flow graph over std::function" + n, flow_graph_chain(length, Body::function)});
#endif
  arms.push_back({"one block per stage" + n, request_chain(length, Fuse::no)});
  return arms;
}
// Those whose answer is their input, and those of one stage.
std::vector<Arm> m4_empty_arms() {
  return {{"direct call that does nothing", no_call()}, {"empty pipeline", request_chain(0, Fuse::yes)}};
}
std::vector<Arm> m4_stage_arms() {
  return {{"direct call", direct_call()},
          {"one stage", request_chain(1, Fuse::yes)},
          {"one quick stage with a deadline", quick_stage_with_deadline()}};
}
std::vector<Arm> m4_learned_arms() {
  return {{"direct call of 1 us", direct_microsecond()},
          {"one stage of 1 us with a deadline, learned", learned_stage_with_deadline()}};
}
// What the same costs before the engine knows the stage: the request is handed over to a worker, which may sleep.
void m4_unlearned(Results& r) {
  constexpr int engines = 50, calls = 10;
  std::vector<bench::Series> by_call(calls);
  for (int i = 0; i < engines; ++i) {
    const auto ns = first_calls_with_deadline(calls);
    for (int call = 0; call < calls; ++call)
      by_call[static_cast<std::size_t>(call)].push_back(ns[static_cast<std::size_t>(call)]);
  }
  Table t{"m4: the first requests with a deadline, one stage of 1 us",
          "Of " + std::to_string(engines) + " fresh engines with one worker each, one request after the other.",
          {"request", "ns least", "ns median"},
          {}};
  for (std::size_t call = 0; call < by_call.size(); ++call) {
    const auto ns = bench::stats(by_call[call]);
    t.rows.push_back({std::to_string(call + 1), text(ns.min), text(ns.median)});
  }
  r.tables.push_back(std::move(t));
}

std::vector<Arm> station_arms(int length) {
  std::vector<Arm> arms;
  const auto n = " " + std::to_string(length);
#if TAILRACE_HAS_TBB
  arms.push_back({"serial nodes" + n, serial_nodes(length, Put::in_a_task)});
  arms.push_back({"serial nodes, lightweight" + n, serial_nodes(length, Put::lightweight)});
#endif
  arms.push_back({"serial stages" + n, station_chain(length, Queue::serial)});
  arms.push_back({"stages with a limit" + n, station_chain(length, Queue::limit)});
  return arms;
}
std::vector<Arm> in_flight_arms(int length) {
  std::vector<Arm> arms;
  const auto n = " " + std::to_string(length);
#if TAILRACE_HAS_TBB
  arms.push_back({"serial nodes" + n, serial_nodes_in_flight(length, Put::in_a_task)});
  arms.push_back({"serial nodes, lightweight" + n, serial_nodes_in_flight(length, Put::lightweight)});
#endif
  arms.push_back({"serial stages" + n, stations_in_flight(length, Queue::serial)});
  return arms;
}
// Whole requests: ours are submitted, and their callbacks submit the next ones.
std::vector<Arm> saturated_arms() {
  auto arms = in_flight_arms(1);
  arms.push_back({"stage without a queue 1", stations_in_flight(1, Queue::none)});
  return arms;
}

std::vector<Arm> m9_arms() {
  return {{"hedge off", hedged_stage(Hedge::off)},
          {"hedge armed, fixed delay", hedged_stage(Hedge::fixed)},
          {"hedge armed, adaptive", hedged_stage(Hedge::adaptive)}};
}

std::vector<Arm> metrics_arms(int length) {
  const auto n = " " + std::to_string(length);
  return {{"chain" + n, request_chain(length, Fuse::yes)}, {"chain with Metrics" + n, metered_chain(length)}};
}

std::vector<Arm> operator+(std::vector<Arm> a, const std::vector<Arm>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::string state_of(const Comparison& c) {
  const auto foreign = text(c.foreign * 100, 1) + " % of the machine was used by others";
  return c.quiet ? foreign : "Void: " + foreign + " in the quietest of " + std::to_string(c.attempts) + " attempts";
}
Table table_of(const std::string& title, const std::vector<Arm>& arms, const Comparison& c) {
  Table t{title, state_of(c) + ".", {"arm", "ns least", "ns median", "spread %", "x first, median"}, {}};
  for (std::size_t i = 0; i < arms.size(); ++i) {
    const auto ns = bench::stats(c.arms[i]), ratio = bench::stats(bench::divide(c.arms[i], c.arms[0]));
    t.rows.push_back({arms[i].name, text(ns.min), text(ns.median), text(ns.spread * 100, 1), text(ratio.median)});
  }
  return t;
}
void add(Results& r, const Comparison& c, const char* name, const char* what, const bench::Series& s, double limit,
         const char* unit) {
  r.figures.push_back({name, what, bench::stats(s).median, limit, unit, !c.quiet});
}

void m1(const bench::Options& options, Results& r) {
  const auto arms = m1_arms(10) + m1_arms(100);
  const Comparison c = bench::time(arms, options);  // two lengths: answers are compared in check_all_answers
  r.tables.push_back(table_of("m1: fused chains, whole chains", arms, c));
  const auto hop = [&](std::size_t arm) { return bench::slope(c.arms[arm], c.arms[arm + 3], 90); };
  add(r, c, "m1.hop_time", "fused chain against a std::function chain, per hop (slope from 10 to 100), whole request",
      bench::divide(hop(2), hop(0)), 1.25, "x");
  add(r, c, "m1.block_hop_time", "the same, the block alone without a request around it", bench::divide(hop(1), hop(0)),
      1.25, "x");
}

void m2(const bench::Options& options, Results& r) {
  for (int length : {10, 100}) {
    const auto arms = m2_arms(length);
    const Comparison c = bench::compare(arms, options);
    const auto n = std::to_string(length);
    r.tables.push_back(table_of("m2: one block per stage, chain of " + n, arms, c));
    if (arms.size() < 3) continue;  // no oneTBB, no rival
    add(r, c, ("m2.time_" + n).c_str(), "one block per stage against the hand-written flow graph, hard-coded bodies",
        bench::divide(c.arms[2], c.arms[0]), .8, "x");
  }
}

void m4(const bench::Options& options, Results& r) {
  const auto empty = m4_empty_arms(), stage = m4_stage_arms(), learned = m4_learned_arms();
  const Comparison e = bench::compare(empty, options), s = bench::compare(stage, options);
  const Comparison l = bench::compare(learned, options);
  r.tables.push_back(table_of("m4: from the call to the answer, empty pipeline", empty, e));
  r.tables.push_back(table_of("m4: from the call to the answer, one stage", stage, s));
  add(r, e, "m4.empty_time", "empty pipeline, more than a direct call", bench::subtract(e.arms[1], e.arms[0]), 40,
      "ns");
  add(r, s, "m4.quick_deadline_time", "one quick stage with a deadline, more than a direct call",
      bench::subtract(s.arms[2], s.arms[0]), 120, "ns");
  r.tables.push_back(table_of("m4: from the call to the answer, one stage of 1 us", learned, l));
  add(r, l, "m4.learned_deadline_time", "one learned stage of 1 us with a deadline, more than a direct call",
      bench::subtract(l.arms[1], l.arms[0]), 120, "ns");
  m4_unlearned(r);
}

// Hand-offs at stages that work on one request at a time: slopes, from chains of 10 and 100.
void stations(const bench::Options& options, Results& r) {
  const auto one = station_arms(10) + station_arms(100), two = in_flight_arms(10) + in_flight_arms(100);
  const Comparison c1 = bench::time(one, options), c2 = bench::time(two, options);
  const auto alone = saturated_arms();
  r.tables.push_back(table_of("Serial stages, one thread", one, c1));
  r.tables.push_back(table_of("Serial stages, two threads", two, c2));
  r.tables.push_back(table_of("One serial stage, two threads", alone, bench::compare(alone, options)));
#if TAILRACE_HAS_TBB
  const auto hop = [](const Comparison& c, std::size_t arm) {
    return bench::slope(c.arms[arm], c.arms[arm + c.arms.size() / 2], 90);
  };
  const auto by = [&](const Comparison& c, std::size_t arm, std::size_t rival) {
    return bench::divide(hop(c, arm), hop(c, rival));
  };
  add(r, c1, "station.hop_time", "serial stages against serial nodes, one thread, per hop", by(c1, 2, 0), 1.2, "x");
  add(r, c1, "station.limit_hop_time", "stages with a limit against serial nodes, one thread, per hop", by(c1, 3, 0),
      1.2, "x");
  add(r, c1, "station.hop_time_light", "serial stages against lightweight serial nodes, one thread, per hop",
      by(c1, 2, 1), 1.2, "x");
  add(r, c2, "station.hop_time_two", "serial stages against serial nodes, two threads, per hop", by(c2, 2, 0), 1.2,
      "x");
  add(r, c2, "station.hop_time_two_light", "serial stages against lightweight serial nodes, two threads, per hop",
      by(c2, 2, 1), 1.2, "x");
#endif
}

void m9(const bench::Options& options, Results& r) {
  const auto arms = m9_arms();
  const Comparison c = bench::compare(arms, options);
  r.tables.push_back(table_of("m9: a hedge whose second call never comes, no thread but the caller's", arms, c));
  add(r, c, "m9.armed_time", "hedge armed and not fired, more than off", bench::subtract(c.arms[1], c.arms[0]), 60,
      "ns");
}

void metrics(const bench::Options& options, Results& r) {
  const auto arms = metrics_arms(10) + metrics_arms(100);
  const Comparison c = bench::time(arms, options);
  r.tables.push_back(table_of("Metrics: fused chains, observed", arms, c));
  const auto hop = [&](std::size_t arm) { return bench::slope(c.arms[arm], c.arms[arm + 2], 90); };
  add(r, c, "metrics.stage_time",
      "a stage of a fused chain with trace::Metrics, more than without (slope from 10 to 100)",
      bench::subtract(hop(1), hop(0)), 60, "ns");
}

// Per request, in the best of three windows: oneTBB takes memory for its own tasks now and then, as threads happen to
// meet, but what a request costs is paid in every window.
double least_allocations(const Work& work, long requests) {
  work(requests);                     // whatever is allocated once
  std::this_thread::sleep_for(20ms);  // and by threads that are about to wait for the first time
  work(requests);
  long least = std::numeric_limits<long>::max();
  for (int window = 0; window < 3; ++window) {
    const long before = bench::allocations();
    work(requests);
    least = std::min(least, bench::allocations() - before);
  }
  return static_cast<double>(least) / static_cast<double>(requests);
}

}  // namespace

std::vector<Counted> counted() {
  std::vector<Counted> all = {{"m4.nothing", no_call},
                              {"m4.direct", direct_call},
                              {"m4.empty", [] { return request_chain(0, Fuse::yes); }},
                              {"m4.stage", [] { return request_chain(1, Fuse::yes); }},
                              {"m4.quick_deadline", quick_stage_with_deadline},
                              {"m4.direct_us", direct_microsecond},
                              {"m4.learned_deadline", learned_stage_with_deadline},
                              {"m9.off", [] { return hedged_stage(Hedge::off); }},
                              {"m9.armed", [] { return hedged_stage(Hedge::fixed); }}};
  for (int n : {10, 100}) {
    const auto end = "." + std::to_string(n);
    all.push_back({"m1.function" + end, [n] { return function_chain(n); }});
    all.push_back({"m1.block" + end, [n] { return block_chain(n); }});
    all.push_back({"m1.request" + end, [n] { return request_chain(n, Fuse::yes); }});
    all.push_back({"metrics.on" + end, [n] { return metered_chain(n); }});
    all.push_back({"m2.unfused" + end, [n] { return request_chain(n, Fuse::no); }});
#if TAILRACE_HAS_TBB
    all.push_back({"m2.graph" + end, [n] { return flow_graph_chain(n, Body::hard_coded); }});
    all.push_back({"m2.graph_function" + end, [n] { return flow_graph_chain(n, Body::function); }});
    all.push_back({"station.nodes" + end, [n] { return serial_nodes(n, Put::in_a_task); }});
    all.push_back({"station.light_nodes" + end, [n] { return serial_nodes(n, Put::lightweight); }});
#endif
    all.push_back({"station.serial" + end, [n] { return station_chain(n, Queue::serial); }});
    all.push_back({"station.limit" + end, [n] { return station_chain(n, Queue::limit); }});
  }
  return all;
}

std::vector<Figure> count_allocations(long requests) {
  std::vector<Figure> figures;
  for (const Path& path : paths()) {
    const std::string what = path.what + (path.users > 0 ? "; without " + path.why : "");
    figures.push_back(
        {"m6." + path.name, what, least_allocations(path.make(), requests) - path.users, 0, "allocations"});
  }
  return figures;
}

void check_all_answers() {
  for (int n : {1, 10, 100}) bench::check_answers(m1_arms(n) + m2_arms(n));
  bench::check_answers(m4_empty_arms());
  bench::check_answers(m4_stage_arms());
  bench::check_answers(m4_learned_arms());
  first_calls_with_deadline(1);
  for (int n : {10, 100}) {
    bench::check_answers(station_arms(n));
    bench::check_answers(in_flight_arms(n));
  }
  bench::check_answers(saturated_arms());
  bench::check_answers(m9_arms());
  for (int n : {10, 100}) bench::check_answers(metrics_arms(n));
}

void measure(const bench::Options& options, Results& r) {
  check_all_answers();
  m1(options, r);
  m2(options, r);
  m4(options, r);
  stations(options, r);
  m9(options, r);
  metrics(options, r);
  r.tables.push_back(frame_sizes());
}

}  // namespace overhead
