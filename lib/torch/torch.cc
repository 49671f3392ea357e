#include "tailrace/torch/torch.h"

#include <ATen/Version.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/StringUtil.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/inline_fork_wait.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/jit_exception.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>
#include <string_view>
#include <thread>

#include "torch/convert.h"
#include "torch/effects.h"
#include "torch/threads.h"

namespace tailrace::torch {

namespace {

using detail::OneThread;
namespace jit = ::torch::jit;

// LibTorch's warnings on this thread go nowhere while it lives.
class Quiet {
  struct Silence : c10::WarningHandler {
    void process(const c10::Warning&) override {}
  };
  static c10::WarningHandler* silence() {
    static Silence handler;
    return &handler;
  }
  c10::WarningUtils::WarningHandlerGuard guard_{silence()};
};

// The line of a LibTorch message that says what went wrong: the last one of an interpreter's report, else the first.
std::string gist(std::string_view message) {
  while (!message.empty() && std::isspace(static_cast<unsigned char>(message.back()))) message.remove_suffix(1);
  if (message.find("Traceback of TorchScript") != message.npos) {
    const auto last = message.rfind('\n');
    if (last != message.npos) message.remove_prefix(last + 1);
  }
  message = message.substr(0, message.find('\n'));
  for (std::string_view noise : {"RuntimeError: ", "Exception: "})
    if (message.starts_with(noise)) message.remove_prefix(noise.size());
  return std::string(message);
}

// What the exception now being handled says. REQUIRES: inside a catch block.
Error caught(Code code, const std::string& where, const std::string& before = {}) noexcept {
  try {
    try {
      throw;
    } catch (const c10::Error& e) {
      return {code, where, before + gist(e.what_without_backtrace())};
    } catch (const std::bad_alloc&) {
      return {Code::out_of_memory, where, "no memory for this call"};
    } catch (const std::exception& e) {
      return {code, where, before + gist(e.what())};
    } catch (...) {
      return {code, where, "threw something that is no std::exception"};
    }
  } catch (...) {
    return {Code::out_of_memory, where, "no memory for an error's text"};
  }
}

std::string name_of(const std::string& path, const LoadOptions& options) {
  return options.name.empty() ? std::filesystem::path(path).stem().string() : options.name;
}

class ScriptModel final : public Model {
 public:
  ScriptModel(std::string name, std::string file, jit::Module module, LoadOptions options, detail::Effects effects)
      : name_(std::move(name)),
        file_(std::move(file)),
        options_(std::move(options)),
        effects_(std::move(effects)),
        module_(std::move(module)),
        forward_(module_.get_method("forward")) {
    for (const auto& argument : forward_.function().getSchema().arguments()) {
      ++most_inputs_;
      if (!argument.default_value()) ++least_inputs_;
    }
    --most_inputs_, --least_inputs_;  // the module itself
  }

  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override {
    try {
      if (Status fit = check(inputs); !fit) return fit;
      const OneThread one_thread;
      const Quiet quiet;
      const c10::InferenceMode inference;
      std::vector<at::Tensor> taken;
      const auto given = call(inputs, taken);
      return deliver(given, taken, inputs, outputs);
    } catch (...) {
      return caught(Code::stage_failed, name_);
    }
  }

  bool batched() const noexcept override { return options_.batch_dim.has_value(); }
  std::string describe() const override { return "LibTorch " TORCH_VERSION " model " + file_ + " on cpu"; }

 private:
  Error refuse(Code code, const std::string& what) const { return {code, name_, what}; }

  Status check(std::span<const Tensor> inputs) const {
    if (inputs.size() < least_inputs_ || inputs.size() > most_inputs_)
      return refuse(Code::bad_value, c10::str("takes ", most_inputs_, " inputs, got ", inputs.size()));
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (Status fit = check(inputs[i], i); !fit) return fit;
    return {};
  }

  Status check(const Tensor& input, std::size_t i) const {
    const Shape& shape = input.shape();
    if (input.device() != Device{})
      return refuse(Code::unsupported, c10::str("input ", i, " lies on ", name(input.device()), ", the model on cpu"));
    if (batched() && shape.rank() == 0)
      return refuse(Code::shape_mismatch, c10::str("input ", i, " has no batch dimension"));
    if (i >= options_.rows.size()) return {};
    const Row& row = options_.rows[i];
    if (input.dtype() != row.dtype)
      return refuse(Code::type_mismatch,
                    c10::str("input ", i, " must be ", name(row.dtype), ", got ", name(input.dtype())));
    if (std::equal(shape.begin() + batched(), shape.end(), row.shape.begin(), row.shape.end())) return {};
    return refuse(Code::shape_mismatch, c10::str("input ", i, " must be ", batched() ? "a batch of " : "",
                                                 name(row.shape), ", got ", name(shape)));
  }

