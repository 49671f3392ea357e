// Pages of hand-made runs: hostile names, exact times, runs without anything; and what a Tally adds up. What a browser
// makes of them: page_test.sh.
#include "tailrace/report/page.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "report/draw.h"
#include "support/steps.h"
#include "tailrace/opt/optimise.h"

using namespace tailrace;
using namespace tailrace::report;
using namespace std::chrono_literals;

namespace {

bool has(const std::string& page, const std::string& text) { return page.find(text) != page.npos; }

Run run_of(std::string name, int requests) {
  std::vector<load::Sample> samples;
  for (int i = 0; i < requests; ++i) {
    load::Sample& s = samples.emplace_back();
    s.number = static_cast<std::uint64_t>(i);
    s.arrival = i * 1ms;
    s.latency = (i % 7 + 1) * 1ms + 37ns;
    s.code = i % 10 == 9 ? Code::overloaded : Code::none;
  }
  Run run;
  run.name = std::move(name);
  run.report = load::summarise(std::move(samples), 0, 5ms);
  run.seen = run.report.requests;
  return run;
}

}  // namespace

TEST_CASE("pages: texts are texts, whatever stands in them") {
  CHECK(escaped("a<b> & \"c\"") == "a&lt;b&gt; &amp; &quot;c&quot;");
  CHECK(escaped("ä\xff\x01€") == "ä??€");
  CHECK(escaped("\xe2\x82") == "??");
  CHECK(shortened("äöüß", 3) == "äö…");
  CHECK(shortened("äöü", 3) == "äöü");
  Page page;
  page.title = "</title><script>alert(1)</script>";
  page.about = "<img src=x>";
  page.facts = {{"<i>", "<b>"}};
  page.run = run_of("<u>", 20);
  page.run.stages = {{"a<b", 3, 1, 1, 0}};
  page.run.hedges = {{"<h>", 1, 1, 0, 0}};
  page.run.left = {{"<l>", {1, 2}}};
  const std::string html = to_html(page);
  for (const char* bad : {"<script", "<img", "<i>", "<b>A", "<u>", "a<b", "<h>", "<l>"}) CHECK(!has(html, bad));
  CHECK(has(html, "&lt;/title&gt;&lt;script&gt;"));
}

TEST_CASE("pages: times are exact, numbers are grouped") {
  CHECK(exact(999ns) == "999 ns");
  CHECK(exact(1us) == "1 us");
  CHECK(exact(4551237ns) == "4.551237 ms");
  CHECK(exact(1500ms) == "1.5 s");
  CHECK(exact(-2us) == "-2 us");
  CHECK(grouped(1234567) == "1\u202f234\u202f567");
  CHECK(grouped(123) == "123");
  Page page;
  page.title = "t";
  page.run = run_of("t", 100);
  const std::string html = to_html(page);
  CHECK(has(html, "data-key=\"latency.p50\" data-value=\"0.004000037\">4.000037 ms<"));
  CHECK(has(html, "data-key=\"outcomes.overloaded\" data-value=\"10\">10<"));
  CHECK(has(html, "data-key=\"requests\" data-value=\"100\""));
}

TEST_CASE("pages: a run without requests, and one of a single request, have a page") {
  for (const int requests : {0, 1}) {
    Page page;
    page.title = "little";
    page.run = run_of("a", requests);
    page.other = run_of("b", 0);
    const std::string html = to_html(page);
    for (const char* bad : {"\"nan", " nan", "nan ", "-nan", "inf\"", " inf "}) {
      const auto at = html.find(bad);
      INFO(bad << ": " << (at == html.npos ? "" : html.substr(at < 60 ? 0 : at - 60, 120)));
      CHECK(at == html.npos);
    }
  }
}

TEST_CASE("pages: every kind of combinator is drawn, in the plan's order") {
  const auto flow = test::from_int([](Stream<int> x) {
    const auto same = [](int i) { return i; };
    const auto a = race("faster", x, same, same);
    const auto b = choose(
        "chosen", x, [](int) { return std::size_t{0}; }, same, same);
    return join_with(
        "both", [](int m, int n) { return m + n; }, a, b);
  });
  Page page;
  page.title = "drawn";
  page.plan = optimise(flow).value().share();
  page.run = run_of("drawn", 20);
  page.run.stages = {{"both", 20, .1, 0, 0}, {"chosen[0]", 20, .1, 0, 0}, {"faster[1]", 20, .1, .2, 0}};
  const std::string html = to_html(page);
  for (const char* part : {"faster · race", "chosen · choose", "arm 0", "join", "input: int"}) CHECK(has(html, part));
  CHECK(html.find(">faster[1]<") < html.find(">chosen[0]<"));
  CHECK(html.find(">chosen[0]<") < html.find(">both<"));
}

TEST_CASE("tally: adds up what an engine tells") {
  const auto tally = std::make_shared<Tally>();
  {
    auto engine = start(test::from_int([](Stream<int> x) {
                          const auto even = [](int i) { return i % 2 == 0; };
                          const auto same = [](int i) { return i; };
                          return cascade("c", x, exit_if(same, even), same).then("end", [](int i) -> Result<int> {
                            if (i == 3) return Error(Code::bad_value, "three");
                            return i;
                          });
                        }),
                        {.threads = 1, .observer = tally})
                      .value();
    for (int i = 0; i < 4; ++i) (void)engine.run(i);
  }
  CHECK(tally->requests() == 4);
  const auto stages = tally->stages();
  REQUIRE(stages.size() == 3);
  CHECK((stages[0].where == "c[0]" && stages[0].calls == 4 && stages[0].running >= 0));
  CHECK((stages[1].where == "c[1]" && stages[1].calls == 2));
  CHECK((stages[2].where == "end" && stages[2].calls == 3 && stages[2].failures == 1));
  REQUIRE(tally->left().size() == 1);
  CHECK(tally->left()[0].arms == std::vector<std::uint64_t>{2, 2});
}
