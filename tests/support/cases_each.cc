#include "support/steps.h"

namespace tailrace::test {
namespace {

void add_flows(std::vector<Case>& t) {
  const auto spelled =
      flow<int>("spelled", [](Stream<int> x) { return x.then("p", spell).then("q", length).then("r", twice); });
  t.push_back(
      flow_case("each answers in the order of its input", {"each-order", "each-empty"},
                from_int([=](Stream<int> s) { return each("e", s.then("v", count_up), spelled); }),
                {{0, {"[]"}}, {1, {"[82]"}}, {4, {"[82 82 82 82]"}}, {12, {"[82 82 82 82 82 82 82 82 82 82 84 84]"}}}));
  t.push_back(flow_case("many elements", {"each-order"}, from_int([](Stream<int> s) {
                          return each("e", s.then("v", count_up), twice).then("sum", [](const std::vector<int>& v) {
                            int sum = 0;
                            for (std::size_t i = 0; i < v.size(); ++i) sum += v[i] == 2 * static_cast<int>(i);
                            return sum;
                          });
                        }),
                        {{300, {"300"}}}));
  t.push_back(flow_case("an element that fails fails the request", {"each-fails"}, from_int([](Stream<int> s) {
                          return each("e", s.then("v", count_up), fail_if(3)).then("t", [](const std::vector<int>& v) {
                            return v.size() + 0.5;
                          });
                        }),
                        {{9, {"bad_value at e[3]: not 3"}}, {3, {"3.500000"}}}));
  t.push_back(flow_case("of several failing elements any is reported", {"each-fails"}, from_int([](Stream<int> s) {
                          return each("e", s.then("v", count_up),
                                      [](int x) { return x % 2 ? throw std::runtime_error(std::to_string(x)) : x; });
                        }),
                        {{6, {"stage_failed at e[1]: 1", "stage_failed at e[3]: 3", "stage_failed at e[5]: 5"}}}));
  t.push_back(flow_case(
      "each keeps errors apart", {"each-keep"}, from_int([](Stream<int> s) {
        const auto f = flow<int>("f", [](Stream<int> x) {
          return x.then("a", fail_if(1)).then("b", [](int y) { return y == 2 ? throw 7 : y; });
        });
        return each("e", s.then("v", count_up), f, keep);
      }),
      {{4,
        {"[0 <bad_value at e[1].a: not 1> <stage_failed at e[2].b: threw something that is not a std::exception> 3]"}},
       {0, {"[]"}}}));
  t.push_back(flow_case("answers that cannot be made empty", {"each-any-type"}, from_int([](Stream<int> s) {
                          return each("e", s.then("v", count_up), [](int x) { return NoDefault(x + 1); });
                        }),
                        {{3, {"[1 2 3]"}}}));
  t.push_back(flow_case("answers of one bit", {"each-any-type"}, from_int([](Stream<int> s) {
                          const auto bits = each("e", s.then("v", count_up), [](int x) { return x % 3 == 0; });
                          return each("again", bits, [](bool b) { return !b; });
                        }),
                        {{7, {"[no yes yes no yes yes no]"}}}));
  t.push_back(flow_case("answers in boxes", {"each-any-type", "value-boxed"}, from_int([](Stream<int> s) {
                          return each("e", s.then("v", count_up), [](int x) { return Boxed(x); });
                        }),
                        {{3, {"[0 1 2]"}}}));
  t.push_back(flow_case("an element whose copy throws", {"each-copy-throws"}, from_int([](Stream<int> s) {
                          const auto v = s.then("v", [](int n) {
                            std::vector<CopyThrows> all;
                            for (int i = 2; i >= n; --i) all.emplace_back(i);
                            return all;
                          });
                          const auto e = each(
                              "e", v, [](const CopyThrows& x) { return x.n; }, keep);
                          return join_with(
                              "j", [](const std::vector<Result<int>>& x, const std::vector<CopyThrows>&) { return x; },
                              e, v);
                        }),
                        {{0, {"[2 1 0]"}}, {-1, {"stage_failed at e: will not be copied"}}}));
}

void add_nested(std::vector<Case>& t) {
  t.push_back(flow_case("each of races, cascades and choices", {"nesting"}, from_int([](Stream<int> s) {
                          const auto element = flow<int>("element", [](Stream<int> x) {
                            const auto r = race("r", x, bang, twice, [](int y) { return 2 * y; });
                            const auto k = cascade("k", r, exit_if(same, [](int y) { return y > 4; }), plus_one);
                            return choose(
                                "c", k, [](int y) { return y % 2; }, same, plus_one);
                          });
                          return each("e", s.then("v", count_up), element);
                        }),
                        {{5, {"[2 4 6 6 8]"}}}));
  t.push_back(flow_case("each in each", {"nesting"}, from_int([](Stream<int> s) {
                          const auto row = flow<int>(
                              "row", [](Stream<int> x) { return each("cells", x.then("v", count_up), plus_one); });
                          return each("rows", s.then("v", count_up), row);
                        }),
                        {{4, {"[[] [1] [1 2] [1 2 3]]"}}}));
  t.push_back(flow_case("errors name the elements around the stage", {"error-element"}, from_int([](Stream<int> s) {
                          const auto row = flow<int>(
                              "row", [](Stream<int> x) { return each("cells", x.then("v", count_up), fail_if(2)); });
                          return each("rows", s.then("v", count_up), row);
                        }),
                        {{4, {"bad_value at rows[3].cells[2]: not 2"}}}));
  for (const std::size_t length : {57u, 58u}) {
    const std::string name(length, 'n');
    t.push_back(flow_case("the name of an element that is " + std::to_string(length + 4) + " long",
                          {"error-element", "error-bounded"},
                          from_int([=](Stream<int> s) { return each(name, s.then("v", count_up), fail_if(10)); }),
                          {{11, {"bad_value at " + name + (length == 57 ? "[10]" : "...") + ": not 10"}}}));
  }
  t.push_back(flow_case("each in a race", {"nesting"}, from_int([](Stream<int> s) {
                          const auto arm = flow<int>(
                              "arm", [](Stream<int> x) { return each("e", x.then("v", count_up), fail_if(2)); });
                          return race("r", s, arm, count_up).then("t", [](const std::vector<int>& v) {
                            return static_cast<int>(v.size());
                          });
                        }),
                        {{2, {"2 winner 0", "2 winner 1"}}, {5, {"5 winner 1"}}}));
  t.push_back(flow_case("an each that fails in a rung", {"nesting", "cascade-rung-fails"}, from_int([](Stream<int> s) {
                          const auto rung =
                              flow<int>("rung", [](Stream<int> x) { return each("e", x.then("v", count_up), bang); });
                          return cascade("k", s, exit_if(rung, [](const std::vector<int>&) { return true; }), count_up);
                        }),
                        {{3, {"[0 1 2] rung 1"}}, {0, {"[] rung 0"}}}));
}

void elements_run_at_the_same_time(const Setting& setting) {
  if (setting.threads < 2) return;
  std::atomic<int> inside{0}, most{0};
  auto engine = setting.start(from_int([&](Stream<int> s) {
    return each("e", s.then("v", count_up), [&](int x) {
      const int now = ++inside;
      for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
      }
      eventually([&] { return most >= 2; });
      --inside;
      return x;
    });
  }));
  check(engine.submit(20).get().has_value(), "no answer");
  check(most >= 2, "elements ran one after another");
  check(most <= static_cast<int>(setting.threads), "more elements ran at the same time than tasks can");
}

void elements_behind_a_failure_never_start(const Setting& setting) {
  std::atomic<int> started{0};
  auto engine = setting.start(from_int(
      [&](Stream<int> s) { return each("e", s.then("v", count_up), [&](int x) { return ++started, bang(x); }); }));
  check(!engine.submit(5000).get(), "an answer from a flow that fails");
  check(started <= 5, "elements started although one had failed");
}

// However many requests compete for element frames, every one of them gets on.
void every_request_has_one_element_frame(const Setting& setting) {
  const auto racing =
      flow<int>("racing", [](Stream<int> x) { return race("r", x, twice, [](int y) { return 2 * y; }); });
  auto engine = setting.start(from_int([&](Stream<int> s) { return each("e", s.then("v", count_up), racing); }),
                              {.max_in_flight = 64});
  for (int round = 0; round < 5; ++round) {
    std::vector<Handle<std::vector<int>>> handles;
    for (int i = 0; i < 64; ++i) handles.push_back(engine.submit(20));
    for (auto& h : handles) {
      const auto o = h.get();
      check(o && o->size() == 20 && o->back() == 38, "a request was not answered: " + show(o));
    }
  }
}

}  // namespace

void add_each_cases(std::vector<Case>& t) {
  add_flows(t);
  add_nested(t);
  t.push_back(script_case("elements run at the same time", {"each-together"}, elements_run_at_the_same_time));
  t.push_back(script_case("elements behind a failure", {"each-fails-stops"}, elements_behind_a_failure_never_start));
  t.push_back(
      script_case("every request has an element frame", {"each-reserved"}, every_request_has_one_element_frame));
}

}  // namespace tailrace::test
