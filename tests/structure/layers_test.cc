// The tree obeys its rules, and each rule can fail.
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "rules.h"

namespace structure {
namespace {

std::string read_layers_file() {
  std::ifstream in(PROJECT_ROOT "/tests/structure/layers.txt");
  return {std::istreambuf_iterator<char>(in), {}};
}

// The first complaint about a tree of these files; empty when there is none, and with a note when there are several.
std::string complaint(std::vector<SourceFile> files) {
  for (auto& file : files) {
    if (file.path.substr(file.path.size() - 2) == ".h") file.text = "#pragma once\n" + file.text;
  }
  const auto problems = check_tree(files, read_layers_file());
  if (problems.empty()) return {};
  return problems.front() + (problems.size() == 1 ? "" : " (and more)");
}

std::string lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "int a" + std::to_string(i) + ";\n";
  return text;
}

TEST_CASE("the tree obeys its rules") {
  const auto files = read_tree(PROJECT_ROOT);
  REQUIRE(files.size() > 10);
  for (const auto& problem : check_tree(files, read_layers_file())) FAIL_CHECK(problem);
}

TEST_CASE("layers.txt names only folders above") {
  CHECK(check_tree({}, "core: flow\nflow: core\n") ==
        std::vector<std::string>{"layers.txt: core names flow, which is not above it"});
}

TEST_CASE("a folder includes only the folders it may") {
  CHECK(complaint({{"lib/plan/a.cc", "#include \"tailrace/engine/engine.h\"\n"}}) ==
        "lib/plan/a.cc:1: plan may not include engine");
  CHECK(complaint({{"include/tailrace/core/a.h", "#include <tailrace/plan/graph.h>\n"}}) ==
        "include/tailrace/core/a.h:2: core may not include plan");
  CHECK(complaint({{"lib/plan/a.cc", "#include \"tailrace/core/result.h\"\n#include <vector>\n"}}).empty());
  CHECK(complaint({{"lib/misc/a.cc", "\n"}}) == "lib/misc/a.cc: its folder is not in layers.txt");
  CHECK(complaint({{"lib/a.cc", "\n"}}) == "lib/a.cc: its folder is not in layers.txt");
}

TEST_CASE("public headers include no library of others") {
  for (const std::string library : {"torch/script.h", "ATen/Parallel.h", "c10/util/Exception.h", "caffe2/a.h",
                                    "nlohmann/json.hpp", "fmt/format.h", "CLI/CLI.hpp", "turbojpeg.h", "png.h",
                                    "lmdb.h", "hiredis/hiredis.h", "oneapi/tbb/task_arena.h", "tbb/task_arena.h"}) {
    INFO(library);
    CHECK(
        complaint({{"include/tailrace/exec/pool.h", "#include <" + library + ">\n"}}).find("may be included only in") !=
        std::string::npos);
  }
  CHECK(complaint({{"include/tailrace/exec/tbb.h", "#include <oneapi/tbb/task_arena.h>\n"}}).empty());
  CHECK(complaint({{"include/tailrace/exec/start.h", "#include \"tailrace/exec/tbb.h\"\n"}}) ==
        "include/tailrace/exec/start.h:2: tailrace/exec/tbb.h includes oneTBB and may be included only in lib/exec and "
        "lib/cli");
}

TEST_CASE("in lib/ each library of others has its place") {
  CHECK(complaint({{"lib/engine/a.cc", "#include <oneapi/tbb/task_group.h>\n"}}) ==
        "lib/engine/a.cc:1: oneapi may be included only in lib/exec and include/tailrace/exec/tbb.h");
  CHECK(complaint({{"lib/exec/a.cc", "#  include <tbb/task_group.h>\n"}}).empty());
  CHECK(complaint({{"lib/cli/demo.cc", "#include <torch/script.h>\n"}}) ==
        "lib/cli/demo.cc:1: torch may be included only in lib/torch and lib/cli/train.cc");
  CHECK(complaint({{"lib/cli/train.cc", "#include <torch/script.h>\n"}}).empty());
  CHECK(complaint({{"lib/torch/a.cc", "#include <c10/util/Exception.h>\n"}}).empty());
  CHECK(complaint({{"lib/plan/graph.cc", "#include <nlohmann/json.hpp>\n"}}) ==
        "lib/plan/graph.cc:1: nlohmann may be included only in json.cc and json_*.cc in lib");
  CHECK(complaint({{"lib/plan/json_read.cc", "#include <nlohmann/json.hpp>\n"}}).empty());
  CHECK(complaint({{"lib/cli/report_json.cc", "#include <nlohmann/json.hpp>\n"}}).empty());
  CHECK(complaint({{"lib/plan/a.cc", "#include <CLI/CLI.hpp>\n"}}) ==
        "lib/plan/a.cc:1: CLI may be included only in lib/cli");
  CHECK(complaint({{"lib/plan/a.cc", "#include <lmdb.h>\n"}}) ==
        "lib/plan/a.cc:1: lmdb.h may be included only in lib/store");
  CHECK(complaint({{"lib/stages/a.cc", "#include <png.h>\n"}}) ==
        "lib/stages/a.cc:1: png.h may be included only in lib/image");
  CHECK(complaint({{"lib/image/a.cc", "#include <turbojpeg.h>\n"}}).empty());
  CHECK(complaint({{"lib/torch/a.cc", "#include <openvino/openvino.hpp>\n"}}) ==
        "lib/torch/a.cc:1: openvino may be included only in lib/openvino");
  CHECK(complaint({{"lib/openvino/a.cc", "#include <openvino/openvino.hpp>\n"}}).empty());
  CHECK(complaint({{"lib/plan/a.cc", "#include <fmt/format.h>\n"}}).empty());
}

TEST_CASE("the umbrella header is for users") {
  const std::string include = "#include \"tailrace/tailrace.h\"\n";
  CHECK(complaint({{"lib/plan/a.cc", include}}) ==
        "lib/plan/a.cc:1: the umbrella header is for users; include what is used");
  CHECK(complaint({{"lib/cli/a.cc", include}, {"tests/plan/a_test.cc", include}, {"bench/x/a.cc", include}}).empty());
  CHECK(complaint({{"include/tailrace/tailrace.h", "#include \"tailrace/torch/load.h\"\n"}}) ==
        "include/tailrace/tailrace.h:2: the umbrella header may not include the leaf torch");
}

TEST_CASE("includes are named from include/ or lib/") {
  CHECK(complaint({{"lib/plan/a.cc", "#include \"../core/b.h\"\n"}}) ==
        "lib/plan/a.cc:1: relative include of ../core/b.h; name it from include/ or lib/");
  CHECK(complaint({{"lib/plan/a.cc", "#include \"b.h\"\n"}}) ==
        "lib/plan/a.cc:1: relative include of b.h; name it from include/ or lib/");
  CHECK(complaint({{"include/tailrace/plan/a.h", "#include \"b.h\"\n"}}) ==
        "include/tailrace/plan/a.h:2: relative include of b.h; name it from include/ or lib/");
}

TEST_CASE("private headers stay in their folder") {
  const SourceFile frame = {"lib/engine/frame.h", ""}, model = {"lib/torch/module.h", ""};
  CHECK(complaint({frame, {"lib/engine/a.cc", "#include \"engine/frame.h\"\n"}}).empty());
  CHECK(complaint({model, {"lib/torch/a.cc", "#include \"torch/module.h\"\n#include <torch/script.h>\n"}}).empty());
  CHECK(complaint({frame, {"lib/exec/a.cc", "#include \"engine/frame.h\"\n"}}) ==
        "lib/exec/a.cc:1: private header of another folder: engine/frame.h");
  CHECK(complaint({frame, {"lib/exec/a.cc", "#include <engine/frame.h>\n"}}) ==
        "lib/exec/a.cc:1: private header of another folder: engine/frame.h");
  CHECK(complaint({frame, {"include/tailrace/engine/a.h", "#include \"engine/frame.h\"\n"}}) ==
        "include/tailrace/engine/a.h:2: a public header may not include the private header engine/frame.h");
}

TEST_CASE("files and functions end before a reader tires") {
  CHECK(complaint({{"lib/plan/a.cc", lines(500)}}).empty());
  CHECK(complaint({{"lib/plan/a.cc", lines(501)}}) == "lib/plan/a.cc: 501 lines, 500 at most; split it by meaning");
  CHECK(complaint({{"tests/run.sh", lines(501)}}) == "tests/run.sh: 501 lines, 500 at most; split it by meaning");
  CHECK(complaint({{"include/tailrace/plan/a.h", lines(299)}}).empty());
  CHECK(complaint({{"include/tailrace/plan/a.h", lines(300)}}) ==
        "include/tailrace/plan/a.h: 301 lines, 300 at most; split it by meaning");
  CHECK(complaint({{"lib/plan/a.cc", "\nint f() {\n" + lines(58) + "}\n"}}).empty());
  CHECK(complaint({{"lib/plan/a.cc", "\nint f() {\n" + lines(59) + "}\n"}}) ==
        "lib/plan/a.cc:2: function f has 61 lines, 60 at most");
}

TEST_CASE("a header is included once") {
  CHECK(check_tree({{"tests/support/a.h", "int a;\n"}}, read_layers_file()) ==
        std::vector<std::string>{"tests/support/a.h: a header needs #pragma once"});
}

// "name lines, name lines" of the functions found.
std::string found(std::string_view text) {
  std::string all;
  for (const auto& function : functions_in(text)) {
    all += (all.empty() ? "" : ", ") + function.name + " " + std::to_string(function.lines);
  }
  return all;
}

TEST_CASE("functions are told from types, tables and namespaces") {
  CHECK(found("namespace a {\nint f() {\n  return 1;\n}\n}\n") == "f 3");
  CHECK(found("extern \"C\" {\nint f() {\n  if (x) {\n  }\n}\n}\n") == "f 4");
  CHECK(found("class alignas(64) A : B<decltype(x())> {\n public:\n  A() : x_{1}, y_(2) {\n  }\n  int x_{0};\n};\n") ==
        "A 2");
  CHECK(found("A::A(int x)\n    : std::vector<int>{x},\n      y_{[] { return 1; }()} {\n  f();\n}\nint g() {\n}\n") ==
        "A::A 3, g 2");
  CHECK(found("struct A {\n  int f() const noexcept {\n    return 1;\n  }\n  auto g() -> std::map<a, b> { }\n};\n") ==
        "f 3, g 1");
  CHECK(found("template <class T, class U = std::vector<T>>\nvoid A::g(int x) {\n}\n") == "A::g 2");
  CHECK(found("template <class T>\n  requires requires(T t) { t.f(); }\nbool operator==(T, T) {\n}\n") ==
        "operator== 2");
  CHECK(found("template <class T>\nconcept C = requires(T t) {\n  t.f();\n};\nvoid f() {\n}\n") == "f 2");
  CHECK(found("const Row table[] = {\n{1, f(2)},\n{2, f(3)},\n};\nenum class E : int {\n  a,\n};\n").empty());
  CHECK(found("auto l = [](int x) {\n return x;\n};\n") == "(unnamed) 3");
  CHECK(found("#define X(a) {\nint f() { const char* s = \"}{\"; char c = '{'; /* { */ return 1'000; }\n") == "f 1");
  CHECK(found("void f() {\n  auto s = R\"x(}}} )\" )x\";\n  g([] {\n  });\n}\nint h() { return 1; }\n") == "f 5, h 1");
}

}  // namespace
}  // namespace structure
