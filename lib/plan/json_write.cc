// Graphs as text, laid out so that people can read and change it.
#include <cmath>
#include <nlohmann/json.hpp>

#include "tailrace/plan/json.h"

namespace tailrace::detail {

namespace {

using Json = nlohmann::ordered_json;

constexpr int deepest = 20;  // arms in arms: what a reader accepts

// Turns graphs into JSON values, and records what cannot be written.
class Writer {
 public:
  explicit Writer(const Catalog* catalog) : catalog_(catalog) {}

  Problems& problems() { return problems_; }

  Json flow(const Graph& graph) {
    problems_.add(graph.problems);
    Json json;
    json["flow"] = graph.name;
    json["input"] = catalog_ ? catalog_->type_name(graph.input_type()) : display_name(graph.input_type());
    json["stages"] = stages(graph, {}, 0);
    return json;
  }

 private:
  Json stages(const Graph& graph, const std::string& path, int depth) {
    Json list = Json::array();
    if (depth > deepest) problems_.add(Code::unsupported, path, "nested too deeply to be written");
    else
      for (std::size_t i = 1; i < graph.nodes.size(); ++i) list.push_back(stage(graph, graph.nodes[i], path, depth));
    return list;
  }

  Json stage(const Graph& graph, const Node& node, const std::string& prefix, int depth) {
    const std::string path = path_of(prefix, node);
    if (node.name.empty()) problems_.add(Code::invalid_flow, path, "a stage without a name cannot be written; name it");
    Json json;
    json["name"] = node.name;
    if (node.kind == Kind::join)
      for (int in : node.inputs) json["from"].push_back(graph.at(in).name);
    else json["from"] = graph.at(node.inputs.front()).name;
    switch (node.kind) {
      case Kind::input: break;
      case Kind::then: function(json, node.stage, path); break;
      case Kind::join:
        json["join"] = call(node.stage.function, node.stage.parameters, path, "the function of this join");
        break;
      case Kind::race:
        json["race"] = arms(node, path, depth);
        if (node.test) json["valid"] = test(node.test, path, "this validity test");
        break;
      case Kind::quorum:
        json["quorum"] = arms(node, path, depth);
        json["agree"] = node.agree;
        break;
      case Kind::hedge:
        json["hedge"] = arms(node, path, depth);
        json["policy"] = call(node.policy.name, node.policy.parameters, path, "this policy");
        break;
      case Kind::cascade:
        json["cascade"] = arms(node, path, depth);
        if (!node.fallback) json["fallback"] = false;
        reserve(json, node);
        break;
      case Kind::staged:
        json["staged"] = arms(node, path, depth);
        reserve(json, node);
        break;
      case Kind::choose:
        json["choose"] = arms(node, path, depth);
        json["select"] = test(node.test, path, "this selector");
        break;
      case Kind::each:
        json["each"] = arm(node.arms.front(), arm_path(path, 0), depth);
        if (node.each_out->keeps_errors) json["keep"] = true;
        break;
    }
    return json;
  }

  static void reserve(Json& json, const Node& node) {
    if (node.reserve) json["reserve_ms"] = std::chrono::duration<double, std::milli>(*node.reserve).count();
  }

  void function(Json& json, const Stage& stage, const std::string& path) {
    if (stage.function.empty() && !stage.model.name.empty()) {
      json["model"] = stage.model.name;
      if (stage.model.need.device) json["device"] = name(*stage.model.need.device);
      if (stage.model.need.accuracy != 0) json["need"]["accuracy"] = finite(stage.model.need.accuracy, path);
      batch(json, stage.batching, path);
    } else {
      json["run"] = call(stage.function, stage.parameters, path, "this function");
      if (catalog_ && !stage.function.empty()) check(catalog_->stage(stage.function, stage.parameters), path);
      batch(json, stage.batching, path);
    }
  }
  void batch(Json& json, const BatchUse& use, const std::string& path) {
    if (!use.said()) return;
    Json& to = json["batch"];
    to["max"] = use.max;
    if (use.replicas) to["replicas"] = use.replicas;
    if (!use.policy.name.empty()) to["policy"] = call(use.policy.name, use.policy.parameters, path, "this policy");
  }

  Json test(const Test& test, const std::string& path, const char* what) {
    if (catalog_ && !test.function.empty()) check(catalog_->test(test.function, test.parameters), path);
    return call(test.function, test.parameters, path, what);
  }

  template <class Made>
  void check(const Built<Made>& known, const std::string& path) {
    if (known) return;
    for (const auto& p : known.error().list()) problems_.add(p.code, path, p.what);
  }

