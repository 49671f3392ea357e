// Every form that a stage can have in JSON, read from the file beside this one and explained.
#include <tailrace/plan/catalog.h>
#include <tailrace/plan/json.h>
#include <tailrace/tailrace.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <numeric>

namespace tr = tailrace;
using Numbers = std::vector<double>;

Numbers absolute(Numbers numbers) {
  for (auto& x : numbers) x = std::abs(x);
  return numbers;
}
struct Limit {
  double most;
  Numbers operator()(Numbers numbers) const {
    for (auto& x : numbers) x = std::min(x, most);
    return numbers;
  }
};
tr::Result<double> inverse(const double& x) {
  if (x == 0) return tr::Error(tr::Code::bad_value, "zero has no inverse");
  return 1 / x;
}
double sum(const Numbers& numbers) { return std::accumulate(numbers.begin(), numbers.end(), 0.0); }
std::size_t count_good(const std::vector<tr::Result<double>>& results) {
  return std::size_t(std::ranges::count_if(results, [](const auto& r) { return r.has_value(); }));
}

// Leaves with small numbers, and goes on with the sine of others.
using Step = tr::Exit<double, double>;
Step early(const double& x) { return x < 0.1 ? Step::leave(x) : Step::go_on(std::sin(x)); }

tr::Catalog make_catalog() {
  tr::Catalog c;
  c.add_type<Numbers>("Numbers").add_tuple<double, std::size_t>();
  c.add("absolute", absolute).add("inverse", inverse).add("sum", sum).add("count_good", count_good);
  c.add("early", early).add("late", [](const double& sine) { return sine * sine; });
  c.add("root", [](const double& x) { return std::sqrt(x); }).add("half", [](const double& x) { return x / 2; });
  c.add("twice", [](const double& x) { return x * 2; }).add("series", [](const double& x) { return x - x * x / 2; });
  c.add_test("finite", [](const double& x) { return std::isfinite(x); });
  c.add_test("is_large", [](const double& x) { return x > 1; });  // as a selector: arm 0 or arm 1
  c.add_factory("limit", {{.name = "most", .required = true}, {.name = "why", .is_text = true}},
                [](const tr::Parameters& p) { return Limit{p.number("most", 0)}; });
  c.add_test_factory("above", {{.name = "least", .required = true}}, [](const tr::Parameters& p) {
    return [least = p.number("least", 0)](const double& x) { return x > least; };
  });
  c.default_model<double, double>();  // any model takes a number and gives one
  return c;
}

int main() {
  std::ifstream file(RECIPE_DIR "/09_every_json_form.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto graph = tr::read_graph(text, make_catalog());
  if (!graph) return std::cout << graph.error().what() << "\n", 1;
  std::cout << tr::explain(**graph);
}
