// Of any two requests, whenever they came and whatever they asked for, who is served first keeps to the bounds.
#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "tailrace/policy/order.h"

namespace policy = tailrace::policy;
using tailrace::Duration;
using tailrace::TimePoint;

namespace {

struct Asked {
  int priority;
  TimePoint came, deadline;
  policy::Place place;
};

// So few values that ties and edges are frequent.
Duration some_time(int most) { return Duration(*rc::gen::inRange(0, most)); }

std::vector<Asked> some_requests(Duration ageing) {
  std::vector<Asked> all;
  TimePoint now{};
  const auto count = *rc::gen::inRange(2, 12);
  for (int i = 0; i < count; ++i) {
    now += some_time(20);
    Asked r{*rc::gen::inRange(-3, 4), now, tailrace::never, {}};
    if (*rc::gen::arbitrary<bool>()) r.deadline = now + some_time(60);
    r.place = {policy::rank(r.priority, r.deadline, now, ageing), static_cast<std::uint64_t>(i)};
    all.push_back(r);
  }
  return all;
}

bool prop(const char* name, void (*holds)(Duration ageing, const std::vector<Asked>& all)) {
  return rc::check(name, [=] {
    const Duration ageing = some_time(30);
    holds(ageing, some_requests(ageing));
  });
}

}  // namespace

TEST_CASE("order: a strict weak order, and a total one") {
  CHECK(prop("order", [](Duration, const std::vector<Asked>& all) {
    for (const auto& a : all)
      for (const auto& b : all) {
        RC_ASSERT((policy::before(a.place, b.place) + policy::before(b.place, a.place)) == (&a != &b));
        for (const auto& c : all)
          if (policy::before(a.place, b.place) && policy::before(b.place, c.place))
            RC_ASSERT(policy::before(a.place, c.place));
      }
  }));
}

TEST_CASE("order: who came first is overtaken within the bound, and never beyond it") {
  CHECK(prop("bound", [](Duration ageing, const std::vector<Asked>& all) {
    for (std::size_t i = 0; i < all.size(); ++i)
      for (std::size_t k = i + 1; k < all.size(); ++k) {
        const Asked &first = all[i], &second = all[k];
        const auto later = second.came - first.came;
        const int classes = second.priority - first.priority;
        const bool overtaken = policy::before(second.place, first.place);
        if (later >= (classes + 1) * ageing) RC_ASSERT(!overtaken);
        if (later < classes * ageing && first.deadline > second.came) RC_ASSERT(overtaken);
      }
  }));
}

TEST_CASE("order: of one priority the earlier deadline goes first") {
  CHECK(prop("deadlines", [](Duration ageing, const std::vector<Asked>& all) {
    for (const auto& a : all)
      for (const auto& b : all) {
        const bool near = a.deadline <= a.came + ageing && b.deadline <= b.came + ageing;
        if (near && a.priority == b.priority && a.deadline < b.deadline) RC_ASSERT(policy::before(a.place, b.place));
      }
  }));
}
