#include "support/expect.h"
#include "support/line.h"
#include "support/pause.h"
#include "support/steps.h"

// Who is served first of those who wait at a stage, and for how long he may be overtaken.
namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

// An engine whose one stage is held until it is opened, and those who wait for it meanwhile.
class Waiting {
 public:
  Waiting(const Setting& setting, Duration ageing)
      : setting_(setting),
        engine_(
            setting.start(from_int([&](Stream<int> s) { return s.then("line", line_.stage()); }), {.ageing = ageing})),
        first_(engine_.submit(0)) {
    check(eventually([&] { return line_.holds(); }), "not started");
  }
  ~Waiting() { line_.open(); }

  void add(int x, const Request& r = {}) {
    handles_.push_back(engine_.submit(x, r));
    check(eventually([&] { return engine_.figures().waiting == handles_.size(); }), "it does not wait");
  }
  void pause(Duration d) { test::pause(setting_, d); }
  void expect_order(const std::vector<int>& wanted) {
    line_.open();
    for (auto& h : handles_) expect(h.get(), Code::none);
    expect(first_.get(), Code::none);
    line_.expect_order(wanted);
  }

 private:
  const Setting& setting_;
  Line line_;
  Engine<int, int> engine_;
  Handle<int> first_;
  std::vector<Handle<int>> handles_;
};

void classes_age(const Setting& setting) {
  constexpr auto ageing = 2ms;
  Waiting line(setting, ageing);
  line.add(1, {.priority = -1});
  line.pause(2 * ageing);
  line.add(2);
  line.pause(3 * ageing);
  line.add(3, {.priority = 1});
  line.expect_order({1, 2, 3});
}

void classes_go_first_until_then(const Setting& setting) {
  Waiting line(setting, 10min);
  line.add(1);
  line.add(2, {.within = 1min});
  line.pause(2ms);
  line.add(3, {.priority = 1});
  line.add(4, {.within = 5min, .priority = 1});
  line.add(5, {.priority = 3});
  line.expect_order({5, 4, 3, 2, 1});
}

void deadlines_do_not_starve(const Setting& setting) {
  constexpr auto ageing = 2ms;
  Waiting line(setting, ageing);
  line.add(1);
  line.add(2, {.within = 1h});
  line.pause(2 * ageing);
  line.add(3, {.within = 30min});
  line.add(4, {.deadline = never});
  line.expect_order({1, 2, 3, 4});
}

void no_ageing_is_order_of_arrival(const Setting& setting) {
  Waiting line(setting, 0ms);
  line.add(1);
  line.add(2, {.within = 1h});
  line.add(3, {.within = 30min, .priority = 5});
  line.add(4, {.priority = -5});
  line.expect_order({1, 2, 3, 4});
}

}  // namespace

void add_order_cases(std::vector<Case>& t) {
  t.push_back(script_case("classes age", {"station-ageing-classes"}, classes_age));
  t.push_back(script_case("classes go first until then", {"station-ageing-classes", "station-order"},
                          classes_go_first_until_then));
  t.push_back(script_case("deadlines do not starve", {"station-ageing"}, deadlines_do_not_starve));
  t.push_back(script_case("no ageing is the order of arrival", {"station-fifo"}, no_ageing_is_order_of_arrival));
}

}  // namespace tailrace::test
