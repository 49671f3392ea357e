// Flows and stages: how a JSON value becomes the nodes of a graph.
#include "plan/json_read.h"

#include <algorithm>

#include "tailrace/plan/verify.h"

namespace tailrace::detail {

namespace {

constexpr std::size_t most_problems = 100, most_stages = 10000, longest_name = 200;

std::string listed(const std::vector<std::string_view>& names, const char* last_separator) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += i == 0 ? "" : i + 1 == names.size() ? last_separator : ", ";
    text += "'" + std::string(names[i]) + "'";
  }
  return text;
}

std::string shortened(std::string_view name) {
  return "'" + std::string(name.substr(0, 60)) + (name.size() > 60 ? "..." : "") + "'";
}

}  // namespace

std::string_view FlowReader::key(Form form) {
  switch (form) {
    case Form::run: return "run";
    case Form::model: return "model";
    case Form::join: return "join";
    case Form::race: return "race";
    case Form::quorum: return "quorum";
    case Form::hedge: return "hedge";
    case Form::cascade: return "cascade";
    case Form::staged: return "staged";
    case Form::choose: return "choose";
    case Form::each: return "each";
    case Form::flow: return "flow";
    case Form::stages: return "stages";
  }
  return "";
}

std::vector<std::string_view> FlowReader::extras(Form form) {
  switch (form) {
    case Form::run: return {"batch"};
    case Form::model: return {"need", "device", "batch"};
    case Form::race: return {"valid"};
    case Form::quorum: return {"agree"};
    case Form::hedge: return {"policy"};
    case Form::cascade: return {"fallback", "reserve_ms"};
    case Form::staged: return {"reserve_ms"};
    case Form::choose: return {"select"};
    case Form::each: return {"keep"};
    case Form::join:
    case Form::flow:
    case Form::stages: break;
  }
  return {};
}

// ---- problems

void FlowReader::add(Code code, Position at, const std::string& path, std::string what) {
  if (problems_.size() == most_problems) return;
  problems_.add(code, in_words(at) + (path.empty() ? "" : ": " + path.substr(0, longest_name)), std::move(what));
  if (problems_.size() + 1 == most_problems) problems_.add(code, in_words(at), "and more: the rest is not listed");
}

void FlowReader::add(const Problems& problems, Position at, const std::string& path) {
  for (const auto& p : problems.list()) add(p.code, at, path, p.what);
}

// Problems of a graph, at the place where their stage was read.
void FlowReader::add_placed(const Problems& problems, const std::string& path) {
  for (const auto& p : problems.list()) {
    const std::string where = path_of(path, p.where);
    const auto found = places_.find(where);
    add(p.code, found == places_.end() ? Position{} : found->second, where, p.what);
  }
}

bool FlowReader::expect(const JsonValue& value, JsonValue::Kind kind, const std::string& path, std::string_view what) {
  if (value.is(kind)) return true;
  add(Code::type_mismatch, value.at, path,
      std::string(what) + " must be " + std::string(in_words(kind)) + ", got " + std::string(in_words(value.kind)));
  return false;
}

void FlowReader::check_keys(const Place& place, std::vector<std::string_view> known) {
  for (const auto& member : place.object.members) {
    if (std::find(known.begin(), known.end(), member.name) != known.end()) continue;
    add(Code::unknown_name, member.at, place.path,
        "unknown key " + shortened(member.name) + nearest_hint(member.name, {known.begin(), known.end()}) +
            "; expected " + listed(known, " or "));
  }
}

// Which of the forms the object has.
std::optional<FlowReader::Form> FlowReader::find_form(const Place& place, const std::vector<Form>& forms,
                                                      std::string_view what) {
  std::optional<Form> found;
  std::vector<std::string_view> keys, both;
  for (const Form form : forms) {
    keys.push_back(key(form));
    if (!place.object.find(keys.back())) continue;
    both.push_back(keys.back());
    found = form;
  }
  if (both.size() == 1) return found;
  if (both.size() > 1) {
    add(Code::invalid_flow, place.object.at, place.path,
        std::string(what) + " has " + listed(both, " and ") + ", expected one of them");
    return std::nullopt;
  }
  std::string hint;
  for (const auto& member : place.object.members)
    if (hint.empty()) hint = nearest_hint(member.name, {keys.begin(), keys.end()});
  add(Code::invalid_flow, place.object.at, place.path,
      std::string(what) + " does not say what it does; expected one of " + listed(keys, " or ") + hint);
  return std::nullopt;
}

// ---- flows

