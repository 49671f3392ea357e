#include "tailrace/plan/catalog.h"

#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

namespace tr = tailrace;

namespace catalog_test {

struct Image {
  int pixels = 0;
};
struct Label {
  int digit = 0;
};

Label best(const Image& image) { return {image.pixels}; }
int twice(int v) noexcept { return 2 * v; }
tr::Result<int> careful(const int& v, const tr::Context&) { return v; }
std::string own(std::string&& text) { return std::move(text); }
int add(int a, const int& b) { return a + b; }
bool positive(const int& v) { return v > 0; }

struct Scale {
  double by = 1;
  double operator()(const double& v) const { return v * by; }
};
struct Generic {
  template <class T>
  T operator()(const T& v) const {
    return v;
  }
};
struct AtLeast {
  double least = 0;
  bool operator()(const double& v) const { return v >= least; }
};

tr::Built<AtLeast> at_least(const tr::Parameters& p) {
  if (p.number("least", 0) < 0) return tr::Problems(tr::Code::bad_value, "least", "'least' must not be negative");
  return AtLeast{p.number("least", 0)};
}

std::string what_of(const auto& built) { return built ? "no problem" : built.error().list().front().what; }
bool same(const tr::Type* a, const tr::Type& b) { return tr::equal(*a, b); }

}  // namespace catalog_test

using namespace catalog_test;

TEST_CASE("Catalog reads what functions take and give from their signatures") {
  tr::Catalog catalog;
  catalog.add("best", best).add("twice", twice).add("careful", careful).add("own", own).add("add", add);
  catalog.add("lambda", [](const Image& i) { return i.pixels; });
  catalog.add("quick", tr::stage(twice, {.quick = true}));
  catalog.add<Image>("generic", Generic{}).add<int, std::string>("pair", [](auto, auto text) { return text; });
  REQUIRE(catalog.problems().empty());

  const auto checked = [&](const char* name, std::vector<const tr::Type*> takes, const tr::Type& gives) {
    INFO(name);
    const auto stage = catalog.stage(name);
    REQUIRE(stage);
    REQUIRE(stage->takes.size() == takes.size());
    for (std::size_t i = 0; i < takes.size(); ++i) CHECK(same(stage->takes[i], *takes[i]));
    CHECK(same(stage->gives, gives));
    CHECK(stage->function == name);
  };
  const auto *image = &tr::type_of<Image>, *integer = &tr::type_of<int>, *text = &tr::type_of<std::string>;
  checked("best", {image}, tr::type_of<Label>);
  checked("twice", {integer}, *integer);
  checked("careful", {integer}, *integer);
  checked("own", {text}, *text);
  checked("add", {integer, integer}, *integer);
  checked("lambda", {image}, *integer);
  checked("generic", {image}, *image);
  checked("pair", {integer, text}, *text);
  CHECK(catalog.stage("quick")->quick);
}

TEST_CASE("Catalog knows tests, and tells them from stages") {
  tr::Catalog catalog;
  catalog.add_test("positive", positive).add("twice", twice);
  const auto test = catalog.test("positive");
  REQUIRE(test);
  CHECK(same(test->takes, tr::type_of<int>));
  CHECK(test->function == "positive");
  int yes = 3, no = -3;
  CHECK(test->run(test->context.get(), &yes) == 1);
  CHECK(test->run(test->context.get(), &no) == 0);
  CHECK(what_of(catalog.test("positiv")) ==
        "there is no test named 'positiv' in the catalog (did you mean 'positive'?)");
  CHECK(what_of(catalog.stage("positive")) ==
        "there is no stage named 'positive' in the catalog, only a test of that name");
}

TEST_CASE("Factories get checked parameters, in the order of their rules") {
  tr::Catalog catalog;
  catalog.add_factory("scale", {{"by"}, {"unit", false, true}},
                      [](const tr::Parameters& p) { return Scale{p.number("by", 1)}; });
  catalog.add_test_factory("at_least", {{"least", true}}, at_least);

  const auto scale = catalog.stage("scale", {{"unit", "m"}, {"by", 3.0}});
  REQUIRE(scale);
  CHECK(scale->function == "scale");
  CHECK(scale->parameters == tr::Parameters{{"by", 3.0}, {"unit", "m"}});
  CHECK(catalog.stage("scale"));
  CHECK(what_of(catalog.stage("scale", {{"bi", 3.0}})) ==
        "'scale' has no parameter 'bi'; it takes 'by' and 'unit' (did you mean 'by'?)");
  CHECK(what_of(catalog.stage("scale", {{"by", "3"}})) == "parameter 'by' of 'scale' is a text, expected a number");
  CHECK(what_of(catalog.stage("scale", {{"unit", 3.0}})) == "parameter 'unit' of 'scale' is a number, expected a text");
  CHECK(what_of(catalog.test("at_least")) == "'at_least' needs the parameter 'least'");
  CHECK(what_of(catalog.test("at_least", {{"least", -1.0}})) == "'least' must not be negative");
  const auto both = catalog.stage("scale", {{"bi", 3.0}, {"unit", 3.0}});
  REQUIRE(!both);
  CHECK(both.error().size() == 2);
}

