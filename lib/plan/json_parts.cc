// What stages are made of: functions, models, tests and arms.
#include <algorithm>
#include <cmath>

#include "plan/json_read.h"
#include "tailrace/model/device.h"

namespace tailrace::detail {

namespace {

using JsonKind = JsonValue::Kind;

std::string counted(std::size_t n, const char* what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); }

}  // namespace

// "name", or {"name": {"parameter": number or text, ...}}.
std::optional<std::pair<std::string, Parameters>> FlowReader::read_call(const JsonValue& value,
                                                                        const std::string& path) {
  if (value.is(JsonKind::string)) return std::pair(value.text, Parameters());
  if (!value.is(JsonKind::object) || value.members.size() != 1) {
    add(Code::type_mismatch, value.at, path,
        "a function is a name or {name: {parameter: value}}, got " +
            (value.is(JsonKind::object) ? "an object of " + counted(value.members.size(), "member")
                                        : std::string(in_words(value.kind))));
    return std::nullopt;
  }
  const auto& [name, at, given] = value.members.front();
  if (!expect(given, JsonKind::object, path, "what stands behind a function's name")) return std::nullopt;
  Parameters parameters;
  for (const auto& p : given.members) {
    if (p.value.is(JsonKind::number)) parameters.add({p.name, p.value.number});
    else if (p.value.is(JsonKind::string)) parameters.add({p.name, p.value.text});
    else
      add(Code::type_mismatch, p.value.at, path,
          "parameter '" + p.name.substr(0, 60) + "' must be a number or a text, got " +
              std::string(in_words(p.value.kind)));
  }
  return std::pair(name, std::move(parameters));
}

std::optional<Stage> FlowReader::read_function(const JsonValue& value, const Place& place,
                                               const std::vector<const Type*>& in, bool join) {
  const auto call = read_call(value, place.path);
  if (!call) return std::nullopt;
  if (join && call->first == "tuple") {
    if (std::find(in.begin(), in.end(), nullptr) != in.end() || in.empty()) return std::nullopt;
    auto tuple = catalog_.tuple(in);
    if (!tuple) add(tuple.error(), value.at, place.path);
    return tuple ? std::optional(*std::move(tuple)) : std::nullopt;
  }
  auto stage = catalog_.stage(call->first.substr(0, 200), call->second);
  if (!stage) {
    add(stage.error(), value.at, place.path);
    return std::nullopt;
  }
  check_takes(value, place, *stage, in, join);
  return *std::move(stage);
}

void FlowReader::check_takes(const JsonValue& value, const Place& place, const Stage& stage,
                             const std::vector<const Type*>& in, bool join) {
  const std::string name = "'" + stage.function + "'";
  if (!join && stage.takes.size() != 1)
    return add(Code::invalid_flow, value.at, place.path,
               name + " takes " + counted(stage.takes.size(), "input") +
                   "; write \"join\" instead of \"run\", and \"from\" as a list");
  if (join && stage.takes.size() != in.size() && in.size() >= 2)
    return add(
        Code::type_mismatch, value.at, place.path,
        name + " takes " + counted(stage.takes.size(), "input") + ", but 'from' lists " + std::to_string(in.size()));
  for (std::size_t i = 0; i < std::min(in.size(), stage.takes.size()); ++i) {
    if (!in[i] || equal(*in[i], *stage.takes[i])) continue;
    add(Code::type_mismatch, value.at, place.path,
        name + " takes " + type_name(stage.takes[i]) + (join ? " as input " + std::to_string(i + 1) : "") + ", got " +
            type_name(in[i]));
  }
}

std::optional<Stage> FlowReader::read_model(const JsonValue& value, const Place& place, const Type* in) {
  const auto need = read_need(place);
  if (!expect(value, JsonKind::string, place.path, "'model'") || !in || !need) return std::nullopt;
  if (value.text.empty()) add(Code::bad_value, value.at, place.path, "a model's name must not be empty");
  if (value.text.empty()) return std::nullopt;
  auto stage = catalog_.model(value.text.substr(0, 200), *need, *in);
  if (!stage) add(stage.error(), value.at, place.path);
  return stage ? std::optional(*std::move(stage)) : std::nullopt;
}