Built<std::shared_ptr<const Graph>> FlowReader::read(const JsonValue& root, const Type* in, const Type* out) {
  problems_ = catalog_.problems();
  if (!expect(root, JsonValue::Kind::object, {}, "a flow")) return std::move(problems_);
  check_keys({root, {}}, {"flow", "input", "stages"});
  std::string name;
  if (const auto* flow = root.find("flow"); flow && expect(flow->value, JsonValue::Kind::string, {}, "'flow'"))
    name = flow->value.text;
  else if (!flow) add(Code::invalid_flow, root.at, {}, "'flow' is missing: the flow's name");
  if (name.size() > longest_name) add(Code::bad_value, root.at, {}, "the flow's name is longer than 200 bytes");
  const Type* input = read_input_type(root, in);
  const auto* stages = root.find("stages");
  if (!stages) add(Code::invalid_flow, root.at, {}, "'stages' is missing: the list of the flow's stages");
  if (!stages) return std::move(problems_);
  auto graph = read_stages(stages->value, std::move(name), input, {});
  const Type* gives = graph->at(graph->output).type;
  if (out && gives && !equal(*gives, *out)) {
    const auto& last = stages->value.items.empty() ? stages->value : stages->value.items.back();
    add(Code::type_mismatch, last.at, graph->at(graph->output).name,
        "the flow gives " + type_name(gives) + ", expected " + type_name(out));
  }
  if (problems_.empty()) add_placed(verify(*graph), {});
  if (!problems_.empty()) return std::move(problems_);
  return graph;
}

const Type* FlowReader::read_input_type(const JsonValue& root, const Type* given) {
  const auto* input = root.find("input");
  if (!input) {
    if (!given) add(Code::invalid_flow, root.at, {}, "'input' is missing: the name of the type that the flow takes");
    return given;
  }
  if (!expect(input->value, JsonValue::Kind::string, {}, "'input'")) return given;
  if (given && type_name(given) == input->value.text) return given;
  const auto type = catalog_.type(input->value.text.substr(0, longest_name));
  if (!type) {
    add(type.error(), input->value.at, {});
    return given;
  }
  if (given && !equal(*given, **type)) {
    add(Code::type_mismatch, input->value.at, {},
        "the flow takes " + type_name(*type) + ", expected " + type_name(given));
    return given;
  }
  return *type;
}

std::shared_ptr<const Graph> FlowReader::read_stages(const JsonValue& list, std::string name, const Type* in,
                                                     std::string path) {
  Scope scope;
  scope.graph.name = std::move(name);
  scope.path = std::move(path);
  Node input;
  input.name = "input";
  input.type = in;
  scope.graph.nodes.push_back(std::move(input));
  scope.by_name.emplace("input", 0);
  if (expect(list, JsonValue::Kind::array, scope.path, "'stages'"))
    for (std::size_t i = 0; i < list.items.size() && stages_ <= most_stages && problems_.size() < most_problems; ++i)
      read_stage(scope, list.items[i], i + 1);
  scope.graph.output = scope.last;
  auto graph = std::make_shared<Graph>(in_order(std::move(scope.graph)));
  if (scope.all_inputs_known) add_placed(graph->problems, scope.path);
  graph->problems = {};
  return graph;
}

// {"name": ..., "stages": [...]}; null where it is not one.
std::shared_ptr<const Graph> FlowReader::read_nested(const JsonValue& flow, const Type* in, const std::string& path) {
  if (!expect(flow, JsonValue::Kind::object, path, "'flow'")) return nullptr;
  check_keys({flow, path}, {"name", "stages"});
  const auto* stages = flow.find("stages");
  if (!stages) {
    add(Code::invalid_flow, flow.at, path, "'stages' is missing: the list of the inner flow's stages");
    return nullptr;
  }
  std::string name;
  if (const auto* given = flow.find("name"); given && expect(given->value, JsonValue::Kind::string, path, "'name'"))
    name = given->value.text.substr(0, longest_name);
  return read_stages(stages->value, std::move(name), in, path);
}

// ---- stages

void FlowReader::read_stage(Scope& scope, const JsonValue& object, std::size_t number) {
  if (++stages_ > most_stages) return add(Code::bad_file, object.at, {}, "more than 10000 stages");
  if (!expect(object, JsonValue::Kind::object, scope.path, "a stage")) {
    scope.all_inputs_known = false;
    return;
  }
  Node node;
  node.name = read_name(scope, object, number);
  const Place place{object, path_of(scope.path, node.name)};
  places_.emplace(place.path, object.at);
  const auto form = find_form(place,
                              {Form::run, Form::model, Form::join, Form::race, Form::quorum, Form::hedge, Form::cascade,
                               Form::staged, Form::choose, Form::each, Form::flow},
                              "the stage");
  node.inputs = read_from(scope, place, form == Form::join);
  std::vector<std::string_view> known{"name", "from"};
  if (form) known.push_back(key(*form));
  if (form)
    for (auto extra : extras(*form)) known.push_back(extra);
  if (form) check_keys(place, known);
  const std::string name = node.name;
  scope.last = read_form(scope, form, place, std::move(node));
  scope.by_name.emplace(name, scope.last);
}

