// explain: the texts people read, pinned.
#include "tailrace/plan/explain.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "support/golden.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"

namespace tr = tailrace;

namespace shop {
struct Image {};
struct Pixels {};
struct Scores {};
struct Label {};
struct AVeryLongNameThatSomebodyGaveToOneOfTheTypesOfHisPipelineForReasonsThatNobodyRemembers {};
Pixels normalise(const Image&) { return {}; }
Pixels scale(const Pixels& p) { return p; }
Scores judge(const Pixels&) { return {}; }
int size(const Pixels&) { return 0; }
bool confident(const Scores&) { return true; }
bool bright(const Pixels&) { return true; }
Label best(const Scores&) { return {}; }
tr::Exit<Label, Scores> glance(const Pixels&) { return tr::Exit<Label, Scores>::leave({}); }
}  // namespace shop

template <>
struct tr::row_traits<shop::Pixels> {
  static tr::DType dtype(const shop::Pixels&) { return tr::DType::float32; }
  static tr::Shape shape(const shop::Pixels&) { return {1}; }
  static void write_row(const shop::Pixels&, const tr::Tensor&) {}
};
template <>
struct tr::row_traits<shop::Scores> {
  static tr::Result<shop::Scores> read_row(const tr::Tensor&) { return shop::Scores{}; }
};

namespace {

using namespace shop;

auto classify() {
  return tr::flow<Image>("classify", [](tr::Stream<Image> image) {
    auto careful = tr::flow<Pixels>("careful", [](tr::Stream<Pixels> p) {
      return p.then("sharpen", scale).then("digit", tr::model<Pixels, Scores>("digit", {.accuracy = 0.98}));
    });
    auto pixels =
        image.then("normalise", normalise).then("scale", tr::named("scale", {{"by", 0.0625}, {"mode", "fast"}}, scale));
    auto exit = tr::named("margin", {{"least", 0.8}}, confident);
    return tr::cascade("label", pixels, tr::exit_if(tr::model<Pixels, Scores>("digit", {.accuracy = 0.9}), exit),
                       careful)
        .then("best", tr::stage(best, {.replicable = true, .quick = true}));
  });
}

auto everything() {
  return tr::flow<Image>("everything", [](tr::Stream<Image> image) {
    auto same = tr::flow<Pixels>("same", [](tr::Stream<Pixels> p) { return p; });
    auto pixels = image.then("normalise", normalise);
    auto fast = tr::race("fast", pixels, tr::valid_if(bright), scale, tr::named("blur", scale));
    auto which = tr::choose("which", fast, bright, same, scale);
    auto scores = tr::cascade("label", which, tr::no_fallback, tr::exit_if(judge, confident), judge);
    auto many = which.then("tiles", [](const Pixels&) { return std::vector<Pixels>(4); });
    auto labels = tr::each("tile", many, tr::flow<Pixels>("one tile", [](tr::Stream<Pixels> p) {
                             return p.then("judge", judge).then("best", best);
                           }));
    auto vote = tr::quorum("vote", 2, which, tr::named("size", size), size, size);
    auto early = tr::staged("early", which, tr::named("glance", glance), best);
    auto often = tr::hedge("often", which, {"fixed", {{"delay_ms", 20}}}, tr::stage(scale, {.replicable = true}));
    return tr::join("all", scores.then("best", best), labels, tr::race("race", pixels, scale), early, vote, often);
  });
}

std::size_t widest(const std::string& text) {
  std::istringstream lines(text);
  std::size_t most = 0;
  for (std::string line; std::getline(lines, line);) most = std::max(most, line.size());
  return most;
}

void check_golden(const std::string& name, const std::string& text) {
  CHECK(text == tr::test::golden(name, text));
  CHECK(widest(text) < 100);
  CHECK(text.back() == '\n');
}

}  // namespace

TEST_CASE("a graph is explained") {
  check_golden("explain_classify", tr::explain(classify()));
  check_golden("explain_everything", tr::explain(everything()));
}

TEST_CASE("a plan says which policy starts a hedge's second call") {
  const auto same = tr::stage([](int x) { return x; }, {.replicable = true});
  tr::PlanData plan{tr::flow<int>("f",
                                  [&](tr::Stream<int> x) {
                                    return tr::hedge("h", x, {"fixed", {{"delay_ms", 20}}}, same);
                                  })
                        .share(),
                    {}};
  plan.choices.root = tr::default_choices(*plan.graph);
  CHECK_THAT(tr::explain(plan), Catch::Contains("hedge, second call by fixed(delay_ms = 20)"));
  plan.choices.root.hedge = {{}, {"never"}};
  CHECK_THAT(tr::explain(plan), Catch::Contains("hedge, second call by never"));
  plan.choices.root.hedge.pop_back();
  CHECK_THAT(tr::explain(plan), Catch::Contains("its choices are for another graph"));
}

