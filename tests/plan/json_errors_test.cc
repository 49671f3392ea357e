// What is wrong with a flow as text is said all at once, with its place, and never ends the process.
#include <catch2/catch.hpp>
#include <chrono>
#include <random>

#include "plan/json_text.h"
#include "plan/json_world.h"
#include "tailrace/plan/json.h"

using namespace json_world;

namespace {

const tr::Catalog catalog = make_catalog();

// The problems of a flow whose stages begin in line 2.
std::string problems(const std::string& stages) {
  const auto graph = tr::read_graph("{\"flow\": \"f\", \"input\": \"Image\", \"stages\": [\n" + stages + "]}", catalog);
  return graph ? "" : graph.error().what();
}
std::string problems_of_text(const std::string& text) {
  const auto graph = tr::read_graph(text, catalog);
  return graph ? "" : graph.error().what();
}

}  // namespace

TEST_CASE("JSON errors: syntax, with line and column") {
  CHECK(problems_of_text("").find("1:1: not JSON: ") == 0);
  CHECK(problems_of_text("{\"flow\": \"f\",\n \"stages\" []}").find("2:11: not JSON: syntax error") == 0);
  CHECK(problems_of_text("{\"flow\": 1e999}").find("1:10: not JSON: number overflow") == 0);
  CHECK(problems_of_text("{\"flow\":\n ")
            .find("2:2: not JSON: syntax error while parsing value - unexpected end of input") == 0);
  CHECK(problems_of_text("[] []").find("1:4: not JSON: ") == 0);
  CHECK(problems_of_text("[\n1,\n2,\n\n3 4]").find("5:3: not JSON: ") == 0);
  CHECK(problems_of_text("{\"a\": \"\xff\"}").find("1:8: not JSON: ") == 0);
  CHECK(problems_of_text(R"({"flow": "f", "flow": "g"})") == "1:15: 'flow' is given twice in one object");
  CHECK(problems_of_text(R"([1, 2])") == "1:1: a flow must be an object, got a list");
}

TEST_CASE("JSON errors: a quorum") {
  const std::string arms = R"({"name": "q", "quorum": [{"run": "best"}, {"run": "worst"}])";
  CHECK(problems(arms + "}") == "2:1: q: 'agree' is missing: how many arms must agree");
  for (const std::string wrong : {"0", "3", "-1", "1.5", "1e300"})
    CHECK(problems(arms + ", \"agree\": " + wrong + "}") ==
          "2:71: q: 'agree' must be a whole number from 1 to 2, the number of arms");
  CHECK(problems(arms + ", \"agree\": \"all\"}") == "2:71: q: 'agree' must be a number, got a text");
  CHECK(problems(arms + ", \"agre\": 1}") ==
        "2:62: q: unknown key 'agre' (did you mean 'agree'?); expected 'name', 'from', 'quorum' or 'agree'\n"
        "2:1: q: 'agree' is missing: how many arms must agree");
  CHECK(problems(R"({"name": "q", "quorum": [{"run": "normalise"}], "agree": 1})") ==
        "2:1: q: 'quorum' cannot compare Image: it has no operator==");
}

TEST_CASE("JSON errors: a hedge") {
  CHECK(problems(R"({"name": "h", "hedge": [{"model": "digit"}], "polcy": "never"})") ==
        "2:46: h: unknown key 'polcy' (did you mean 'policy'?); expected 'name', 'from', 'hedge' or 'policy'");
  CHECK(problems(R"({"name": "h", "hedge": [{"model": "digit"}], "policy": 3})") ==
        "2:56: h: a function is a name or {name: {parameter: value}}, got a number");
  CHECK(problems(R"({"name": "h", "hedge": [{"model": "digit"}], "policy": ""})") ==
        "2:56: h: a policy's name must not be empty");
  CHECK(problems(R"({"name": "h", "hedge": []})") == "2:24: h: 'hedge' needs at least one arm");
}

