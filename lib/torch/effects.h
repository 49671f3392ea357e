#pragma once
#include <torch/csrc/jit/ir/ir.h>

#include <string>
#include <unordered_set>

// What a module's forward does besides computing: found by walking its inlined graph once, when it is loaded.
namespace tailrace::torch::detail {

namespace jit = ::torch::jit;

struct Effects {
  std::string state;           // attribute that forward writes to; empty: none
  std::string constant;        // constant of its code that forward writes to; empty: none
  std::string hidden;          // method whose code cannot be seen; empty: none
  bool writes_inputs = false;  // in-place operators reach the memory of an input
  bool lends_state = false;    // an answer may look into the module's weights
};

// Where the memory of a value may come from. Errs on the side of finding too much.
class Origins {
 public:
  explicit Origins(const jit::Value* value) { trace(value); }
  const std::string& state() const noexcept { return state_; }        // the attribute's name; empty: none
  const std::string& constant() const noexcept { return constant_; }  // of those, one that is part of the code
  bool input() const noexcept { return input_; }

 private:
  void trace(const jit::Value* value) {
    if (is_plain(*value->type()) || !seen_.insert(value).second) return;
    const jit::Node* node = value->node();
    switch (node->kind()) {
      case c10::prim::Param: return trace_parameter(value, node);
      case c10::prim::If: return trace_blocks(node, value->offset());
      case c10::prim::Loop: return trace(node->input(value->offset() + 2)), trace_blocks(node, value->offset() + 1);
      case c10::prim::GetAttr: return note(node->s(c10::attr::name));
      case c10::prim::Constant:
        note(value->hasDebugName() ? value->debugName() : "a constant");
        constant_ = state_;
        return;
      default: break;
    }
    trace_filling(value);
    if (const auto* schema = node->maybeSchema()) trace_aliases(value, node, *schema);
    else trace_all(node);
  }

  void trace_all(const jit::Node* node) {
    for (const auto* input : node->inputs()) trace(input);
  }

  void trace_blocks(const jit::Node* node, std::size_t output) {
    for (const auto* block : node->blocks()) trace(block->outputs()[output]);
  }

  void trace_parameter(const jit::Value* value, const jit::Node* node) {
    const jit::Node* owner = node->owningBlock()->owningNode();
    if (owner == nullptr) {
      if (value->offset() == 0) note("self");
      else input_ = true;
    } else if (owner->kind() == c10::prim::Loop && value->offset() > 0) {
      trace(owner->input(value->offset() + 1));
      trace_blocks(owner, value->offset());
    }
  }

  // An operator that makes new memory has no alias mark on its output.
  void trace_aliases(const jit::Value* value, const jit::Node* node, const c10::FunctionSchema& schema) {
    const auto& returns = schema.returns();
    const bool fresh = value->offset() < returns.size() && returns[value->offset()].alias_info() == nullptr;
    if (fresh && !schema.is_vararg()) return;
    for (std::size_t i = 0; i < node->inputs().size(); ++i)
      if (i >= schema.arguments().size() || schema.arguments()[i].alias_info()) trace(node->input(i));
  }

  // What was put into a list or dictionary after it was made.
  void trace_filling(const jit::Value* value) {
    if (value->type()->cast<c10::TensorType>()) return;
    for (const auto& use : value->uses()) {
      const auto* schema = use.user->maybeSchema();
      if (schema && schema->is_mutable()) trace_all(use.user);
    }
  }

  // Values that are copied where they go.
  static bool is_plain(const c10::Type& type) {
    switch (type.kind()) {
      case c10::TypeKind::NumberType:
      case c10::TypeKind::IntType:
      case c10::TypeKind::FloatType:
      case c10::TypeKind::ComplexType:
      case c10::TypeKind::BoolType:
      case c10::TypeKind::StringType:
      case c10::TypeKind::NoneType:
      case c10::TypeKind::DeviceObjType: return true;
      default: return false;
    }
  }

  void note(std::string name) {
    if (name.starts_with("self.")) name.erase(0, 5);
    if (state_.empty()) state_ = std::move(name);
  }

  std::unordered_set<const jit::Value*> seen_;
  std::string state_, constant_;
  bool input_ = false;
};

// Normalisation with running statistics writes to them when it is told to train; its schema does not say so.
inline bool trains_statistics(const jit::Node& node) {
  static const std::unordered_set<c10::Symbol> kinds = {c10::Symbol::fromQualString("aten::batch_norm"),
                                                        c10::Symbol::fromQualString("aten::instance_norm"),
                                                        c10::Symbol::fromQualString("aten::native_batch_norm")};
  if (!kinds.contains(node.kind())) return false;
  if (node.input(3)->type()->kind() == c10::TypeKind::NoneType) return false;
  const jit::Value* trains = node.input(5);
  const bool off = trains->node()->kind() == c10::prim::Constant && trains->node()->i(c10::attr::value) == 0;
  return !off;
}

inline void find_effects(const jit::Block& block, Effects& found) {
  const auto writes = [&](const jit::Value* value) {
    const Origins origins(value);
    if (found.state.empty()) found.state = origins.state();
    if (found.constant.empty()) found.constant = origins.constant();
    if (origins.input()) found.writes_inputs = true;
  };
  for (const jit::Node* node : block.nodes()) {
    if (node->kind() == c10::prim::SetAttr) {
      const Origins owner(node->input(0));
      if (found.state.empty() && !owner.state().empty()) found.state = node->s(c10::attr::name);
    } else if (node->kind() == c10::prim::CallMethod) {
      if (found.hidden.empty()) found.hidden = node->s(c10::attr::name);
    } else if (trains_statistics(*node)) {
      writes(node->input(3));
    } else if (const auto* schema = node->maybeSchema(); schema && schema->is_mutable()) {
      for (std::size_t i = 0; i < schema->arguments().size() && i < node->inputs().size(); ++i)
        if (schema->is_mutable({c10::SchemaArgType::input, i})) writes(node->input(i));
    }
    for (const auto* inner : node->blocks()) find_effects(*inner, found);
  }
}

// REQUIRES: calls are inlined.
inline Effects effects_of(const jit::Graph& graph) {
  Effects found;
  find_effects(*graph.block(), found);
  for (const auto* output : graph.outputs()) found.lends_state |= !Origins(output).state().empty();
  return found;
}

}  // namespace tailrace::torch::detail