  Json arms(const Node& node, const std::string& path, int depth) {
    Json list = Json::array();
    for (std::size_t k = 0; k < node.arms.size(); ++k) list.push_back(arm(node.arms[k], arm_path(path, k), depth));
    return list;
  }
  Json arm(const Arm& arm, const std::string& path, int depth) {
    Json json;
    const Graph& graph = *arm.graph;
    const bool one_function =
        graph.nodes.size() == 2 && graph.nodes[1].kind == Kind::then && graph.nodes[1].name.empty();
    if (one_function) {
      function(json, graph.nodes[1].stage, path);
    } else if (graph.name.empty()) {
      json["stages"] = stages(graph, path, depth + 1);
    } else {
      json["flow"]["name"] = graph.name;
      json["flow"]["stages"] = stages(graph, path, depth + 1);
    }
    if (arm.exit) json["exit_if"] = test(arm.exit, path, "this exit test");
    return json;
  }

  Json call(const std::string& function, const Parameters& parameters, const std::string& path,
            const std::string& what) {
    if (function.empty())
      problems_.add(
          Code::unknown_name, path,
          what + " has no name to write; give it the one it has in the Catalog: tr::named(\"its_name\", function)");
    if (parameters.empty()) return function;
    Json json;
    for (const auto& p : parameters.list()) {
      Json& place = json[function][p.name];
      if (p.is_text) place = p.text;
      else place = finite(p.number, path);
    }
    return json;
  }

  double finite(double number, const std::string& path) {
    if (!std::isfinite(number)) problems_.add(Code::bad_value, path, "JSON has no infinite numbers and no NaN");
    return number;
  }

  const Catalog* catalog_;
  Problems problems_;
};

constexpr std::size_t widest = 110;

// What fits stays on one line; lists are broken before objects are, so that a stage begins with its name.
class Layout {
 public:
  std::string text;

  void put(const Json& json, std::size_t indent, std::size_t behind) {
    const std::string compact = one_line(json);
    if (!json.is_structured() || json.empty() || column() + compact.size() + behind <= widest) text += compact;
    else if (json.is_array()) put_list(json, indent, behind);
    else put_object(json, indent, behind);
  }

 private:
  std::size_t column() const {
    const auto line = text.rfind('\n');
    return text.size() - (line == text.npos ? 0 : line + 1);
  }
  // {"a": 1, "b": [2, 3]}
  static std::string one_line(const Json& json) {
    if (!json.is_structured()) return json.dump();
    std::string text = json.is_array() ? "[" : "{";
    for (auto it = json.begin(); it != json.end(); ++it) {
      if (it != json.begin()) text += ", ";
      if (json.is_object()) text += Json(it.key()).dump() + ": ";
      text += one_line(*it);
    }
    return text + (json.is_array() ? "]" : "}");
  }
  void put_list(const Json& json, std::size_t indent, std::size_t behind) {
    text += "[";
    for (auto it = json.begin(); it != json.end(); ++it) {
      const bool last = it + 1 == json.end();
      text += "\n" + std::string(indent + 2, ' ');
      put(*it, indent + 2, last ? behind + 1 : 1);
      text += last ? "]" : ",";
    }
  }
  void put_object(const Json& json, std::size_t indent, std::size_t behind) {
    text += "{";
    for (auto it = json.begin(); it != json.end();) {
      const Json& value = *it;
      text += Json(it.key()).dump() + ": ";
      const bool last = ++it == json.end();
      put(value, indent, last ? behind + 1 : 1);
      text += last ? "}" : ", ";
    }
  }
};

std::string laid_out(const Json& flow) {
  Layout layout;
  layout.text = "{ \"flow\": " + flow["flow"].dump() + ", \"input\": " + flow["input"].dump() + ",\n  \"stages\": [";
  const Json& stages = flow["stages"];
  for (auto it = stages.begin(); it != stages.end(); ++it) {
    layout.text += "\n    ";
    layout.put(*it, 4, 4);
    layout.text += it + 1 == stages.end() ? "" : ",";
  }
  return layout.text + "] }\n";
}

}  // namespace

Built<std::string> write_graph(const Graph& graph, const Catalog* catalog) {
  try {
    Writer writer(catalog);
    const Json json = writer.flow(graph);
    if (!writer.problems().empty()) return std::move(writer.problems());
    return laid_out(json);
  } catch (const std::bad_alloc&) {
    return Problems(Code::out_of_memory, graph.name, "the flow's text does not fit into memory");
  } catch (const std::exception& e) {
    return Problems(Code::bad_value, graph.name, std::string("a name in the flow is not UTF-8: ") + e.what());
  }
}

}  // namespace tailrace::detail