TEST_CASE("JSON errors: the stages of a staged") {
  CHECK(problems(R"({"name": "s", "staged": []})") == "2:25: s: 'staged' needs at least one stage");
  CHECK(problems(R"({"name": "s", "staged": [{"run": "best"}, {"run": "best"}]})") ==
        "2:26: s[0]: gives Label, but every stage of a 'staged' but the last must give an Exit");
  CHECK(problems(R"({"name": "s", "staged": [{"run": "count"}, {"run": "best"}]})") ==
        "2:52: s[1]: 'best' takes Image, got int");
  CHECK(problems(R"({"name": "s", "staged": [{"run": "glance"}, {"run": "brightness"}]})") ==
        "2:45: s[1]: gives int, but the stages before it leave with Label; all must answer with one type");
  CHECK(problems(R"({"name": "s", "staged": [{"run": "glance", "exit_if": "confident"}, {"run": "best"}]})") ==
        "2:44: s[0]: unknown key 'exit_if'; expected 'run' or 'batch'");
  CHECK(problems(R"({"name": "s", "staged": [{"run": "guess"}, {"run": "best"}], "reserve_ms": -1})") ==
        "2:76: s: 'reserve_ms' is a time in ms, expected 0 to 1e9");
  CHECK_THAT(problems(R"({"name": "s", "staged": [{"run": "glance"}, {"run": "best"}], "reserve_ms": 1})"),
             Catch::Contains("s: reserves time for what follows it, but none of its stages gives an AnytimeExit"));
  CHECK(problems(R"({"name": "s", "staged": [{"run": "glanse"}, {"run": "best"}]})") ==
        "2:34: s[0]: there is no stage named 'glanse' in the catalog (did you mean 'glance'?)");
}

TEST_CASE("JSON positions are those of the value, numbers and line ends included") {
  const auto root = tr::detail::parse_json("{\"a\": 12\n, \"b\":[1,\n 22\n,[ ],3.5e2],\n\"c\":{\"d\"\n:null}}");
  REQUIRE(root);
  const auto at = [](const tr::detail::JsonValue& v) { return tr::detail::in_words(v.at); };
  CHECK(at(root->find("a")->value) == "1:7");
  const auto& b = root->find("b")->value;
  CHECK(at(b) == "2:7");
  CHECK(at(b.items[0]) == "2:8");
  CHECK(at(b.items[1]) == "3:2");
  CHECK(at(b.items[2]) == "4:2");
  CHECK(at(b.items[3]) == "4:6");
  CHECK(b.items[3].number == 350);
  CHECK(tr::detail::in_words(root->find("c")->at) == "5:1");
  CHECK(at(root->find("c")->value.members[0].value) == "6:2");
}

TEST_CASE("JSON errors: bounds") {
  CHECK(problems_of_text(std::string(5 << 20, ' ')) == "larger than 4096 KiB");
  CHECK(problems_of_text(std::string(100000, '[')) == "1:65: nested more than 64 levels deep");
  std::string flat = "[0";
  for (int i = 0; i < 500000; ++i) flat += ",0";
  CHECK(problems_of_text(flat + "]").find("more than 400000 values") != std::string::npos);
  std::string wide = "{\"a0\": 0";
  for (int i = 1; i < 100; ++i) wide += ", \"a" + std::to_string(i) + "\": 0";
  CHECK(problems_of_text(wide + "}").find("an object has more than 64 members") != std::string::npos);
  std::string chain = R"({"name": "n0", "run": "normalise"})", wrong = chain;
  for (int i = 1; i < 10000; ++i) chain += ",{\"name\": \"n" + std::to_string(i) + "\", \"run\": \"normalise\"}";
  CHECK(problems(chain) == "");
  CHECK(problems(chain + R"(,{"name": "last", "run": "normalise"})").find("more than 10000 stages") !=
        std::string::npos);
  for (int i = 1; i < 1000; ++i) wrong += ",{\"name\": \"n" + std::to_string(i) + "\", \"run\": \"normalize\"}";
  const auto many = tr::read_graph("{\"flow\": \"f\", \"input\": \"Image\", \"stages\": [" + wrong + "]}", catalog);
  REQUIRE(!many);
  CHECK(many.error().size() == 100);
  CHECK(many.error().list().back().what == "and more: the rest is not listed");
}

