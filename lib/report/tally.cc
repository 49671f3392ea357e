#include "tailrace/report/tally.h"

#include <algorithm>

namespace tailrace::report {
namespace {

template <class T, class Map>
T& entry(Map& map, std::string_view where) {
  const auto found = map.find(where);
  if (found != map.end()) return found->second;
  T& made = map[std::string(where)];
  made.where = where;
  return made;
}
template <class Map>
auto values(const Map& map) {
  std::vector<typename Map::mapped_type> all;
  for (const auto& [where, value] : map) all.push_back(value);
  return all;
}

}  // namespace

void Tally::on_event(const Event& event) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    count(event);
  } catch (...) {  // no memory for another path: it is left out, the request is not
  }
}

void Tally::count(const Event& e) {
  const auto stage = [&]() -> StageTime& { return entry<StageTime>(stages_, e.where); };
  const auto hedge = [&]() -> HedgeCount& { return entry<HedgeCount>(hedges_, e.where); };
  const double took = to_seconds(e.at - e.began);
  switch (e.kind) {
    case Event::Kind::stage_ran:
    case Event::Kind::completed:
      ++stage().calls;
      stage().running += took;
      return;
    case Event::Kind::waited: stage().queued += took; return;
    case Event::Kind::stage_failed: ++stage().failures; return;
    case Event::Kind::hedge_fired: ++hedge().fired; return;
    case Event::Kind::hedge_won: ++hedge().won; return;
    case Event::Kind::hedge_wasted: ++hedge().wasted; return;
    case Event::Kind::hedge_refused: ++hedge().refused; return;
    case Event::Kind::arm_won:
    case Event::Kind::rung_left: {
      auto& arms = entry<LeftAt>(left_, e.where).arms;
      arms.resize(std::max<std::size_t>(arms.size(), e.arm + 1));
      ++arms[e.arm];
      return;
    }
    case Event::Kind::begun: ++requests_; return;
    case Event::Kind::refused:
    case Event::Kind::answered:
    case Event::Kind::late:
    case Event::Kind::callback_failed:
    case Event::Kind::batched: return;
  }
}

std::uint64_t Tally::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}
std::vector<StageTime> Tally::stages() const {
  const std::lock_guard lock(mutex_);
  return values(stages_);
}
std::vector<HedgeCount> Tally::hedges() const {
  const std::lock_guard lock(mutex_);
  return values(hedges_);
}
std::vector<LeftAt> Tally::left() const {
  const std::lock_guard lock(mutex_);
  return values(left_);
}

std::vector<StageTime> stage_times(const sim::Report& report) {
  const double time = to_seconds(report.time);
  std::vector<StageTime> all;
  for (const auto& stage : report.stages) {
    StageTime& s = all.emplace_back();
    s.where = stage.where;
    s.calls = stage.calls;
    s.running = stage.running * time;
    for (const auto& queue : report.queues)
      if (queue.where == stage.where) s.queued = queue.mean * time;
  }
  for (const auto& queue : report.queues)
    if (queue.where.empty() && queue.mean > 0) all.push_back({"", 0, 0, queue.mean * time, 0});
  return all;
}

}  // namespace tailrace::report