std::optional<Need> FlowReader::read_need(const Place& place) {
  Need read;
  if (const auto* device = place.object.find("device")) {
    if (!expect(device->value, JsonKind::string, place.path, "'device'")) return std::nullopt;
    read.device = device_of(device->value.text);
    if (!read.device) {
      add(Code::unknown_name, device->value.at, place.path,
          "there is no device '" + device->value.text.substr(0, 60) + "'; expected 'cpu', 'cuda:0', …");
      return std::nullopt;
    }
  }
  const auto* need = place.object.find("need");
  if (!need) return read;
  if (!expect(need->value, JsonKind::object, place.path, "'need'")) return std::nullopt;
  check_keys({need->value, place.path}, {"accuracy"});
  const auto* accuracy = need->value.find("accuracy");
  if (!accuracy) return read;
  if (!expect(accuracy->value, JsonKind::number, place.path, "'accuracy'")) return std::nullopt;
  if (accuracy->value.number >= 0 && accuracy->value.number <= 1) {
    read.accuracy = accuracy->value.number;
    return read;
  }
  add(Code::bad_value, accuracy->value.at, place.path, "'accuracy' is a share of right answers, expected 0 to 1");
  return std::nullopt;
}

// "batch": {"max": 32, "replicas": 1, "policy": "table"}: how requests share the calls of a model or a batch stage.
void FlowReader::read_batch(const Place& place, Stage& stage) {
  const auto* batch = place.object.find("batch");
  if (!batch || !expect(batch->value, JsonKind::object, place.path, "'batch'")) return;
  const Place inside{batch->value, place.path};
  check_keys(inside, {"max", "replicas", "policy"});
  if (!stage.together && !stage.station.batch)
    return add(Code::unsupported, batch->at, place.path,
               "'batch' is for models, and for functions that take a tr::Batch");
  BatchUse use;
  use.max = read_count(inside, "max", most_batch_rows);
  use.replicas = read_count(inside, "replicas", 10000);
  if (const auto* policy = batch->value.find("policy"))
    if (auto call = read_call(policy->value, place.path))
      use.policy = {call->first.substr(0, 200), std::move(call->second)};
  if (use.max == 0) use.max = std::max(1u, stage.station.batch ? stage.station.max_batch : 32u);
  stage.batching = use;
  stage.station = with_batches(stage, use, {});
}

// A whole number from 1 to `most`; 0 where there is none.
unsigned FlowReader::read_count(const Place& batch, std::string_view key, unsigned most) {
  const auto* member = batch.object.find(key);
  const std::string what = "'" + std::string(key) + "' of 'batch'";
  if (!member || !expect(member->value, JsonKind::number, batch.path, what)) return 0;
  const double number = member->value.number;
  if (number >= 1 && number <= most && number == std::floor(number)) return static_cast<unsigned>(number);
  add(Code::bad_value, member->value.at, batch.path,
      what + " must be a whole number from 1 to " + std::to_string(most));
  return 0;
}

// Without `run` where there is none.
Test FlowReader::read_test(const JsonValue& value, const std::string& path, const Type* judged, std::string_view what) {
  const auto call = read_call(value, path);
  if (!call) return {};
  auto test = catalog_.test(call->first.substr(0, 200), call->second);
  if (!test) {
    add(test.error(), value.at, path);
    return {};
  }
  if (judged && !equal(*judged, *test->takes))
    add(Code::type_mismatch, value.at, path,
        std::string(what) + " '" + test->function + "' judges " + type_name(test->takes) + ", got " +
            type_name(judged));
  return *std::move(test);
}

bool FlowReader::read_flag(const Place& place, std::string_view key, bool otherwise) {
  const auto* flag = place.object.find(key);
  if (!flag || !expect(flag->value, JsonKind::boolean, place.path, "'" + std::string(key) + "'")) return otherwise;
  return flag->value.truth;
}