TEST_CASE("JSON errors: thousands of long names that are almost right take no time") {
  std::string stages;
  const std::string tail(190, 'x');
  for (int i = 0; i < 5000; ++i)
    stages += R"({"name": "n)" + std::to_string(i) + tail + R"(", "from": "input", "run": "normalise"},)" + "\n";
  for (int i = 0; i < 4000; ++i)
    stages += R"({"name": "m)" + std::to_string(i) + tail + R"(", "from": "o)" + tail + R"(", "run": "best"},)" + "\n";
  const auto begin = std::chrono::steady_clock::now();
  CHECK(problems(stages + "0").find("and more: the rest is not listed") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}

TEST_CASE("JSON errors: the flow itself") {
  CHECK(problems_of_text("{}") ==
        "1:1: 'flow' is missing: the flow's name\n1:1: 'input' is missing: the name of the type that the flow takes\n"
        "1:1: 'stages' is missing: the list of the flow's stages");
  CHECK(problems_of_text(R"({"flow": 1, "input": "Imagge", "stages": {}, "stage": 2})") ==
        "1:46: unknown key 'stage' (did you mean 'stages'?); expected 'flow', 'input' or 'stages'\n"
        "1:10: 'flow' must be a text, got a number\n"
        "1:22: there is no type named 'Imagge' in the catalog (did you mean 'Image'?); add_type<T>(\"Imagge\") names "
        "one\n"
        "1:42: 'stages' must be a list, got an object");
  tr::Catalog broken = catalog;
  broken.add("best", best);
  CHECK(tr::read_graph(R"({"flow": "f", "input": "Image", "stages": []})", broken).error().what() ==
        "best: a stage named 'best' is in the catalog already");
}

TEST_CASE("JSON errors: names and sources, all at once") {
  CHECK(problems(R"({"name": "a", "run": "normalize"},
{"name": "a", "from": "input", "run": "best"}, {"name": "input", "run": "best"}, {"name": "", "run": "best"},
{"from": "a", "run": "best"}, 7,
{"name": "x", "from": "aa", "run": "best"},
{"name": "y", "from": ["a", "x"], "run": "best"},
{"name": "z", "from": 3, "runn": "best"})") ==
        "2:22: a: there is no stage named 'normalize' in the catalog (did you mean 'normalise'?)\n"
        "3:10: a: two stages are named 'a'; names must be unique in a flow\n"
        "3:57: input: 'input' is the flow's input; no stage can have that name\n"
        "3:73: stage 3: 'best' takes Image, got Label\n"
        "3:91: stage 4: a stage's name must not be empty\n"
        "3:102: stage 4: 'best' takes Image, got Label\n"
        "4:1: stage 5: 'name' is missing: a name that no other stage of the flow has\n"
        "4:31: a stage must be an object, got a number\n"
        "5:23: x: reads 'aa', but no stage before it has that name (did you mean 'a'?)\n"
        "6:23: y: 'from' lists several stages, but only a 'join' reads more than one\n"
        "7:1: z: the stage does not say what it does; expected one of 'run', 'model', 'join', 'race', 'quorum', "
        "'hedge', 'cascade', 'staged', 'choose', "
        "'each' or 'flow' (did you mean 'run'?)\n"
        "7:23: z: 'from' must be a text, got a number");
}

TEST_CASE("JSON errors: functions, parameters, models") {
  CHECK(problems(R"({"name": "s", "run": {"scale": {"bye": 2, "unit": 3}}})") ==
        "2:22: s: 'scale' has no parameter 'bye'; it takes 'by' and 'unit' (did you mean 'by'?)\n"
        "2:22: s: parameter 'unit' of 'scale' is a number, expected a text");
  CHECK(problems(R"({"name": "s", "run": {"scale": {"by": true}}})") ==
        "2:39: s: parameter 'by' must be a number or a text, got true or false");
  CHECK(problems(R"({"name": "s", "run": {}})") ==
        "2:22: s: a function is a name or {name: {parameter: value}}, got an object of 0 members");
  CHECK(problems(R"({"name": "s", "run": "both"})") ==
        "2:22: s: 'both' takes 2 inputs; write \"join\" instead of \"run\", and \"from\" as a list");
  CHECK(problems(R"({"name": "s", "model": "m", "need": {"accuracy": 2, "speed": 1}})") ==
        "2:53: s: unknown key 'speed'; expected 'accuracy'\n2:50: s: 'accuracy' is a share of right answers, expected "
        "0 to 1");
  CHECK(problems(R"({"name": "s", "model": "m", "device": "gpu:0"})") ==
        "2:39: s: there is no device 'gpu:0'; expected 'cpu', 'cuda:0', …");
  CHECK(problems(R"({"name": "s", "model": "m", "device": 0})") == "2:39: s: 'device' must be a text, got a number");
  CHECK(problems(R"({"name": "s", "run": "best", "device": "cpu"})").find("unknown key 'device'") != std::string::npos);
  CHECK(problems(R"({"name": "best", "run": "best"}, {"name": "m", "model": "m"})") ==
        "2:57: m: model 'm' takes Image, got Label");
  CHECK(problems(R"({"name": "s", "run": "best", "model": "m"})") ==
        "2:1: s: the stage has 'run' and 'model', expected one of them");
  CHECK(problems(R"({"name": "s", "run": "best", "exit_if": "confident"})") ==
        "2:30: s: unknown key 'exit_if'; expected 'name', 'from', 'run' or 'batch'");
}

TEST_CASE("JSON errors: joins, cascades, races, choose, each") {
  CHECK(problems(R"({"name": "j", "join": "both"})") ==
        "2:1: j: 'from' is missing: the list of stages that the join reads");
  CHECK(problems(R"({"name": "j", "from": ["input"], "join": "tuple"})") ==
        "2:23: j: a join reads at least two stages, got 1\n2:42: j: no tuple of Image is in the catalog; add it with "
        "catalog.add_tuple<...>()");
  CHECK(problems(R"({"name": "j", "from": ["input", "input"], "join": "both"})") ==
        "2:51: j: 'both' takes Label as input 1, got Image\n2:51: j: 'both' takes int as input 2, got Image");
  CHECK(
      problems(
          R"({"name": "c", "cascade": [{"model": "m"}, {"run": "crop", "exit_if": "confident"}, {"run": "best", "exit_if": "confidant"}]})") ==
      "2:27: c[0]: every rung of a cascade but the last needs an exit test: add \"exit_if\"\n"
      "2:70: c[1]: exit test 'confident' judges Label, got std::vector<json_world::Image>\n"
      "2:43: c[1]: gives std::vector<json_world::Image>, but the arms before it give Label; all must give one type\n"
      "2:100: c[2]: the last rung of a cascade always answers: remove \"exit_if\" or add a rung");
  CHECK(problems(
            R"({"name": "c", "cascade": [{"model": "m", "exit_if": {"margin": {"least": -1}}}, {"run": "best"}]})") ==
        "2:53: c[0]: 'least' must not be negative, got -1.000000");
  CHECK(problems(R"({"name": "r", "race": [], "valid": "which"})") == "2:23: r: 'race' needs at least one arm");
  CHECK(problems(R"({"name": "r", "race": [{"run": "best"}], "valid": "which"})") ==
        "2:51: r: validity test 'which' judges Image, got Label");
  CHECK(problems(R"({"name": "c", "choose": [{"run": "best"}]})") ==
        "2:1: c: 'select' is missing: the test whose number says which arm");
  CHECK(problems(R"({"name": "e", "each": {"run": "best"}})") ==
        "2:23: e: 'each' takes a vector of a type that the catalog knows, got Image");
  CHECK(problems(R"({"name": "crop", "run": "crop"}, {"name": "e", "each": {"run": "both"}, "keep": 1})") ==
        "2:81: e: 'keep' must be true or false, got a number\n"
        "2:64: e[0]: 'both' takes 2 inputs; write \"join\" instead of \"run\", and \"from\" as a list");
}

TEST_CASE("JSON errors: inside inner flows, with their path") {
  CHECK(
      problems(R"({"name": "r", "race": [{"stages": [{"name": "a", "run": "besst"}]}, {"flow": {"stagess": []}}]})") ==
      "2:57: r[0].a: there is no stage named 'besst' in the catalog (did you mean 'best'?)\n"
      "2:79: r[1]: unknown key 'stagess' (did you mean 'stages'?); expected 'name' or 'stages'\n"
      "2:78: r[1]: 'stages' is missing: the list of the inner flow's stages");
  CHECK(
      problems(
          R"({"name": "t", "flow": {"stages": [{"name": "a", "run": "best"}, {"name": "b", "from": "input", "run": "best"}]}})") ==
      "2:35: t.a: unused stream: nobody reads what 'a' gives; return it, let another stage read it, or remove the "
      "stage");
  CHECK(problems(R"({"name": "best", "run": "best"}, {"name": "b", "from": "input", "run": "best"})")
            .find("2:1: best: unused stream") == 0);
}

TEST_CASE("JSON errors: a cascade's reserve") {
  const std::string rungs = R"({"name": "k", "cascade": [{"run": "best"}], "reserve_ms": )";
  CHECK(problems(rungs + "0.5}") == "");
  for (const char* wrong : {"-1", "-0.001", "1e10"})
    CHECK(problems(rungs + wrong + "}") == "2:59: k: 'reserve_ms' is a time in ms, expected 0 to 1e9");
  CHECK(problems(rungs + "true}") == "2:59: k: 'reserve_ms' must be a number, got true or false");
}

// ---- text that nobody wrote on purpose

namespace {

const std::string whole = R"({ "flow": "classify", "input": "Image", "stages": [
  {"name": "scale", "from": "input", "run": {"scale": {"by": 0.0625, "unit": "m"}}},
  {"name": "r", "from": "scale", "race": [{"run": "normalise"}, {"flow": {"name": "x", "stages": []}}]},
  {"name": "label", "from": "r", "cascade": [{"model": "a", "need": {"accuracy": 0.9}, "exit_if": {"margin": {"least": 0.8}}},
    {"stages": [{"name": "b", "run": "best"}]}], "fallback": false},
  {"name": "n", "from": "scale", "choose": [{"run": "brightness"}, {"run": "brightness"}], "select": "which"},
  {"name": "both", "from": ["label", "n"], "join": "both"}]})";

