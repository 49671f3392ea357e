#include "torch/script.h"

#include <ATen/Version.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/StringUtil.h>

#include <algorithm>
#include <chrono>

#include "torch/convert.h"
#include "torch/guard.h"
#include "torch/libtorch_version.h"
#include "torch/rows.h"
#include "torch/threads.h"

namespace tailrace::torch::detail {

ScriptModel::ScriptModel(Script script) : script_(std::move(script)), frozen_(script_.module.get_method("forward")) {}

Status ScriptModel::run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept {
  try {
    if (Status fit = check(inputs); !fit) return fit;
    const IntraOp threads(static_cast<int>(script_.options.threads));
    const Quiet quiet;
    const c10::InferenceMode inference;
    return run(choices_.empty() ? Way::frozen : way_of(batched() ? inputs[0].shape()[0] : 0), inputs, outputs);
  } catch (...) {
    return caught(Code::stage_failed, script_.name);
  }
}

std::string ScriptModel::describe() const {
  std::string text = "LibTorch " TORCH_VERSION " model " + script_.file + " on cpu", ways;
  for (const Way way : {Way::plain, Way::optimised}) {
    std::string rows;
    for (const Choice& choice : choices_)
      if (choice.way == way) rows += (rows.empty() ? "" : ", ") + std::to_string(choice.rows);
    if (rows.empty()) continue;
    ways += (ways.empty() ? "" : "; ") + std::string(way == Way::plain ? "out-variants" : "oneDNN");
    if (batched()) ways += " at " + rows;
  }
  return ways.empty() ? text : text + " (" + ways + ")";
}

Status ScriptModel::check(std::span<const Tensor> inputs) const {
  if (inputs.size() < script_.least || inputs.size() > script_.most)
    return Error{Code::bad_value, script_.name, c10::str("takes ", script_.most, " inputs, got ", inputs.size())};
  return check_inputs(script_.name, script_.options, inputs);
}

// Sizes that were not tried go as the next smaller one that was, but not without the interpreter: that is for shapes
// whose answers were compared.
ScriptModel::Way ScriptModel::way_of(std::int64_t rows) const noexcept {
  Way way = Way::frozen;
  for (const Choice& choice : choices_) {
    if (choice.rows == rows) return choice.way;
    if (choice.rows < rows) way = choice.way == Way::plain ? Way::frozen : choice.way;
  }
  return way;
}

Status ScriptModel::run(Way way, std::span<const Tensor> inputs, std::span<Tensor> outputs) const {
  if (way == Way::plain && inputs[0].contiguous() && outputs.size() <= plain_->outputs()) {
    plain_->run(inputs[0], outputs);
    return {};
  }
  std::vector<at::Tensor> taken;
  const auto answer = call(way == Way::optimised ? *optimised_ : frozen_, inputs, taken);
  return deliver(answer, taken, inputs, outputs);
}

c10::IValue ScriptModel::call(const jit::Method& forward, std::span<const Tensor> inputs,
                              std::vector<at::Tensor>& taken) const {
  std::vector<c10::IValue> stack;
  stack.reserve(script_.arguments.size() + 1);
  taken.reserve(inputs.size());
  for (const Argument& argument : script_.arguments) {
    if (argument.fixed) {
      stack.push_back(*argument.fixed);
    } else if (taken.size() == inputs.size()) {
      stack.push_back(argument.otherwise.value());
    } else {
      const at::Tensor& view = taken.emplace_back(borrow(inputs[taken.size()]));
      stack.emplace_back(script_.effects.writes_inputs ? view.clone() : view);
    }
  }
  return forward(std::move(stack));
}

Status ScriptModel::deliver(const c10::IValue& answer, const std::vector<at::Tensor>& taken,
                            std::span<const Tensor> inputs, std::span<Tensor> outputs) const {
  const auto refuse = [&](Code code, const std::string& what) { return Error{code, script_.name, what}; };
  std::vector<at::Tensor> given;
  if (!flatten(answer, given))
    return refuse(Code::type_mismatch, "forward gave " + answer.tagKind() + ", not a tensor");
  if (given.size() < outputs.size())
    return refuse(Code::bad_value,
                  c10::str("forward gave ", given.size(), " tensors, ", outputs.size(), " are wanted"));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Shape shape(std::span(given[i].sizes()));
    if (Status fit = check_output(script_.name, script_.options, inputs, shape, i); !fit) return fit;
    std::shared_ptr<void> owner = detach(given[i], taken, inputs);
    std::string bad;
    outputs[i] = lend(std::move(given[i]), std::move(owner), bad);
    if (!bad.empty()) return refuse(Code::unsupported, c10::str("output ", i, " is ", bad));
  }
  return {};
}

