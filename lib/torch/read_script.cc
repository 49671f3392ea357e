#include <c10/util/StringUtil.h>
#include <torch/csrc/jit/passes/inline_fork_wait.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/jit_exception.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <filesystem>

#include "torch/guard.h"
#include "torch/rows.h"
#include "torch/script.h"
#include "torch/threads.h"

namespace tailrace::torch::detail {

namespace {

// Tensors, and tuples and lists of them.
bool made_of_tensors(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::TensorType:
    case c10::TypeKind::AnyType: return true;
    case c10::TypeKind::ListType:
    case c10::TypeKind::TupleType:
      return std::ranges::all_of(type.containedTypes(), [](const auto& t) { return made_of_tensors(*t); });
    default: return false;
  }
}

// A parameter of LoadOptions as forward wants it; nothing: of another kind.
std::optional<c10::IValue> value_of(const Parameter& given, const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::StringType: return given.is_text ? std::optional<c10::IValue>(given.text) : std::nullopt;
    case c10::TypeKind::FloatType: return given.is_text ? std::nullopt : std::optional<c10::IValue>(given.number);
    case c10::TypeKind::BoolType: return given.is_text ? std::nullopt : std::optional<c10::IValue>(given.number != 0);
    case c10::TypeKind::IntType:
    case c10::TypeKind::NumberType: {
      const auto whole = static_cast<std::int64_t>(given.number);
      return given.is_text || static_cast<double>(whole) != given.number ? std::nullopt
                                                                         : std::optional<c10::IValue>(whole);
    }
    default: return std::nullopt;
  }
}

bool takes_tensor(const c10::Type& type) {
  if (type.kind() == c10::TypeKind::OptionalType) return takes_tensor(*type.containedTypes().at(0));
  return type.kind() == c10::TypeKind::TensorType;
}

Status read_argument(Script& script, const c10::Argument& argument) {
  const auto& given = script.options.arguments.list();
  const auto found = std::ranges::find(given, argument.name(), &Parameter::name);
  if (found != given.end()) {
    auto value = value_of(*found, *argument.type());
    if (!value)
      return Error{Code::bad_value, script.name,
                   c10::str("forward takes '", argument.name(), ": ", argument.type()->annotation_str(), "', got ",
                            found->is_text ? "'" + found->text + "'" : c10::str(found->number))};
    script.arguments.push_back({std::move(value), {}});
    return {};
  }
  const auto& otherwise = argument.default_value();
  if (takes_tensor(*argument.type())) {
    script.arguments.push_back({{}, otherwise});
    ++script.most;
    if (!otherwise) script.least = script.most;
    return {};
  }
  if (otherwise) {
    script.arguments.push_back({otherwise, {}});
    return {};
  }
  return Error{Code::unsupported, script.name,
               c10::str("forward takes '", argument.name(), ": ", argument.type()->annotation_str(),
                        "'; only tensors can be given, and what LoadOptions::arguments say")};
}

Status read_signature(Script& script, const c10::FunctionSchema& schema) {
  std::vector<std::string> names;
  for (std::size_t i = 1; i < schema.arguments().size(); ++i) {
    names.push_back(schema.arguments()[i].name());
    if (Status fit = read_argument(script, schema.arguments()[i]); !fit) return fit;
  }
  for (const Parameter& given : script.options.arguments.list())
    if (!std::ranges::count(names, given.name))
      return Error{Code::unknown_name, script.name,
                   "forward has no parameter '" + given.name + "'" + nearest_hint(given.name, names)};
  const auto& gives = schema.returns().at(0).type();
  if (made_of_tensors(*gives)) return {};
  return Error{Code::unsupported, script.name,
               c10::str("forward gives ", gives->annotation_str(),
                        "; only tensors, and tuples and lists of them, are supported")};
}

// In evaluation mode, on the calling thread, with weights made constants where LibTorch can.
jit::Module prepared(jit::Module module) {
  module.eval();
  const auto graph = module.get_method("forward").graph();
  jit::Inline(*graph);
  jit::InlineForkWait(graph);  // forks would start threads of LibTorch's
  try {
    return jit::freeze(module);
  } catch (const std::exception&) {  // answers are the same without
    return module;
  }
}

Result<Script> read(Script script) {
  if (!script.module.find_method("forward")) return Error{Code::unsupported, script.name, "the module has no forward"};
  script.module = prepared(std::move(script.module));
  const jit::Method forward = script.module.get_method("forward");
  if (Status fit = read_signature(script, forward.function().getSchema()); !fit) return fit.error();
  script.effects = effects_of(*forward.graph());
  return script;
}

}  // namespace

Result<Script> read_script(const std::string& path, const LoadOptions& options) {
  const std::string name = name_of(path, options);
  const IntraOp threads(1);
  const Quiet quiet;
  std::optional<jit::Module> module;
  try {
    module = jit::load(path, c10::kCPU);
  } catch (...) {
    return caught(Code::bad_file, name, "not a TorchScript file: ");
  }
  try {
    return read({name, std::filesystem::path(path).filename().string(), options, *std::move(module), {}, {}, 0, 0});
  } catch (...) {
    return caught(Code::unsupported, name);
  }
}

}  // namespace tailrace::torch::detail