// Changes bytes, or cuts, doubles and swaps pieces; deterministic.
class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}
  std::string mutate(std::string text) {
    for (std::size_t times = 1 + below(3); times > 0; --times) once(text);
    return text;
  }

 private:
  std::size_t below(std::size_t n) { return n == 0 ? 0 : random_() % n; }
  void once(std::string& text) {
    static const std::string bytes = "{}[]\",:0-.eE\\u\n tfn\xff\x80\x01";
    static const char* words[] = {"null", "true", "\"input\"",   "\"stages\"", "1e308",    "-1",
                                  "{}",   "[[[[", "\"\\ud800\"", "\"run\":",   "\"label\""};
    const std::size_t at = below(text.size()), length = 1 + below(20);
    switch (below(6)) {
      case 0: text[at] = bytes[below(bytes.size())]; break;
      case 1: text.erase(at, length); break;
      case 2: text.insert(at, text.substr(below(text.size()), length)); break;
      case 3: text.insert(at, words[below(std::size(words))]); break;
      case 4: text[at] = static_cast<char>(random_() & 255); break;
      case 5: text.resize(at); break;
    }
    if (text.empty()) text = " ";
  }
  std::mt19937 random_;
};

}  // namespace

TEST_CASE("JSON fuzz: mutated documents give a flow that can be written, or problems that say something") {
  REQUIRE(problems_of_text(whole) == "");
  std::size_t good = 0;
  for (unsigned seed = 0; seed < 20000; ++seed) {
    const std::string text = Mutator(seed).mutate(whole);
    const auto graph = tr::read_graph(text, catalog);
    if (!graph) {
      if (graph.error().empty() || graph.error().list().front().what.empty()) FAIL(text);
      continue;
    }
    ++good;
    const auto again = tr::write_flow(**graph, catalog);
    if (!again) FAIL(text << again.error().what());
    const auto same = tr::read_graph(*again, catalog);
    if (!same) FAIL(text << same.error().what());
    if (!(**same == **graph)) FAIL(text << tr::difference(**same, **graph));
  }
  CHECK(good > 60);
}