// Copies an answer that looks into the weights, or into an input that nobody owns; gives the owner of the input that an
// answer looks into.
std::shared_ptr<void> ScriptModel::detach(at::Tensor& given, const std::vector<at::Tensor>& taken,
                                          std::span<const Tensor> inputs) const {
  if (script_.effects.lends_state) given = given.clone();
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (!given.is_alias_of(taken[i])) continue;
    if (inputs[i].owner()) return inputs[i].owner();
    given = given.clone();
  }
  return nullptr;
}

// ---- ways

void ScriptModel::find_ways() {
  const LoadOptions& options = script_.options;
  const IntraOp threads(static_cast<int>(options.threads));
  const Quiet quiet;
  const c10::InferenceMode inference;
  if (options.optimise != Optimise::off) {
    try {
      jit::Module module = script_.module.clone();  // with code of its own, which is rewritten
      optimised_ = jit::optimize_for_inference(module).get_method("forward");
    } catch (const std::exception&) {
      if (options.optimise == Optimise::on) throw;  // automatic: then there is nothing to choose from
    }
  }
  if (options.optimise == Optimise::on) {
    choices_.push_back({0, Way::optimised});
    return;
  }
  if (options.rows.empty() || options.warm_up == 0) return;
  if (options.rows.size() == 1 && script_.most == 1 && script_.arguments.size() == 1 && !script_.effects.writes_inputs)
    plain_ = Plain::recognise(*frozen_.graph());
  std::vector<Choice> choices;
  for (const auto rows : batches_of(options)) find_ways(rows, choices);
  std::ranges::sort(choices, {}, &Choice::rows);
  choices_ = std::move(choices);
}

void ScriptModel::find_ways(std::int64_t rows, std::vector<Choice>& choices) {
  if (std::ranges::count(choices, rows, &Choice::rows) != 0) return;
  Way way = plain_ && plain_is_equal(rows) ? Way::plain : Way::frozen;
  if (optimised_ && optimised_is_faster(rows, way)) way = Way::optimised;
  choices.push_back({rows, way});
}

// The same bits as the interpreter's, for all outputs, in three calls.
bool ScriptModel::plain_is_equal(std::int64_t rows) {
  const auto inputs = inputs_of(script_.options, rows, true);
  if (!plain_->prepare(inputs[0].dtype(), inputs[0].shape())) return false;
  try {
    std::vector<Tensor> expected(plain_->outputs()), got(plain_->outputs());
    for (int i = 0; i < 3; ++i) {
      if (!run(Way::frozen, inputs, expected)) return plain_->discard(), false;
      plain_->run(inputs[0], got);
      if (got != expected) return plain_->discard(), false;
    }
    return true;
  } catch (const std::exception&) {
    return plain_->discard(), false;
  }
}

// The least time of a call in rounds that take turns, each long enough to be measured.
bool ScriptModel::optimised_is_faster(std::int64_t rows, Way other) const {
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<double>;
  const auto inputs = inputs_of(script_.options, rows, true);
  bool failed = false;
  const auto seconds = [&](Way way, int calls) {
    Tensor output;
    const auto begin = Clock::now();
    for (int i = 0; i < calls && !failed; ++i) failed = !run(way, inputs, {&output, 1});
    return Seconds(Clock::now() - begin).count() / calls;
  };
  try {
    for (const Way way : {Way::optimised, other}) seconds(way, std::max(3, script_.options.warm_up));
    const int calls = std::clamp(static_cast<int>(2e-3 / std::max(seconds(other, 3), 1e-9)), 1, 1000);
    double least[2] = {1e9, 1e9};
    for (int round = 0; round < 7; ++round) {
      least[0] = std::min(least[0], seconds(Way::optimised, calls));
      least[1] = std::min(least[1], seconds(other, calls));
    }
    return !failed && least[0] < least[1];
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace tailrace::torch::detail