TEST_CASE("a plan is explained: what, how, why") {
  tr::PlanData plan{classify().share(), {}};
  plan.choices.root = tr::default_choices(*plan.graph);
  check_golden("explain_plan_unoptimised", tr::explain(plan));
  plan.choices.root.group = {0, 1, 1, 2, 3};
  plan.choices.passes = {{"place", false, 0.1}, {"fuse", false, 0.2}, {"race", true, 0}, {"batch", false, 0}};
  plan.choices.decisions = {
      {"fuse", "normalise", "normalise + scale run as one block", "a hand-over costs more than both", 1.25, "us",
       "profile"},
      {"place", "classify", "every stage on cpu", "there is no other", 0, "", ""},
      {"home-made", "label", "something of one's own",
       "a reason that is so long that it does not fit into one line of a page of less than a hundred columns", 3, "",
       ""},
      {"home-made", "best", "another one", "it takes time", 0.0125, "s", "profile"},
      {"home-made", "best", "a third one", "nobody measured it", 0, "s", ""},
      {"home-made", "best", "a fourth one", "the profile does not know it", -1, "s", "profile"}};
  check_golden("explain_plan", tr::explain(plan));
}

TEST_CASE("the text does not depend on times or pointers") {
  tr::PlanData one{classify().share(), {}}, other{classify().share(), {}};
  one.choices.root = other.choices.root = tr::default_choices(*one.graph);
  one.choices.passes = {{"fuse", false, 0.1}};
  other.choices.passes = {{"fuse", false, 7.5}};
  CHECK(tr::explain(one) == tr::explain(other));
}

TEST_CASE("errors that an each keeps are told") {
  const auto f = tr::flow<std::vector<Pixels>>(
      "f", [](tr::Stream<std::vector<Pixels>> p) { return tr::each("e", p, scale, tr::keep); });
  CHECK_THAT(tr::explain(f), Catch::Contains("each element by itself, errors kept"));
}

TEST_CASE("a fork is told") {
  tr::PlanData plan{everything().share(), {}};
  plan.choices.root = tr::default_choices(*plan.graph);
  plan.choices.root.fork.back() = true;
  CHECK_THAT(tr::explain(plan), Catch::Contains("all (its inputs at the same time)"));
}

TEST_CASE("what cannot be explained is said") {
  CHECK(tr::explain(tr::Graph{}) == "a flow that is empty or too large to be explained\n");
  CHECK(tr::explain(tr::PlanData{}) == "a plan whose flow is empty or too large to be explained\n");
  tr::PlanData misfit{classify().share(), {}};
  CHECK_THAT(tr::explain(misfit), Catch::Contains("unknown: its choices are for another graph"));
  const auto same = tr::flow<int>("same", [](tr::Stream<int> x) { return x; });
  CHECK(tr::explain(same) == "flow same: int -> int\n  no stages: the answer is the input\n");
}

TEST_CASE("a flow with mistakes can be explained too") {
  tr::Stream<int> leaked = tr::Stream<int>(tr::detail::Edge{});
  tr::flow<int>("first", [&](tr::Stream<int> x) { return leaked = x; });
  const auto second = tr::flow<int>("second", [&](tr::Stream<int>) { return leaked; });
  CHECK_THAT(tr::explain(second), Catch::Contains("the input of flow 'first'"));
}

TEST_CASE("long names are wrapped, never cut") {
  using Long = AVeryLongNameThatSomebodyGaveToOneOfTheTypesOfHisPipelineForReasonsThatNobodyRemembers;
  const auto f = tr::flow<Long>("long", [](tr::Stream<Long> x) {
    const std::string name(120, 'n');
    return x.then(name, [](const Long& l) { return std::vector<Long>{l}; });
  });
  const auto text = tr::explain(f);
  CHECK(widest(text) < 100);
  std::string joined;
  for (char c : text)
    if (c != ' ' && c != '\n') joined += c;
  CHECK_THAT(joined, Catch::Contains(std::string(120, 'n')));
  CHECK_THAT(joined, Catch::Contains("std::vector<shop::AVeryLongName"));
}