TEST_CASE("A name given twice is recorded, and the first stays") {
  tr::Catalog catalog;
  catalog.add("f", twice).add("f", best).add_test("t", positive).add_test("t", positive).add("tuple", twice);
  catalog.add_type<Image>("Image").add_type<Label>("Image").add_type<Image>("Image");
  catalog.add_model<std::vector<float>, float>("m").add_model<std::vector<float>, double>("m");
  REQUIRE(catalog.problems().size() == 5);
  CHECK(catalog.problems().list()[0].what == "a stage named 'f' is in the catalog already");
  CHECK(catalog.problems().list()[1].what == "a test named 't' is in the catalog already");
  CHECK(catalog.problems().list()[3].what ==
        "type name 'Image' stands for catalog_test::Image already, it cannot for catalog_test::Label too");
  CHECK(same(catalog.stage("f")->gives, tr::type_of<int>));
}

TEST_CASE("Types are known by a given name and by their own") {
  tr::Catalog catalog;
  catalog.add("best", best).add_type<Image>("Image");
  CHECK(same(*catalog.type("Image"), tr::type_of<Image>));
  CHECK(same(*catalog.type("catalog_test::Image"), tr::type_of<Image>));
  CHECK(same(*catalog.type("catalog_test::Label"), tr::type_of<Label>));
  CHECK(catalog.type_name(tr::type_of<Image>) == "Image");
  CHECK(catalog.type_name(tr::type_of<Label>) == "catalog_test::Label");
  CHECK(what_of(catalog.type("Imag")) ==
        "there is no type named 'Imag' in the catalog (did you mean 'Image'?); add_type<T>(\"Imag\") names one");
}

TEST_CASE("Models are found by name and by what they take, then by default") {
  tr::Catalog catalog;
  catalog.add_model<std::vector<float>, float>("digit").default_model<double, double>();
  const auto digit = catalog.model("digit", {.accuracy = 0.9}, tr::type_of<std::vector<float>>);
  REQUIRE(digit);
  CHECK(digit->model.name == "digit");
  CHECK(digit->model.need.accuracy == 0.9);
  CHECK(digit->function.empty());
  CHECK(same(digit->gives, tr::type_of<float>));
  CHECK(catalog.model("digit", {}, tr::type_of<double>));
  CHECK(catalog.model("any", {}, tr::type_of<double>));
  CHECK(what_of(catalog.model("digit", {}, tr::type_of<int>)) ==
        "model 'digit' takes std::vector<float> or double, got int");
  CHECK(what_of(tr::Catalog(catalog).model("any", {}, tr::type_of<int>)) == "model 'any' takes double, got int");
  tr::Catalog no_default;
  no_default.add_model<float, float>("digit");
  CHECK(what_of(no_default.model("digitt", {}, tr::type_of<float>)) ==
        "there is no model named 'digitt' in the catalog (did you mean 'digit'?); add_model or default_model says what "
        "it "
        "takes and gives");
}

TEST_CASE("Vectors of what it has seen can be taken apart and put together") {
  tr::Catalog catalog;
  catalog.add("best", best).add("sum", [](const std::vector<std::vector<int>>& v) {
    return static_cast<long>(v.size());
  });
  CHECK(catalog.each_in(tr::type_of<std::vector<Image>>) != nullptr);
  CHECK(catalog.each_in(tr::type_of<std::vector<std::vector<int>>>) != nullptr);
  CHECK(catalog.each_in(tr::type_of<std::vector<int>>) != nullptr);
  CHECK(catalog.each_in(tr::type_of<std::vector<std::string>>) == nullptr);
  CHECK(catalog.each_in(tr::type_of<Image>) == nullptr);
  CHECK(same(catalog.each_out(tr::type_of<Label>, false)->whole, tr::type_of<std::vector<Label>>));
  CHECK(same(catalog.each_out(tr::type_of<Label>, true)->whole, tr::type_of<std::vector<tr::Result<Label>>>));
}

TEST_CASE("Tuples are added by their types") {
  tr::Catalog catalog;
  catalog.add_tuple<int, Image>();
  const auto tuple = catalog.tuple({&tr::type_of<int>, &tr::type_of<Image>});
  REQUIRE(tuple);
  CHECK(tuple->function == "tuple");
  CHECK(same(tuple->gives, tr::type_of<std::tuple<int, Image>>));
  CHECK(what_of(catalog.tuple({&tr::type_of<Image>, &tr::type_of<int>})) ==
        "no tuple of catalog_test::Image, int is in the catalog; add it with catalog.add_tuple<...>()");
}

TEST_CASE("A catalog describes itself") {
  tr::Catalog catalog;
  catalog.add("add", add).add_test("positive", positive).add_type<Image>("Image").add("best", best);
  catalog.add_factory("scale", {{"by", true}, {"unit"}}, [](const tr::Parameters&) { return Scale{}; });
  CHECK(catalog.describe() ==
        "add: int, int -> int\nbest: Image -> catalog_test::Label\nscale(by, unit?): double -> double\npositive: tests "
        "int\n");
}
