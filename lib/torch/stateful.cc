#include "tailrace/torch/stateful.h"

#include <atomic>

#include "torch/guard.h"
#include "torch/rows.h"
#include "torch/script.h"

namespace tailrace::torch {

struct StatefulCopy::Own {
  explicit Own(detail::Script script) : name(script.name), model(std::move(script)) {}
  const std::string name;
  const detail::ScriptModel model;
  std::atomic<bool> busy = false;
};

StatefulCopy::StatefulCopy(std::unique_ptr<Own> own) noexcept : own_(std::move(own)) {}
StatefulCopy::StatefulCopy(StatefulCopy&&) noexcept = default;
StatefulCopy& StatefulCopy::operator=(StatefulCopy&&) noexcept = default;
StatefulCopy::~StatefulCopy() = default;

Status StatefulCopy::run(std::span<const Tensor> inputs, std::span<Tensor> outputs) noexcept {
  if (!own_) return Error{Code::bad_value, "a copy that was moved away"};
  if (own_->busy.exchange(true, std::memory_order_acquire))
    return Error{Code::bad_value, own_->name, "two calls at a time of one copy, which keeps state"};
  const Status done = own_->model.run(inputs, outputs);
  own_->busy.store(false, std::memory_order_release);
  return done;
}

struct StatefulModel::Original {
  detail::Script script;
  Result<StatefulCopy> copy() const {
    try {
      detail::Script own = script;
      own.module = script.module.deepcopy();
      return StatefulCopy(std::make_unique<StatefulCopy::Own>(std::move(own)));
    } catch (...) {
      return detail::caught(Code::unsupported, script.name, "cannot be copied: ");
    }
  }
  // With a copy that is thrown away: what is slow in first calls is the code's, which all copies share.
  Status warm_up() const {
    auto tried = copy();
    if (!tried) return tried.error();
    return detail::warm_up(script.name, tried->own_->model, script.options);
  }
};

StatefulModel::StatefulModel(std::shared_ptr<const Original> original) noexcept : original_(std::move(original)) {}

Result<StatefulCopy> StatefulModel::copy() const { return original_->copy(); }
bool StatefulModel::batched() const noexcept { return original_->script.options.batch_dim.has_value(); }
std::string StatefulModel::describe() const {
  return detail::ScriptModel(original_->script).describe() + ", one state a copy";
}

Result<StatefulModel> open_stateful(const std::string& path, const LoadOptions& options) {
  const std::string name = detail::name_of(path, options);
  if (Status fit = detail::check_options(name, options); !fit) return fit.error();
  if (Status fit = detail::check_file(name, path); !fit) return fit.error();
  auto script = detail::read_script(path, options);
  if (!script) return script.error();
  if (!script->effects.constant.empty())
    return Error{Code::unsupported, name,
                 "writes to '" + script->effects.constant + "', a constant of its code, which copies would share"};
  script->options.optimise = Optimise::off;
  // What comes in may be kept, and what goes out may be the state itself: neither may be memory of the caller's.
  script->effects.writes_inputs = script->effects.lends_state = true;
  const StatefulModel model(
      std::make_shared<const StatefulModel::Original>(StatefulModel::Original{*std::move(script)}));
  if (Status warm = model.original_->warm_up(); !warm) return warm.error();
  return model;
}

Result<Tensor> StatefulStep::operator()(Result<StatefulCopy>& copy, const Tensor& in) const {
  if (!copy) return copy.error();
  Tensor out;
  if (Status called = copy->run({&in, 1}, {&out, 1}); !called) return called.error();
  return out;
}

}  // namespace tailrace::torch
