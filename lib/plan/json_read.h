#pragma once
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plan/json_text.h"
#include "tailrace/plan/catalog.h"
#include "tailrace/plan/graph.h"

namespace tailrace::detail {

// Reads one flow from its JSON value. Goes on after each mistake, so that all are reported at once: what a mistake
// makes unknown has a null type, about which nothing further is said.
class FlowReader {
 public:
  explicit FlowReader(const Catalog& catalog) : catalog_(catalog) {}

  // A null `in` or `out` is whatever the text says.
  Built<std::shared_ptr<const Graph>> read(const JsonValue& root, const Type* in, const Type* out);

 private:
  enum class Form { run, model, join, race, quorum, hedge, cascade, staged, choose, each, flow, stages };
  static std::string_view key(Form form);
  static std::vector<std::string_view> extras(Form form);  // keys that may stand beside it

  // A flow that is being read.
  struct Scope {
    Graph graph;
    std::string path;  // of its stages, in problems
    std::unordered_map<std::string, int> by_name;
    int last = 0;                  // the stage before
    bool all_inputs_known = true;  // otherwise a stage may look unused that is not
  };
  // A stage that is being read: `object` is its JSON, `path` names it in problems.
  struct Place {
    const JsonValue& object;
    std::string path;
  };
  struct ReadArm {
    Arm arm;
    const Type* gives = nullptr;
  };

  // ---- problems
  void add(Code code, Position at, const std::string& path, std::string what);
  void add(const Problems& problems, Position at, const std::string& path);
  void add_placed(const Problems& problems, const std::string& path);
  bool expect(const JsonValue& value, JsonValue::Kind kind, const std::string& path, std::string_view what);
  void check_keys(const Place& place, std::vector<std::string_view> known);
  std::optional<Form> find_form(const Place& place, const std::vector<Form>& forms, std::string_view what);
  std::string type_name(const Type* type) const { return type ? catalog_.type_name(*type) : "unknown"; }

  // ---- flows and stages (json_read.cc)
  const Type* read_input_type(const JsonValue& root, const Type* given);
  std::shared_ptr<const Graph> read_stages(const JsonValue& list, std::string name, const Type* in, std::string path);
  std::shared_ptr<const Graph> read_nested(const JsonValue& flow, const Type* in, const std::string& path);
  void read_stage(Scope& scope, const JsonValue& object, std::size_t number);
  int read_form(Scope& scope, std::optional<Form> form, const Place& place, Node node);
  std::string read_name(Scope& scope, const JsonValue& object, std::size_t number);
  std::vector<int> read_from(Scope& scope, const Place& place, bool join);
  static std::string hint_among(const Scope& scope, const std::string& name);
  int read_source(Scope& scope, const JsonValue& value, const Place& place);
  int splice(Scope& scope, const Node& at, const Graph& flow);

  // ---- what stages are made of (json_parts.cc)
  std::optional<std::pair<std::string, Parameters>> read_call(const JsonValue& value, const std::string& path);
  std::optional<Stage> read_function(const JsonValue& value, const Place& place, const std::vector<const Type*>& in,
                                     bool join);
  void check_takes(const JsonValue& value, const Place& place, const Stage& stage, const std::vector<const Type*>& in,
                   bool join);
  std::optional<Stage> read_model(const JsonValue& value, const Place& place, const Type* in);
  std::optional<Need> read_need(const Place& place);
  void read_batch(const Place& place, Stage& stage);
  unsigned read_count(const Place& batch, std::string_view key, unsigned most);
  Test read_test(const JsonValue& value, const std::string& path, const Type* judged, std::string_view what);
  bool read_flag(const Place& place, std::string_view key, bool otherwise);
  ReadArm read_arm(const JsonValue& value, const std::string& path, const Type* in, bool rung, bool last);
  void read_arms(Form form, const Place& place, const Type* in, Node& node);
  void read_agree(const Place& place, Node& node);
  void read_policy(const Place& place, Node& node);
  void read_reserve(const Place& place, Node& node);
  void read_staged(const Place& place, const Type* in, Node& node);
  const Type* read_exit(const Place& place, const Type* gives, bool last, Arm& arm, Node& node);
  void read_each(const Place& place, const Type* in, Node& node);

  const Catalog& catalog_;
  Problems problems_;
  std::map<std::string, Position> places_;  // of stages and arms, by path
  std::size_t stages_ = 0;
};

}  // namespace tailrace::detail