  c10::IValue call(std::span<const Tensor> inputs, std::vector<at::Tensor>& taken) const {
    std::vector<c10::IValue> stack;
    stack.reserve(most_inputs_ + 1);
    for (const Tensor& input : inputs) {
      const at::Tensor& view = taken.emplace_back(detail::borrow(input));
      stack.emplace_back(effects_.writes_inputs ? view.clone() : view);
    }
    return forward_(std::move(stack));
  }

  Status deliver(const c10::IValue& answer, const std::vector<at::Tensor>& taken, std::span<const Tensor> inputs,
                 std::span<Tensor> outputs) const {
    std::vector<at::Tensor> given;
    if (!detail::flatten(answer, given))
      return refuse(Code::type_mismatch, "forward gave " + answer.tagKind() + ", not a tensor");
    if (given.size() < outputs.size())
      return refuse(Code::bad_value,
                    c10::str("forward gave ", given.size(), " tensors, ", outputs.size(), " are wanted"));
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (Status fit = check_rows(given[i], taken, i); !fit) return fit;
      std::shared_ptr<void> owner = detach(given[i], taken, inputs);
      std::string bad;
      outputs[i] = detail::lend(std::move(given[i]), std::move(owner), bad);
      if (!bad.empty()) return refuse(Code::unsupported, c10::str("output ", i, " is ", bad));
    }
    return {};
  }

  Status check_rows(const at::Tensor& given, const std::vector<at::Tensor>& taken, std::size_t i) const {
    if (!batched() || taken.empty() || (given.dim() > 0 && given.size(0) == taken[0].size(0))) return {};
    return refuse(Code::shape_mismatch,
                  c10::str("output ", i, " has shape ", name(Shape(std::span(given.sizes()))),
                           ": its first dimension must be ", taken[0].size(0), ", as of the input"));
  }

  // Copies an answer that looks into the weights, or into an input that nobody owns; gives the owner of the input that
  // an answer looks into.
  std::shared_ptr<void> detach(at::Tensor& given, const std::vector<at::Tensor>& taken,
                               std::span<const Tensor> inputs) const {
    if (effects_.lends_state) given = given.clone();
    for (std::size_t i = 0; i < taken.size(); ++i) {
      if (!given.is_alias_of(taken[i])) continue;
      if (inputs[i].owner()) return inputs[i].owner();
      given = given.clone();
    }
    return nullptr;
  }