// A rung that is not the last one must have an exit test, all other arms must not.
FlowReader::ReadArm FlowReader::read_arm(const JsonValue& value, const std::string& path, const Type* in, bool rung,
                                         bool last) {
  ReadArm read;
  read.arm.graph = std::make_shared<Graph>(Graph{{}, {Node{}}, 0, {}});
  if (!expect(value, JsonKind::object, path, "an arm")) return read;
  const Place place{value, path};
  places_.emplace(path, value.at);
  const auto form = find_form(place, {Form::run, Form::model, Form::flow, Form::stages}, rung ? "the rung" : "the arm");
  if (!form) return read;
  std::vector<std::string_view> known{key(*form)};
  for (auto extra : extras(*form)) known.push_back(extra);
  if (rung) known.push_back("exit_if");
  check_keys(place, known);

  const JsonValue& what = value.find(key(*form))->value;
  if (*form == Form::run || *form == Form::model) {
    auto stage = *form == Form::run ? read_function(what, place, {in}, false) : read_model(what, place, in);
    read.gives = stage ? stage->gives : nullptr;
    if (stage) read_batch(place, *stage);
    if (stage) read.arm = arm_of(*std::move(stage));
  } else if (const auto flow = *form == Form::flow ? read_nested(what, in, path) : read_stages(what, {}, in, path)) {
    read.gives = flow->at(flow->output).type;
    read.arm = arm_of(flow);
  }

  const auto* exit = value.find("exit_if");
  if (!rung) return read;
  if (!exit && !last)
    add(Code::invalid_flow, value.at, path, "every rung of a cascade but the last needs an exit test: add \"exit_if\"");
  else if (exit && last)
    add(Code::invalid_flow, exit->at, path,
        "the last rung of a cascade always answers: remove \"exit_if\" or add a rung");
  else if (exit) read.arm.exit = read_test(exit->value, path, read.gives, "exit test");
  return read;
}

void FlowReader::read_arms(Form form, const Place& place, const Type* in, Node& node) {
  const JsonValue& list = place.object.find(key(form))->value;
  node.kind = form == Form::race      ? Kind::race
              : form == Form::quorum  ? Kind::quorum
              : form == Form::hedge   ? Kind::hedge
              : form == Form::cascade ? Kind::cascade
                                      : Kind::choose;
  const std::string what = "'" + std::string(key(form)) + "'";
  if (expect(list, JsonKind::array, place.path, what) && list.items.empty())
    add(Code::invalid_flow, list.at, place.path, what + " needs at least one arm");
  for (std::size_t k = 0; k < list.items.size(); ++k) {
    auto read = read_arm(list.items[k], arm_path(place.path, k), in, form == Form::cascade, k + 1 == list.items.size());
    if (!node.type) node.type = read.gives;
    else if (read.gives && !equal(*node.type, *read.gives))
      add(Code::type_mismatch, list.items[k].at, arm_path(place.path, k),
          "gives " + type_name(read.gives) + ", but the arms before it give " + type_name(node.type) +
              "; all must give one type");
    node.arms.push_back(std::move(read.arm));
  }
  node.fallback = read_flag(place, "fallback", true);
  if (form == Form::race)
    if (const auto* valid = place.object.find("valid"))
      node.test = read_test(valid->value, place.path, node.type, "validity test");
  if (form == Form::quorum) return read_agree(place, node);
  if (form == Form::hedge) return read_policy(place, node);
  if (form == Form::cascade) return read_reserve(place, node);
  if (form != Form::choose) return;
  if (const auto* select = place.object.find("select"))
    node.test = read_test(select->value, place.path, in, "selector");
  else
    add(Code::invalid_flow, place.object.at, place.path, "'select' is missing: the test whose number says which arm");
}

void FlowReader::read_agree(const Place& place, Node& node) {
  node.equality = node.type ? catalog_.equality(*node.type) : nullptr;
  if (node.type && !node.equality)
    add(Code::unsupported, place.object.at, place.path,
        "'quorum' cannot compare " + type_name(node.type) + ": it has no operator==");
  const auto* agree = place.object.find("agree");
  if (!agree)
    return add(Code::invalid_flow, place.object.at, place.path, "'agree' is missing: how many arms must agree");
  if (!expect(agree->value, JsonKind::number, place.path, "'agree'")) return;
  const double number = agree->value.number, arms = static_cast<double>(node.arms.size());
  if (number >= 1 && number <= arms && number == std::floor(number)) node.agree = static_cast<int>(number);
  else
    add(Code::bad_value, agree->value.at, place.path,
        "'agree' must be a whole number from 1 to " + std::to_string(node.arms.size()) + ", the number of arms");
}

