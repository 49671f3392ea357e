// Asynchronous, batch and stateful stages, and those with a limit: what a plan knows of them.
#include <catch2/catch.hpp>
#include <string>

#include "tailrace/exec/start.h"
#include "tailrace/flow/flow.h"
#include "tailrace/plan/explain.h"
#include "tailrace/plan/json.h"

namespace tr = tailrace;

namespace stage_forms_test {

void later(const int& x, tr::Completion<std::string> done) { done.complete(std::to_string(x)); }
void halves(tr::Batch<std::string, double>& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) batch.put(i, std::stod(batch.in(i)) / 2);
}
double sum(double& total, const double& x) { return total += x; }
int rounded(double x) { return static_cast<int>(x); }

tr::Catalog catalog() {
  tr::Catalog c;
  c.add_type<int>("int");
  c.add("later", later).add("halves", tr::stage(halves, {.max_batch = 4}));
  c.add("sum", tr::stateful<double>(sum, {.per_stream = true}));
  c.add("rounded", tr::stage(rounded, {.serial = true}));
  c.add("few", tr::stage(rounded, {.limit = 3}));
  return c;
}

const std::string json = R"({ "flow": "forms", "input": "int", "stages": [
  {"name": "later", "from": "input", "run": "later"},
  {"name": "halves", "from": "later", "run": "halves"},
  {"name": "sum", "from": "halves", "run": "sum"},
  {"name": "rounded", "from": "sum", "run": "rounded"} ] })";

}  // namespace stage_forms_test
using namespace stage_forms_test;

TEST_CASE("stage forms: a flow of them is read from JSON, equals the one in C++, and runs") {
  const auto read = tr::read_flow<int, int>(json, catalog());
  REQUIRE(read);
  const auto written = tr::flow<int>("forms", [](tr::Stream<int> x) {
    return x.then("later", tr::named("later", later))
        .then("halves", tr::named("halves", tr::stage(halves, {.max_batch = 4})))
        .then("sum", tr::named("sum", tr::stateful<double>(sum, {.per_stream = true})))
        .then("rounded", tr::named("rounded", tr::stage(rounded, {.serial = true})));
  });
  CHECK(difference(read->graph(), written.graph()) == "");
  auto engine = tr::start(*read, {.threads = 2}).value();
  CHECK(engine.run(10, {.stream = 1}).value() == 5);
  CHECK(engine.run(10, {.stream = 1}).value() == 10);
  CHECK(engine.run(10, {.stream = 2}).value() == 5);
}

TEST_CASE("stage forms: explain says how a stage is called") {
  const std::string text = tr::explain(*tr::read_flow<int, int>(json, catalog()));
  INFO(text);
  for (const char* words :
       {"answers later", "batches of up to 4, one call at a time", "a state for each stream", "one call at a time"})
    CHECK(text.find(words) != text.npos);
}

TEST_CASE("stage forms: stages with a queue, and those that answer later, share no block") {
  const auto blocks = [](auto... stages) {
    const auto f = tr::flow<int>("f", [&](tr::Stream<int> x) {
      auto s = x.then("before", [](int v) { return v; });
      ((s = s.then("s" + std::to_string(sizeof(stages)), stages)), ...);
      return s.then("behind", [](int v) { return v; });
    });
    return tr::start(f, {.threads = 1}).value().figures().blocks;
  };
  const auto plain = [](int v) { return v; };
  const auto lambda = [](const int& v, tr::Completion<int> done) { done.complete(v); };
  CHECK(blocks(plain) == 1);
  CHECK(blocks(tr::stage(plain, {.serial = true})) == 3);
  CHECK(blocks(lambda) <= 3);
}