  std::string name_, file_;
  LoadOptions options_;
  detail::Effects effects_;
  std::size_t least_inputs_ = 0, most_inputs_ = 0;
  jit::Module module_;
  jit::Method forward_;
};

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

Status check_signature(const std::string& name, const c10::FunctionSchema& schema) {
  for (std::size_t i = 1; i < schema.arguments().size(); ++i) {
    const auto& argument = schema.arguments()[i];
    if (argument.default_value() || argument.type()->kind() == c10::TypeKind::TensorType) continue;
    return Error{Code::unsupported, name,
                 c10::str("forward takes '", argument.name(), ": ", argument.type()->annotation_str(),
                          "'; only tensors can be given")};
  }
  const auto& gives = schema.returns().at(0).type();
  if (made_of_tensors(*gives)) return {};
  return Error{Code::unsupported, name,
               c10::str("forward gives ", gives->annotation_str(),
                        "; only tensors, and tuples and lists of them, are supported")};
}

Status check_effects(const std::string& name, const detail::Effects& effects) {
  if (!effects.state.empty())
    return Error{
        Code::unsupported, name,
        c10::str(
            "keeps state in '", effects.state,
            "': forward writes to it, so calls would disturb each other; make it an input and an output of forward")};
  if (!effects.hidden.empty())
    return Error{Code::unsupported, name,
                 c10::str("forward calls '", effects.hidden, "', whose code cannot be seen: it may keep state")};
  return {};
}

Status check_options(const std::string& name, const LoadOptions& options) {
  const auto bad = [&](const char* what) { return Error{Code::bad_value, name, what}; };
  if (options.batch_dim && *options.batch_dim != 0) return bad("batch_dim must be 0, or std::nullopt for none");
  if (options.warm_up < 0) return bad("warm_up must not be negative");
  for (const Row& row : options.rows) {
    if (std::ranges::any_of(row.shape, [](auto extent) { return extent < 0; }))
      return bad("rows must be of fixed shape; leave them out where it varies");
    if (options.batch_dim && row.shape.rank() == Shape::max_rank) return bad("rows may have 7 dimensions at most");
  }
  if (std::ranges::any_of(options.batches, [](auto n) { return n < 1; })) return bad("batches must be positive");
  return {};
}

Status check_file(const std::string& name, const std::string& path) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  if (!std::filesystem::exists(status)) return Error{Code::bad_file, name, "there is no file '" + path + "'"};
  if (!std::filesystem::is_regular_file(status)) return Error{Code::bad_file, name, "'" + path + "' is no file"};
  return {};
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

Status warm_up(const Model& model, const LoadOptions& options) {
  if (options.rows.empty()) return {};
  for (const auto n : model.batched() ? options.batches : std::vector<std::int64_t>{1}) {
    std::vector<Tensor> inputs;
    for (const Row& row : options.rows)
      inputs.push_back(Tensor::zeros(row.dtype, model.batched() ? row.shape.with_first(n) : row.shape));
    Tensor output;
    for (int i = 0; i < options.warm_up; ++i)
      if (Status called = model.run(inputs, {&output, 1}); !called) return called;
  }
  return {};
}

Result<std::shared_ptr<const Model>> open_checked(const std::string& name, const std::string& path,
                                                  const LoadOptions& options, jit::Module module) {
  if (!module.find_method("forward")) return Error{Code::unsupported, name, "the module has no forward"};
  module = prepared(std::move(module));
  const jit::Method forward = module.get_method("forward");
  if (Status fit = check_signature(name, forward.function().getSchema()); !fit) return fit.error();
  detail::Effects effects = detail::effects_of(*forward.graph());
  if (Status fit = check_effects(name, effects); !fit) return fit.error();
  if (options.optimise) module = jit::optimize_for_inference(module);
  auto file = std::filesystem::path(path).filename().string();
  auto model =
      std::make_shared<const ScriptModel>(name, std::move(file), std::move(module), options, std::move(effects));
  if (Status warm = warm_up(*model, options); !warm) {
    // What forward threw at rows of zeros is about what it was given.
    const Code code = warm.error().code() == Code::stage_failed ? Code::shape_mismatch : warm.error().code();
    return Error{code, name, "warm-up failed: " + std::string(warm.error().what())};
  }
  return std::shared_ptr<const Model>(std::move(model));
}

}  // namespace

Result<std::shared_ptr<const Model>> open(const std::string& path, const LoadOptions& options) {
  const std::string name = name_of(path, options);
  if (Status fit = check_options(name, options); !fit) return fit.error();
  if (Status fit = check_file(name, path); !fit) return fit.error();
  const OneThread one_thread;
  const Quiet quiet;
  std::optional<jit::Module> module;
  try {
    module = jit::load(path, c10::kCPU);
  } catch (...) {
    return caught(Code::bad_file, name, "not a TorchScript file: ");
  }
  try {
    return open_checked(name, path, options, *std::move(module));
  } catch (...) {
    return caught(Code::unsupported, name);
  }
}

std::string report() {
  const auto& limits = detail::thread_limits();
  const bool limited = limits.omp_set != nullptr;
  return c10::str("LibTorch ", TORCH_VERSION, "\nOpenMP: ", at::get_openmp_version(), "\nMKL: ", at::get_mkl_version(),
                  "\noneDNN: ", at::get_mkldnn_version(), "\nkernels: ", at::get_cpu_capability(),
                  "\nthreads a call: ", limited ? "1" : "not limited, no OpenMP found",
                  "; of the process: ", detail::threads_of_caller(),
                  ", processors: ", std::thread::hardware_concurrency(), "\n");
}

ModelUse detail::use_of(const std::string& path, const LoadOptions& options, std::shared_ptr<const Model> model) {
  ModelUse use;
  use.name = name_of(path, options);
  use.model = std::move(model);
  return use;
}

}  // namespace tailrace::torch
