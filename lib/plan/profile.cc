#include "tailrace/plan/profile.h"

#include <algorithm>
#include <utility>

namespace tailrace {

namespace {

using Key = std::pair<std::string_view, std::string_view>;
Key key_of(const Cost& cost) { return {cost.where, cost.variant}; }

// Where it stands, or would.
std::vector<Cost>::const_iterator place_of(const std::vector<Cost>& costs, const Key& key) {
  return std::lower_bound(costs.begin(), costs.end(), key,
                          [](const Cost& cost, const Key& wanted) { return key_of(cost) < wanted; });
}

}  // namespace

const Cost* Profile::find(std::string_view where, std::string_view variant) const noexcept {
  const Key key{where, variant};
  const auto at = place_of(costs, key);
  return at != costs.end() && key_of(*at) == key ? &*at : nullptr;
}

void Profile::add(Cost cost) {
  const auto at = costs.begin() + (place_of(costs, key_of(cost)) - costs.cbegin());
  if (at != costs.end() && key_of(*at) == key_of(cost)) *at = std::move(cost);
  else costs.insert(at, std::move(cost));
}

Built<Profile> merge(Profile older, const Profile& newer) {
  if (older.empty()) return newer;
  if (newer.empty()) return older;
  if (older.measured.machine != newer.measured.machine)
    return Problems(Code::bad_value, "merge",
                    "one profile is of '" + older.measured.machine + "', the other of '" + newer.measured.machine +
                        "': times of different machines mean nothing beside each other");
  older.flow = newer.flow;
  older.measured = newer.measured;
  if (newer.wake.known()) older.wake = newer.wake;
  if (newer.hand_over.known()) older.hand_over = newer.hand_over;
  std::vector<Cost> both;
  both.reserve(older.costs.size() + newer.costs.size());
  std::set_union(newer.costs.begin(), newer.costs.end(), older.costs.begin(), older.costs.end(),
                 std::back_inserter(both), [](const Cost& a, const Cost& b) { return key_of(a) < key_of(b); });
  older.costs = std::move(both);
  return older;
}

}  // namespace tailrace