std::string FlowReader::read_name(Scope& scope, const JsonValue& object, std::size_t number) {
  std::string otherwise = "stage " + std::to_string(number);
  const auto* name = object.find("name");
  if (!name) {
    add(Code::invalid_flow, object.at, path_of(scope.path, otherwise),
        "'name' is missing: a name that no other stage of the flow has");
    return otherwise;
  }
  if (!expect(name->value, JsonValue::Kind::string, path_of(scope.path, otherwise), "'name'")) return otherwise;
  const std::string& text = name->value.text;
  std::string wrong;
  if (text.empty()) wrong = "a stage's name must not be empty";
  else if (text.size() > longest_name) wrong = "the name " + shortened(text) + " is longer than 200 bytes";
  else if (text == "input") wrong = "'input' is the flow's input; no stage can have that name";
  else if (scope.by_name.count(text) != 0)
    wrong = "two stages are named " + shortened(text) + "; names must be unique in a flow";
  if (wrong.empty()) return text;
  add(Code::invalid_flow, name->value.at, path_of(scope.path, text.empty() ? otherwise : text), std::move(wrong));
  return otherwise;
}

// The nodes that a stage reads.
std::vector<int> FlowReader::read_from(Scope& scope, const Place& place, bool join) {
  const auto* from = place.object.find("from");
  if (!from && !join) return {scope.last};
  if (!from) {
    add(Code::invalid_flow, place.object.at, place.path, "'from' is missing: the list of stages that the join reads");
    return {};
  }
  const JsonValue& value = from->value;
  if (!join) {
    if (value.is(JsonValue::Kind::array))
      add(Code::invalid_flow, value.at, place.path,
          "'from' lists several stages, but only a 'join' reads more than one");
    else if (expect(value, JsonValue::Kind::string, place.path, "'from'")) return {read_source(scope, value, place)};
    scope.all_inputs_known = false;
    return {0};
  }
  std::vector<int> inputs;
  if (!expect(value, JsonValue::Kind::array, place.path, "'from' of a join")) scope.all_inputs_known = false;
  for (const auto& item : value.items) inputs.push_back(read_source(scope, item, place));
  if (value.is(JsonValue::Kind::array) && inputs.size() < 2)
    add(Code::invalid_flow, value.at, place.path,
        "a join reads at least two stages, got " + std::to_string(inputs.size()));
  return inputs;
}

// A hint costs up to the product of two lengths for every name: text from outside gets it for a few short names only.
std::string FlowReader::hint_among(const Scope& scope, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& [other, node] : scope.by_name) {
    if (known.size() == 1000 || name.size() > 64) break;
    known.push_back(other);
  }
  std::sort(known.begin(), known.end());
  return nearest_hint(name, known);
}

// The node of that name; -1, which stands for any value, where there is none.
int FlowReader::read_source(Scope& scope, const JsonValue& value, const Place& place) {
  if (value.is(JsonValue::Kind::string)) {
    if (const auto found = scope.by_name.find(value.text); found != scope.by_name.end()) return found->second;
    add(Code::unknown_name, value.at, place.path,
        "reads " + shortened(value.text) + ", but no stage before it has that name" + hint_among(scope, value.text));
  } else {
    expect(value, JsonValue::Kind::string, place.path, "a stage in 'from'");
  }
  scope.all_inputs_known = false;
  return -1;
}

// Adds what the form says, or a node of unknown type; returns the node whose value the stage gives.
int FlowReader::read_form(Scope& scope, std::optional<Form> form, const Place& place, Node node) {
  std::vector<const Type*> types;
  for (int& i : node.inputs) {
    types.push_back(i < 0 ? nullptr : scope.graph.at(i).type);
    i = std::max(i, 0);
  }
  const Type* in = types.empty() ? nullptr : types.front();
  node.kind = form == Form::join ? Kind::join : Kind::then;
  if (form) {
    const JsonValue& value = place.object.find(key(*form))->value;
    std::optional<Stage> stage;
    switch (*form) {
      case Form::run: stage = read_function(value, place, types, false); break;
      case Form::join: stage = read_function(value, place, types, true); break;
      case Form::model: stage = read_model(value, place, in); break;
      case Form::race:
      case Form::quorum:
      case Form::hedge:
      case Form::cascade:
      case Form::choose: read_arms(*form, place, in, node); break;
      case Form::staged: read_staged(place, in, node); break;
      case Form::each: read_each(place, in, node); break;
      case Form::flow:
      case Form::stages:
        if (const auto flow = read_nested(value, in, place.path)) return splice(scope, node, *flow);
    }
    node.type = stage ? stage->gives : node.type;
    if (stage) read_batch(place, *stage);
    if (stage) node.stage = *std::move(stage);
  }
  scope.graph.nodes.push_back(std::move(node));
  return static_cast<int>(scope.graph.nodes.size()) - 1;
}

// The stages of an inner flow become stages of this one, their names behind that of the node they stand for.
int FlowReader::splice(Scope& scope, const Node& at, const Graph& flow) {
  std::vector<int> place{at.inputs.front()};
  for (std::size_t i = 1; i < flow.nodes.size(); ++i) {
    Node node = flow.nodes[i];
    node.name = path_of(at.name, node);
    for (int& in : node.inputs) in = place[static_cast<std::size_t>(in)];
    place.push_back(static_cast<int>(scope.graph.nodes.size()));
    scope.graph.nodes.push_back(std::move(node));
  }
  return place[static_cast<std::size_t>(flow.output)];
}

}  // namespace tailrace::detail
