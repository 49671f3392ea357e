// "batch" in JSON: read, written, and refused where it makes no sense.
#include <catch2/catch.hpp>

#include "plan/json_world.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/plan/json.h"

using namespace json_world;

namespace json_batch_test {

void label_all(tr::Batch<Image, Label>& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) batch.put(i, best(batch.in(i)));
}

tr::Catalog catalog() {
  tr::Catalog c = make_catalog();
  c.add("label_all", label_all);
  return c;
}

std::string flow_of(const std::string& stage) {
  return R"({"flow": "f", "input": "Image", "stages": [{"name": "m", "from": "input", )" + stage + "}]}";
}

const tr::Stage& stage_of(const std::shared_ptr<const tr::Graph>& graph) { return graph->nodes[1].stage; }

std::string error_of(const std::string& stage) {
  const auto graph = tr::read_graph(flow_of(stage), catalog());
  return graph ? "" : graph.error().what();
}

tr::ModelStage<Image, Label> digit() {
  tr::ModelUse use;
  use.name = "digit";
  return {std::move(use), digit_conversion()};
}

}  // namespace json_batch_test
using namespace json_batch_test;

TEST_CASE("JSON: batches of a model and of a batch stage") {
  const auto graph = tr::read_graph(
      flow_of(R"("model": "digit", "batch": {"max": 16, "replicas": 2, "policy": {"fixed": {"size": 8}}})"), catalog());
  REQUIRE(graph);
  CHECK(stage_of(*graph).batching == tr::BatchUse{16, 2, {"fixed", {{"size", 8}}}});
  CHECK(stage_of(*graph).station.limit == 2);
  CHECK(stage_of(*graph).station.max_batch == 16);
  const auto text = tr::detail::write_graph(**graph, nullptr).value();
  CHECK(tr::difference(*tr::read_graph(text, catalog()).value(), **graph) == "");
  CHECK(text.find(R"("batch": {"max": 16, "replicas": 2, "policy": {"fixed": {"size": 8.0}}})") != std::string::npos);

  const auto function = tr::read_graph(flow_of(R"("run": "label_all", "batch": {"policy": "table"})"), catalog());
  REQUIRE(function);
  CHECK(stage_of(*function).station.max_batch == 32);
  CHECK(stage_of(*function).station.policy.name == "table");
  CHECK(tr::difference(*tr::read_graph(tr::detail::write_graph(**function, nullptr).value(), catalog()).value(),
                       **function) == "");
}

TEST_CASE("JSON: batches as in C++, and in the rungs of a cascade") {
  const auto flow = tr::flow<Image>("f", [](tr::Stream<Image> x) {
    return tr::cascade("m", x,
                       tr::exit_if(tr::stage(digit(), {.limit = 1, .max_batch = 8}), tr::named("confident", confident)),
                       digit());
  });
  const auto graph = tr::read_graph(flow_of(R"("cascade": [
      {"model": "digit", "batch": {"max": 8, "replicas": 1}, "exit_if": "confident"}, {"model": "digit"}])"),
                                    catalog());
  if (!graph) FAIL(graph.error().what());
  CHECK(tr::difference(**graph, flow.graph()) == "");
  const auto other = tr::read_graph(flow_of(R"("cascade": [
      {"model": "digit", "batch": {"max": 9, "replicas": 1}, "exit_if": "confident"}, {"model": "digit"}])"),
                                    catalog());
  CHECK(tr::difference(**other, flow.graph()).find("batches") != std::string::npos);
}

TEST_CASE("JSON: what is wrong with batches") {
  CHECK(error_of(R"("run": "best", "batch": {"max": 8})").find("'batch' is for models, and for functions") !=
        std::string::npos);
  CHECK(error_of(R"("model": "digit", "batch": 8)").find("'batch' must be an object, got a number") !=
        std::string::npos);
  CHECK(error_of(R"("model": "digit", "batch": {"max": 0})")
            .find("'max' of 'batch' must be a whole number from 1 to 1024") != std::string::npos);
  CHECK(error_of(R"("model": "digit", "batch": {"replicas": 1.5})").find("whole number") != std::string::npos);
  CHECK(error_of(R"("model": "digit", "batch": {"mox": 8})").find("did you mean 'max'") != std::string::npos);
  CHECK(error_of(R"("cascade": [{"model": "digit"}], "batch": {"max": 8})").find("unknown key 'batch'") !=
        std::string::npos);
}