// "policy": a name, or {name: {parameter: number, ...}}. Which names there are is known where the flow is started.
void FlowReader::read_policy(const Place& place, Node& node) {
  node.policy.name = "adaptive";
  const auto* policy = place.object.find("policy");
  if (!policy) return;
  auto call = read_call(policy->value, place.path);
  if (!call) return;
  node.policy = {call->first.substr(0, 200), std::move(call->second)};
  if (node.policy.name.empty()) add(Code::bad_value, policy->value.at, place.path, "a policy's name must not be empty");
}

void FlowReader::read_reserve(const Place& place, Node& node) {
  constexpr double most = 1e9;  // more than a week
  const auto* reserve = place.object.find("reserve_ms");
  if (!reserve || !expect(reserve->value, JsonKind::number, place.path, "'reserve_ms'")) return;
  const double ms = reserve->value.number;
  if (ms >= 0 && ms <= most) node.reserve = Duration(std::llround(ms * 1e6));
  else add(Code::bad_value, reserve->value.at, place.path, "'reserve_ms' is a time in ms, expected 0 to 1e9");
}

void FlowReader::read_staged(const Place& place, const Type* in, Node& node) {
  const JsonValue& list = place.object.find("staged")->value;
  node.kind = Kind::staged;
  if (expect(list, JsonKind::array, place.path, "'staged'") && list.items.empty())
    add(Code::invalid_flow, list.at, place.path, "'staged' needs at least one stage");
  for (std::size_t k = 0; k < list.items.size(); ++k) {
    const bool last = k + 1 == list.items.size();
    const std::string path = arm_path(place.path, k);
    auto read = read_arm(list.items[k], path, in, false, last);
    in = read_exit({list.items[k], path}, read.gives, last, read.arm, node);
    node.arms.push_back(std::move(read.arm));
  }
  read_reserve(place, node);
}

// Checks what a stage of a staged gives; returns what the next one takes.
const Type* FlowReader::read_exit(const Place& place, const Type* gives, bool last, Arm& arm, Node& node) {
  arm.exit_ops = gives && !last ? catalog_.exit_ops(*gives) : nullptr;
  if (gives && !last && !arm.exit_ops)
    add(Code::type_mismatch, place.object.at, place.path,
        "gives " + type_name(gives) + ", but every stage of a 'staged' but the last must give an Exit");
  const Type* answer = last ? gives : arm.exit_ops ? arm.exit_ops->answer : nullptr;
  if (!node.type) node.type = answer;
  else if (answer && !equal(*node.type, *answer))
    add(Code::type_mismatch, place.object.at, place.path,
        (last ? "gives " : "leaves with ") + type_name(answer) + ", but the stages before it leave with " +
            type_name(node.type) + "; all must answer with one type");
  return arm.exit_ops ? arm.exit_ops->carry : nullptr;
}

void FlowReader::read_each(const Place& place, const Type* in, Node& node) {
  const JsonValue& value = place.object.find("each")->value;
  node.kind = Kind::each;
  node.each_in = in ? catalog_.each_in(*in) : nullptr;
  if (in && !node.each_in)
    add(Code::type_mismatch, value.at, place.path,
        "'each' takes a vector of a type that the catalog knows, got " + type_name(in));
  const bool keep = read_flag(place, "keep", false);
  auto read = read_arm(value, arm_path(place.path, 0), node.each_in ? node.each_in->element : nullptr, false, false);
  node.arms.push_back(std::move(read.arm));
  if (!read.gives) return;
  node.each_out = catalog_.each_out(*read.gives, keep);
  if (node.each_out) node.type = node.each_out->whole;
  else
    add(Code::unsupported, value.at, place.path,
        "'each' cannot gather " + type_name(read.gives) + ": it cannot be copied");
}

}  // namespace tailrace::detail
